"""The server as a program: its start, its lock, its end, and what it does not load."""

import contextlib
import json
import os
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from errno import EADDRINUSE
from pathlib import Path

import httpx2
import openai
import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments, before=None, **environment):
    return subprocess.run(
        [sys.executable, "-m", "practice_server", *arguments],
        cwd=ROOT,
        preexec_fn=before,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_the_api_process_loads_no_numbers():
    """It must start fast and stay small, also after an upload has been checked."""
    code = (
        "import sys, practice_server.__main__, practice_server.formats.rules;"
        "unwanted = {'numpy', 'openai', 'pandas', 'matplotlib', 'tiktoken', 'helpers'};"
        "unwanted.add('llguidance');"
        "print(sorted(unwanted & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks into /proc")
def test_a_server_at_work_has_loaded_none_either(server, finished_job):
    maps = Path(f"/proc/{server.process.pid}/maps").read_text(encoding="utf-8")
    assert "numpy" not in maps and "tiktoken" not in maps


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_the_home_is_for_the_owner_only(start_server, tmp_path, data):
    """Whatever the umask, also if the folder was there before."""
    (tmp_path / "home").mkdir(mode=0o755)
    server = start_server(before=lambda: os.umask(0o022))
    job = server.create(method=data.epochs(20))
    server.wait(job, until=("running",))
    server.wait(job)
    for path in (server.home, *server.home.rglob("*")):
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path


def test_a_key_from_the_environment(start_server):
    key = "a-key-of-my-own-0123456789"
    server = start_server(environment={"PRACTICE_SERVER_KEY": key})
    assert server.api_key == key
    assert openai.OpenAI(base_url=server.base_url, api_key=key).models.list().data


def test_a_second_server_on_the_same_home_says_so(start_server, models_folder):
    server = start_server()
    second = run("--home", server.home, "--models", models_folder)
    assert second.returncode == 1
    assert f"{server.base_url} (process {server.process.pid}) already uses" in second.stderr
    assert server.client.models.list().data
    assert json.loads((server.home / "server.json").read_text())["pid"] == server.process.pid


def test_a_port_that_is_taken_is_named(start_server, models_folder, tmp_path):
    port = str(httpx2.URL(start_server().base_url).port)
    second = run("--home", tmp_path / "other", "--models", models_folder, "--port", port)
    assert second.returncode == 1
    assert (
        second.stderr == f"Cannot listen at 127.0.0.1, port {port}: {os.strerror(EADDRINUSE)}.\n"
    )


@pytest.mark.parametrize("key", ["", "tooshort"])
def test_other_machines_need_a_long_key(tmp_path, key):
    done = run("--home", tmp_path, "--host", "0.0.0.0", PRACTICE_SERVER_KEY=key)
    assert done.returncode == 2
    assert "PRACTICE_SERVER_KEY" in done.stderr and "22 characters" in done.stderr


@pytest.mark.parametrize(
    ("option", "text", "words"),
    [
        ("--alias", "gpt-4o-mini", "NAME=MODEL"),
        ("--alias", "gpt-4o-mini=gone", "there is no model gone"),
        ("--port", "99999", "whole number from 0 to 65535"),
        ("--lanes", "99999999999999", "whole number from 1 to"),
        ("--memory", "0", "whole number from 1 to"),
        ("--memory", "1.5", "whole number from 1 to"),
        ("--idle", "-1", "minutes above 0"),
        ("--idle", "nan", "minutes above 0"),
        ("--rehearse", "paused", "invalid choice"),
    ],
)
def test_odd_options_are_refused(tmp_path, option, text, words):
    done = run("--home", tmp_path, option, text)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr and "Traceback" not in done.stderr


def keep_database_of_version_7(home):
    with contextlib.closing(sqlite3.connect(home / "store.sqlite3")) as store:
        store.execute("PRAGMA user_version = 7")


def keep_database_without_version(home):
    with contextlib.closing(sqlite3.connect(home / "store.sqlite3")) as store:
        store.execute("CREATE TABLE files (id TEXT)")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda home: (home / "files").touch(), "files'"),
        (lambda home: (home / "lock.sqlite3").write_bytes(b"junk" * 99), "lock.sqlite3: file is"),
        (lambda home: (home / "lock.sqlite3").mkdir(), "lock.sqlite3: unable to open"),
        (lambda home: (home / "server.json").mkdir(), "server.json'"),
        (
            lambda home: (home / "store.sqlite3").write_bytes(b"junk" * 99),
            "file is not a database",
        ),
        (keep_database_of_version_7, "its version is 7, this server's is 1"),
        (keep_database_without_version, "its version is 0, this server's is 1"),
    ],
)
def test_a_home_that_cannot_be_used_is_told_in_a_sentence(tmp_path, spoil, words):
    spoil(tmp_path)
    before = {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}
    done = run("--home", tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert str(tmp_path) in done.stderr and words in done.stderr and "--home" in done.stderr
    assert all(not content or path.read_bytes() == content for path, content in before.items())


@pytest.mark.skipif(os.name != "posix", reason="sets a limit as POSIX does")
@pytest.mark.parametrize("home", ["home", os.devnull, "a-file/home"])
def test_a_home_where_nothing_can_be_written_is_told_in_a_sentence(tmp_path, home):
    import resource

    (tmp_path / "a-file").touch()
    no_room = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # noqa: E731
    done = run("--home", tmp_path / home, before=no_room)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert f"The folder {tmp_path / home} cannot be used" in done.stderr


def test_an_idle_server_ends_itself(start_server):
    server = start_server("--idle", "0.01")
    assert server.process.wait(timeout=30) == 0
    assert not (server.home / "server.json").exists()


def test_a_server_with_a_job_is_not_idle(start_server, data):
    server = start_server("--idle", "0.02")
    job = server.create(n_examples=40, method=data.epochs(15))
    time.sleep(1.5)  # longer than the idle time; the training is longer still
    assert server.process.poll() is None
    assert server.wait(job).status == "succeeded"


@pytest.mark.skipif(os.name != "posix", reason="sets a limit as POSIX does")
def test_a_full_disk_is_named_and_survived(start_server, data):
    import resource

    def leave_little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (6_000_000, 6_000_000))

    server = start_server(before=leave_little_room)
    lines = data.examples(100_000)
    with pytest.raises(openai.InternalServerError, match="disk of the practice server is full"):
        server.upload(lines)
    assert not list((server.home / "files").iterdir())
    assert server.client.files.retrieve(server.upload(lines[:10])).bytes


@pytest.fixture
def logged_server(tmp_path, start_server):
    """A server whose log goes to the file `log`."""
    with (tmp_path / "log").open("w", encoding="utf-8") as log:
        descriptor = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            return start_server()
        finally:
            os.dup2(descriptor, 2)
            os.close(descriptor)


def test_an_upload_that_is_broken_off_is_no_fault_of_the_servers(logged_server, tmp_path):
    url = httpx2.URL(logged_server.base_url)
    head = (
        f"POST /v1/files HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: 1000000\r\n"
        "Content-Type: multipart/form-data; boundary=a\r\n"
        f"Authorization: Bearer {logged_server.api_key}\r\n\r\n"
    )
    for _ in range(3):
        with socket.create_connection((url.host, url.port)) as connection:
            connection.sendall(head.encode() + b"--a")
    assert logged_server.client.files.list().data == []
    logged_server.stop()
    assert (tmp_path / "log").read_text(encoding="utf-8") == ""


def test_what_the_servers_end_cuts_off_fills_no_log(logged_server, tmp_path):
    url = httpx2.URL(logged_server.base_url)
    with contextlib.ExitStack() as connections:
        for _ in range(5):
            sent = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {url.host}\r\n"
            sent += f"Authorization: Bearer {logged_server.api_key}\r\nContent-Length: 9\r\n\r\n{{"
            connection = socket.create_connection((url.host, url.port))
            connections.enter_context(connection).sendall(sent.encode())
        logged_server.client.models.list()
        logged_server.stop()
    log = (tmp_path / "log").read_text(encoding="utf-8")
    assert "Cancel 5 running" in log and log.count("\n") == 1


def test_nothing_of_a_request_is_logged(tmp_path, logged_server, data):
    server = logged_server
    secret = [{"role": "user", "content": "my-secret-words"}]
    server.client.chat.completions.create(model="tiny", messages=secret, max_tokens=1)
    with pytest.raises(openai.BadRequestError):
        server.client.chat.completions.create(model="tiny", messages=secret, temperature=9)
    server.wait(server.create(training_file=server.upload([{"messages": secret}] * 10)))
    server.stop()
    text = (tmp_path / "log").read_text(encoding="utf-8")
    assert "my-secret-words" not in text and server.api_key not in text

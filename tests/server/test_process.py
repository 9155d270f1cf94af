"""The server as a program: its start, its lock, its end, and what it does not load."""

import json
import os
import socket
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


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "practice_server", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_the_api_process_loads_no_numbers():
    """It must start fast and stay small, also after an upload has been checked."""
    code = (
        "import sys, practice_server.__main__, practice_server.validate;"
        "unwanted = {'numpy', 'openai', 'pandas', 'matplotlib', 'tiktoken', 'helpers'};"
        "print(sorted(unwanted & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks into /proc")
def test_a_server_at_work_has_loaded_none_either(server, finished_job):
    maps = Path(f"/proc/{server.process.pid}/maps").read_text(encoding="utf-8")
    assert "numpy" not in maps and "tiktoken" not in maps


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_the_key_is_for_the_owner_only(server):
    mode = (server.home / "server.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


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


def test_a_bad_alias_is_refused(tmp_path):
    done = run("--home", tmp_path, "--alias", "gpt-4o-mini")
    assert done.returncode == 2 and "NAME=MODEL" in done.stderr


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

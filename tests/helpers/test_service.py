"""connect finds or starts the practice server, and never goes hosted or sends a key unasked."""

import ast
import contextlib
import json
import os
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import openai
import pytest

from helpers.service import LONGEST_LOG, ROOT, ServiceError, _started, connect, running_server

CONNECT = "from helpers.service import connect; print(connect().client.base_url)"


def server_file(work):
    return work / "practice" / "server.json"


def process_id(work):
    return json.loads(server_file(work).read_text(encoding="utf-8"))["pid"]


def connect_elsewhere():
    """Connect from another Python process, as a second notebook does."""
    return subprocess.Popen(
        [sys.executable, "-c", CONNECT], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


# The practice server


def test_the_practice_server_is_started_once_and_then_reused(work):
    first, second = connect(), connect()
    assert first.is_practice and first.name == "practice" and first.base_model == "pocket"
    assert isinstance(first.client, openai.OpenAI)
    assert first.client.base_url == second.client.base_url
    assert first.base_model in {model.id for model in second.client.models.list()} | {"pocket"}


def test_a_long_log_is_begun_anew(work):
    log = work / "practice" / "server.log"
    log.parent.mkdir()
    log.write_bytes(bytes(LONGEST_LOG + 1))
    connect()
    assert log.stat().st_size < LONGEST_LOG


def test_the_server_outlives_the_process_that_started_it(work):
    starter = connect_elsewhere()
    base_url = starter.communicate(timeout=60)[0].strip()
    assert starter.returncode == 0
    assert str(connect().client.base_url) == base_url


def test_two_notebooks_that_connect_at_once_get_the_same_server(work):
    both = [connect_elsewhere(), connect_elsewhere()]
    urls = {process.communicate(timeout=60)[0].strip() for process in both}
    assert len(urls) == 1
    assert str(connect().client.base_url) in urls


def test_a_deleted_work_folder_heals(work):
    """Also if the server that has lost it ends only later."""
    connect()
    (old,) = (process for process in _started if process.pid == process_id(work))
    shutil.rmtree(work / "practice", ignore_errors=True)
    try:
        client = connect().client
        assert process_id(work) != old.pid
    finally:
        old.terminate()
        old.wait(timeout=30)
    assert connect().client.base_url == client.base_url


def test_a_server_is_found_though_its_file_is_gone(work):
    client = connect().client
    server_file(work).unlink()
    assert connect().client.base_url == client.base_url
    assert _started[-1].wait(timeout=30)  # a second one has ended itself: the folder is taken


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_all_that_the_server_has_is_its_owners_alone(work):
    before = os.umask(0o022)
    try:
        connect()
    finally:
        os.umask(before)
    home = work / "practice"
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (home, *home.rglob("*"))}
    assert len(modes) > 5 and not [path for path, mode in modes.items() if mode & 0o077]


def write_server_file(work, base_url):
    server_file(work).parent.mkdir()
    server = {"base_url": base_url, "api_key": "the-practice-key", "pid": 1}
    server_file(work).write_text(json.dumps(server), encoding="utf-8")


def test_a_file_that_is_left_over_makes_nobody_ask_there(work):
    """Its port may belong to another program by now, which may never answer."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        write_server_file(work, f"http://127.0.0.1:{other.getsockname()[1]}/v1")
        connect()
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            other.accept()


@contextlib.contextmanager
def held(home):
    """As by a server that runs there."""
    home.mkdir(exist_ok=True)
    connection = sqlite3.connect(home / "lock.sqlite3", isolation_level=None)
    with contextlib.closing(connection):
        connection.execute("BEGIN EXCLUSIVE")
        yield


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '{"base_url": 1, "api_key": 2}'])
def test_a_damaged_server_file_is_no_server(tmp_path, text):
    (tmp_path / "server.json").write_text(text, encoding="utf-8")
    with held(tmp_path):
        assert running_server(tmp_path) is None


def test_the_environment_does_not_stand_between(work, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer a-real-key")
    assert connect().client.models.list()


def test_a_server_that_cannot_start_is_explained(work):
    with held(work / "practice"), pytest.raises(ServiceError) as error:
        connect()
    assert "already uses the folder" in str(error.value)
    assert "nothing in it is lost" in str(error.value) and "delete" not in str(error.value)


def test_a_work_folder_that_cannot_be_made_is_explained(tmp_path, monkeypatch):
    (tmp_path / "work").write_text("a file, not a folder", encoding="utf-8")
    monkeypatch.setenv("FINE_TUNING_WORK", str(tmp_path / "work"))
    with pytest.raises(ServiceError, match="FINE_TUNING_WORK"):
        connect()


class Recorder(BaseHTTPRequestHandler):
    """Answers like a service without models, and keeps the headers of what it was asked."""

    body = b'{"object": "list", "data": []}'

    def do_GET(self):
        self.server.requests.append(self.headers)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *arguments):
        """Keep the test's output clean."""


@pytest.fixture
def recorder():
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as server:
        server.requests = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_no_real_key_is_sent_to_the_practice_server(tmp_path, monkeypatch, recorder):
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "AZURE_OPENAI_API_KEY", "FINE_TUNING_KEY"):
        monkeypatch.setenv(name, "a-real-key")
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "a-real-key-has-this")
    headers = "authorization: Bearer a-real-key\nX-Company: a-real-key\nAuthorization: a-real-key"
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", headers)
    monkeypatch.setenv("FINE_TUNING_WORK", str(tmp_path))
    write_server_file(tmp_path, f"http://127.0.0.1:{recorder.server_address[1]}/v1")
    with held(tmp_path / "practice"):
        client = connect().client
    client.models.list()
    client.with_options(timeout=5).models.list()
    assert len(recorder.requests) == 3
    assert all(
        headers["Authorization"] == "Bearer the-practice-key" for headers in recorder.requests
    )
    assert not [headers for headers in recorder.requests if "a-real-key" in str(headers)]


# Hosted services


def test_a_key_in_the_environment_does_not_make_it_go_hosted(work, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "a-real-key")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert connect().is_practice


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("openai", "OPENAI_API_KEY"),
        ("azure", "AZURE_OPENAI_ENDPOINT"),
        ("nebius", "NEBIUS_API_KEY"),
        ("https://tuning.example.org/v1", "FINE_TUNING_MODEL"),
    ],
)
def test_what_a_hosted_service_lacks_is_named(name, missing, monkeypatch):
    for variable in ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY", "NEBIUS_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("FINE_TUNING_SERVICE", name)
    with pytest.raises(ServiceError, match=missing):
        connect()


def test_an_unknown_service_is_refused_with_the_known_ones():
    with pytest.raises(ServiceError, match="practice, openai, azure, nebius"):
        connect("opnai")


def test_a_hosted_service_takes_its_key_from_the_environment(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "a-real-key")
    service = connect("openai")
    assert not service.is_practice
    assert service.client.api_key == "a-real-key"
    assert service.client.base_url.host == "api.openai.com"


def test_azure_has_an_address_of_ones_own(monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://mine.openai.azure.com/")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "a-real-key")
    assert str(connect("azure").client.base_url) == "https://mine.openai.azure.com/openai/v1/"


def test_a_server_of_ones_own_is_named_by_its_address(monkeypatch, recorder):
    url = f"http://127.0.0.1:{recorder.server_address[1]}/v1"
    monkeypatch.setenv("FINE_TUNING_SERVICE", url)
    monkeypatch.setenv("FINE_TUNING_KEY", "my-key")
    monkeypatch.setenv("FINE_TUNING_MODEL", "my-model")
    service = connect()
    assert service.base_model == "my-model" and not service.is_practice
    assert service.name == f"127-0-0-1-{recorder.server_address[1]}"
    monkeypatch.setenv("OPENAI_ORG_ID", "only-openai-needs-this")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Company: only-openai-needs-this")
    connect().client.models.list()
    assert recorder.requests[0]["Authorization"] == "Bearer my-key"
    assert "only-openai-needs-this" not in str(recorder.requests[0])


@pytest.mark.parametrize("sign", ["BINDER_SERVICE_HOST", "BINDER_LAUNCH_HOST"])
@pytest.mark.parametrize("name", ["openai", "azure", "nebius", "https://tuning.example.org/v1"])
def test_on_binder_no_key_is_taken(sign, name, monkeypatch):
    monkeypatch.setenv(sign, "somewhere")
    monkeypatch.setattr("getpass.getpass", lambda prompt: pytest.fail("was asked for a key"))
    for variable in ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "NEBIUS_API_KEY"):
        monkeypatch.setenv(variable, "a-real-key")
    with pytest.raises(ServiceError, match="On Binder no key is safe") as error:
        connect(name, ask_for_key=True)
    assert "a-real-key" not in str(error.value)


def test_on_binder_a_server_on_the_same_machine_may_be_used(monkeypatch):
    monkeypatch.setenv("BINDER_SERVICE_HOST", "somewhere")
    monkeypatch.setenv("FINE_TUNING_KEY", "my-key")
    monkeypatch.setenv("FINE_TUNING_MODEL", "my-model")
    assert connect("http://127.0.0.1:9/v1").base_model == "my-model"


def test_a_key_may_be_typed_and_is_not_stored(monkeypatch):
    monkeypatch.delenv("NEBIUS_API_KEY", raising=False)
    monkeypatch.setattr("getpass.getpass", lambda prompt: "a-typed-key " * ("NEBIUS" in prompt))
    service = connect("nebius", ask_for_key=True)
    assert service.client.api_key == "a-typed-key"
    assert "a-typed-key" not in os.environ.values() and "a-typed-key" not in repr(service)


# The package


def test_an_error_is_shown_without_the_call_stack():
    assert ServiceError("Do this.")._render_traceback_() == ["ServiceError: Do this."]


def test_helpers_never_import_the_practice_server():
    for path in (ROOT / "helpers").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.startswith("practice_server")], path


def test_importing_does_nothing_and_loads_no_heavy_package(tmp_path):
    code = (
        "import sys; from helpers import service, jobs, plots, evaluate, exercises; "
        "print([name for name in ('pandas', 'matplotlib', 'tiktoken') if name in sys.modules])"
    )
    environment = os.environ | {"FINE_TUNING_WORK": str(tmp_path / "work")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr
    assert not Path(tmp_path / "work").exists()

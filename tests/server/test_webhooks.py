"""`--webhook URL`: a program on this machine is told that a job has ended."""

import contextlib
import http.server
import json
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

import openai
import pytest

from practice_server.web.webhook import BadWebhook, read_webhook

ROOT = Path(__file__).resolve().parents[2]
SECRET = "whsec_" + "c2VjcmV0" * 4


class Receiver:
    """Keeps what is posted to it; `answers` are its first ones, None says nothing; then 200."""

    def __init__(self, port=0, answers=()):
        self.received = queue.Queue()
        self.closing = threading.Event()
        answers, receiver = list(answers), self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.received.put((self.path, dict(self.headers), body))
                status = answers.pop(0) if answers else 200
                if status is None:
                    return receiver.closing.wait()
                self.send_response(status)
                self.send_header("location", f"{receiver.url}/elsewhere")
                self.end_headers()
                self.wfile.write(b"thanks")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hook?from=practice"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self, seconds=60):
        return self.received.get(timeout=seconds)

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receive():
    with contextlib.ExitStack() as closing:

        def start(**options):
            receiver = Receiver(**options)
            closing.callback(receiver.close)
            return receiver

        yield start


def free_port():
    with http.server.HTTPServer(("127.0.0.1", 0), None) as server:
        return server.server_port


def secret_of(server):
    return json.loads((server.home / "server.json").read_text(encoding="utf-8"))["webhook_secret"]


def unwrap(server, received, secret):
    _, headers, body = received
    return server.client.webhooks.unwrap(body, headers, secret=secret)


def test_ends_are_told_and_signed(start_server, receive, data):
    receiver = receive()
    server = start_server("--webhook", receiver.url)
    secret = secret_of(server)
    bad = server.upload([{"messages": []}] * 10)
    jobs = {
        "succeeded": server.create(method=data.epochs(1)),
        "failed": server.create(training_file=bad),
        "cancelled": server.create(),
    }
    server.client.fine_tuning.jobs.cancel(jobs["cancelled"].id)
    received = [receiver.next() for _ in jobs]
    events = {event.type: event for event in (unwrap(server, each, secret) for each in received)}
    for status, job in jobs.items():
        event = events[f"fine_tuning.job.{status}"]
        assert (event.data.id, event.object) == (job.id, "event")
        assert abs(event.created_at - time.time()) < 300
    succeeded = server.wait(jobs["succeeded"])
    assert events["fine_tuning.job.succeeded"].created_at == succeeded.finished_at
    path, headers, body = received[0]
    assert path == "/hook?from=practice" and headers["Content-Type"] == "application/json"
    assert len({headers["webhook-id"] for _, headers, _ in received}) == 3
    with pytest.raises(openai.InvalidWebhookSignatureError):
        unwrap(server, (path, headers, body + b" "), secret)
    with pytest.raises(openai.InvalidWebhookSignatureError):
        unwrap(server, received[0], SECRET)
    time.sleep(2)
    assert receiver.received.empty()


def test_a_receiver_that_is_down_at_first_is_told_later(start_server, receive, data):
    port = free_port()
    server = start_server("--webhook", f"http://127.0.0.1:{port}")
    job = server.wait(server.create(method=data.epochs(1)))
    time.sleep(1)
    # It refuses the first attempt that reaches it, with an answer that sends elsewhere.
    receiver = receive(port=port, answers=[307])
    first, second = receiver.next(), receiver.next()
    assert first[0] == second[0] == "/"
    assert first[1]["webhook-id"] == second[1]["webhook-id"] and first[2] == second[2]
    for each in (first, second):
        assert unwrap(server, each, secret_of(server)).data.id == job.id


def test_a_receiver_that_never_answers_holds_nothing_up(start_server, receive, data):
    receiver = receive(answers=[None] * 4)
    server = start_server("--webhook", receiver.url)
    first = server.create(method=data.epochs(1))
    silent = receiver.next()
    second = server.wait(server.create(method=data.epochs(1)))
    assert second.status == "succeeded" and server.client.models.list().data
    events = [unwrap(server, each, secret_of(server)) for each in (silent, receiver.next())]
    assert [event.data.id for event in events] == [first.id, second.id]
    # After some seconds it is given another chance.
    assert unwrap(server, receiver.next(), secret_of(server)).data.id == first.id
    server.stop()  # while it waits for an answer
    assert server.process.returncode == 0


def test_what_was_not_told_is_told_after_the_next_start(start_server, receive, data):
    port = free_port()
    variable = {"PRACTICE_SERVER_WEBHOOK_SECRET": SECRET}
    before = start_server()
    before.wait(before.create(method=data.epochs(1)))  # nobody had asked to be told
    before.stop()
    server = start_server("--webhook", f"http://localhost:{port}", environment=variable)
    job = server.wait(server.create(method=data.epochs(1)))
    server.kill()
    receiver = receive(port=port)
    server.start()
    assert unwrap(server, receiver.next(), SECRET).data.id == job.id
    assert secret_of(server) == SECRET
    time.sleep(1)
    server.stop()
    server.start()
    time.sleep(2)
    assert receiver.received.empty()


def test_only_this_machine_is_told():
    for url in ("http://127.0.0.1:1/x", "http://localhost", "https://[::1]:8000/a?b=c"):
        assert read_webhook(url, other_host=None, secret=None).secret.startswith("whsec_")
    for url in ("http://192.0.2.1/", "http://example.com:80", "http://127.0.0.1@example.com/"):
        with pytest.raises(BadWebhook, match="is not this machine.*--webhook-host"):
            read_webhook(url, other_host=None, secret=None)
    assert read_webhook("http://example.com/", other_host="example.com", secret=None)
    with pytest.raises(BadWebhook, match="is not this machine"):
        read_webhook("http://example.org/", other_host="example.com", secret=None)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:80",
        "ftp://localhost",
        "http://",
        "http://[::1",
        "http://localhost:x",
        "http://localhost/\r\nx: y",
        "http://localhost/ x",
        "http://localhost/ö",
    ],
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(BadWebhook, match="is no address"):
        read_webhook(url, other_host=None, secret=None)


@pytest.mark.parametrize("secret", ["x", "whsec_", "whsec_?", "whsec_abc"])
def test_a_secret_that_cannot_sign_is_refused(secret):
    with pytest.raises(BadWebhook, match="PRACTICE_SERVER_WEBHOOK_SECRET must be whsec_"):
        read_webhook("http://localhost", other_host=None, secret=secret)


def test_a_server_does_not_start_with_a_foreign_webhook(tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "practice_server",
            "--home",
            tmp_path,
            "--webhook",
            "http://a.test",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("--webhook: a.test is not this machine.")

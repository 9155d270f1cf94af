"""Those who open connections and send little, and those who come in great number."""

import asyncio
import contextlib
import socket

import httpx2
import openai
import pytest
from starlette.exceptions import HTTPException

from practice_server.machine import log
from practice_server.web import connections, guard

FILES = 128
HALF_A_HEAD = b"GET /v1/models HTTP/1.1\r\nHo"
WITHOUT_A_KEY = b"POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"


@pytest.fixture
def limited(start_server):
    """A server that may have 128 files open, so that there is room for 32 connections."""
    resource = pytest.importorskip("resource")
    return start_server(before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES)))


def connected(server):
    url = httpx2.URL(server.base_url)
    return socket.create_connection((url.host, url.port), timeout=30)


def test_half_sent_requests_do_not_stop_the_server(capfd, limited):
    with contextlib.ExitStack() as stack:
        for number in range(80):
            connection = stack.enter_context(connected(limited))
            connection.sendall((HALF_A_HEAD, WITHOUT_A_KEY)[number % 2])
        assert limited.client.models.list().data
    limited.stop()
    assert capfd.readouterr().err == ""


def test_many_chats_at_once_are_all_answered(capfd, limited):
    async def ask_all():
        async with openai.AsyncOpenAI(
            base_url=limited.base_url, api_key=limited.api_key, max_retries=0
        ) as client:
            hello = [{"role": "user", "content": "Hello"}]
            create = client.chat.completions.create
            chats = (create(model="tiny", messages=hello, max_tokens=1) for _ in range(100))
            return await asyncio.gather(*chats)

    assert len(asyncio.run(ask_all())) == 100
    limited.stop()
    assert capfd.readouterr().err == ""


def test_a_small_answer_is_sent_at_once():
    """Without this, each waits some 40 ms for the client to acknowledge its head."""
    found = asyncio.Queue()

    class Accepted(asyncio.Protocol):
        def connection_made(self, transport):
            connection = transport.get_extra_info("socket")
            found.put_nowait(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    async def connect():
        listening = connections.listen("127.0.0.1", 0)
        address = listening.getsockname()
        listener = connections.Listener(listening, Accepted, set())
        _, writer = await asyncio.open_connection(*address)
        is_set = await asyncio.wait_for(found.get(), 30)
        writer.close()
        listener.close()
        await listener.wait_closed()
        return is_set

    assert asyncio.run(connect())


def test_a_body_that_does_not_go_on_is_given_up(monkeypatch):
    monkeypatch.setattr(guard, "SECONDS_FOR_A_PIECE", 0.01)
    pieces = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive():
        return pieces.pop() if pieces else await asyncio.Event().wait()

    async def read():
        body = guard.Body({"type": "http", "headers": []}, receive, most=9)
        while True:
            await body.receive()

    with pytest.raises(HTTPException, match="did not go on") as late:
        asyncio.run(read())
    assert late.value.status_code == 408


def test_the_log_does_not_grow_without_end(capfd, start_server):
    server = start_server()
    for _ in range(log.MOST_AN_HOUR + 50):
        with connected(server) as connection:
            connection.sendall(b"no HTTP\r\n\r\n")
            assert connection.recv(1000)
    server.stop()
    *_, last = lines = capfd.readouterr().err.splitlines()
    assert len(lines) == log.MOST_AN_HOUR and "is left out" in last

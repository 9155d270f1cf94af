"""Serving the application until a signal or idleness ends it; uvicorn does it, told how here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Mapping
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from practice_server.store.database import Store
from practice_server.store.home import Home
from practice_server.web.connections import Connection, Listener, listen
from practice_server.web.idle import Activity

SECONDS_FOR_OPEN_REQUESTS = 2


def serve(
    app: ASGIApp,
    store: Store,
    home: Home,
    *,
    host: str,
    port: int,
    secrets: Mapping[str, str],
    idle_minutes: float | None,
) -> None:
    """Serve `app`, and announce it and its `secrets` in `home`; port 0 takes a free one.

    Raises CannotListen.

    `idle_minutes`: how long it may have neither requests nor jobs before it ends; None: for ever.
    """
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    activity = Activity()
    server = Server(_config(activity.watching(app), host, port), home, secrets)
    asyncio.run(_run(server, activity, store, idle_minutes))


def _is_news(record: logging.LogRecord) -> bool:
    """Not so the traceback of each request that is cut off when the server ends."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _config(app: ASGIApp, host: str, port: int) -> uvicorn.Config:
    """Plain HTTP, and nothing of a request in a log."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=Connection,
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=SECONDS_FOR_OPEN_REQUESTS,
    )


async def _run(
    server: Server, activity: Activity, store: Store, idle_minutes: float | None
) -> None:
    # The server ends itself on these signals, and afterwards raises them once more.
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: None)
    watching = None
    if idle_minutes is not None:

        def end() -> None:
            server.should_exit = True

        watching = asyncio.create_task(activity.end_when_idle(idle_minutes * 60, store, end))
    await server.serve()
    if watching:
        watching.cancel()


class Server(uvicorn.Server):
    """Says when it is ready, and takes back what it said when it ends."""

    def __init__(self, config: uvicorn.Config, home: Home, secrets: Mapping[str, str]) -> None:
        super().__init__(config)
        config.callback_notify, config.timeout_notify = self._announce_again, 1
        self._home = home
        self._secrets = secrets

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        listening = listen(self.config.host, self.config.port)
        await super().startup(sockets=[])
        if self.started:
            connections = cast("set[Connection]", self.server_state.connections)
            listener = Listener(listening, self._new_connection, connections)
            self.servers = [listener]  # type: ignore[list-item]  # as good as asyncio's own
            self._announce()
            print(f"practice server ready: {self._base_url()}", flush=True)

    def _announce(self) -> None:
        self._home.announce({"base_url": self._base_url(), **self._secrets})

    async def _announce_again(self) -> None:
        """Clients would not find this server if somebody had removed server.json."""
        with contextlib.suppress(OSError):
            if self._home.is_there() and not self._home.server_file.exists():
                self._announce()

    def _new_connection(self) -> Connection:
        return Connection(self.config, self.server_state, self.lifespan.state)

    def _base_url(self) -> str:
        port = self.servers[0].sockets[0].getsockname()[1]
        host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
        return f"http://{host}:{port}/v1"

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._home.withdraw()
        await super().shutdown(sockets)

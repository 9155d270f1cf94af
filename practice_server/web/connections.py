"""Connections: no more at once than there is room for, and none that is kept without a request.

Who comes while there is no room is not refused: the system lets them wait until they are taken.
And what is no HTTP is told so in OpenAI's form.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from asyncio import Transport
from collections.abc import Callable

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from practice_server.web.errors import ApiError, error_response

if sys.platform != "win32":
    import resource

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 1000
# An upload has three files open: its connection, what has come of it, and what is kept of it.
FILES_FOR_EACH = 4
MOST_WAITING = 2048
SECONDS_FOR_A_HEAD = 10.0
SECONDS_WHEN_FULL = 1.0
SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_UNTIL_ROOM = 0.02


class CannotListen(Exception):
    """The address is not to be had; the message says why."""


class Connection(H11Protocol):
    """uvicorn's connection, which knows since when it has had no request to answer."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        self._idle_since = self.loop.time()
        super().connection_made(transport)

    def on_response_complete(self) -> None:
        self._idle_since = self.loop.time()
        super().on_response_complete()

    @property
    def is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def idle_seconds(self) -> float:
        """For how long the whole head of a request has been missing."""
        return 0.0 if self.is_answering else self.loop.time() - self._idle_since

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, which never becomes a request; uvicorn does it in plain text."""
        response = error_response(ApiError(400, msg))
        headers = [*response.raw_headers, (b"connection", b"close")]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=bytes(response.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event))
        self.transport.close()


class Listener:
    """Takes connections at a socket, as long as there is room; in uvicorn's eyes a server."""

    def __init__(
        self,
        listening: socket.socket,
        new_connection: Callable[[], Connection],
        connections: set[Connection],
    ) -> None:
        """`connections`: all that are open; each puts itself in, and takes itself out."""
        self.sockets = [listening]
        self._new_connection = new_connection
        self._connections = connections
        self._most = most_connections()
        self._tasks = [asyncio.create_task(task) for task in (self._accept(), self._look_after())]

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def wait_closed(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        with self.sockets[0] as listening:
            while True:
                while self._is_full():
                    await asyncio.sleep(SECONDS_UNTIL_ROOM)
                try:
                    accepted, _ = await loop.sock_accept(listening)
                    # Otherwise a small answer waits some 40 ms for the client's acknowledgement.
                    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    await loop.connect_accepted_socket(self._new_connection, accepted)
                except OSError as error:
                    log.warning("could not take a connection: %s", error)
                    await asyncio.sleep(SECONDS_BETWEEN_LOOKS)

    def _is_full(self) -> bool:
        return len(self._connections) >= self._most

    async def _look_after(self) -> None:
        """End what brings no request. If others wait, it has less time, and no answered
        connection is kept for a request that may follow."""
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            is_full = self._is_full()
            patience = SECONDS_WHEN_FULL if is_full else SECONDS_FOR_A_HEAD
            for connection in list(self._connections):
                if connection.idle_seconds > patience:
                    connection.transport.close()  # what is left of an answer still goes out
                elif is_full and connection.is_answering:
                    connection.shutdown()  # after its answer


def listen(host: str, port: int) -> socket.socket:
    """An open socket. Raises CannotListen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=MOST_WAITING)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise CannotListen(f"Cannot listen at {host}, port {port}: {reason}.") from error
    listening.setblocking(False)
    return listening


def most_connections() -> int:
    """How many this process may have at once: far fewer than open files.

    It is allowed more files for that, as many as the system gives for the asking.
    """
    if sys.platform == "win32":  # has no such limit
        return MOST_CONNECTIONS
    wanted = MOST_CONNECTIONS * FILES_FOR_EACH
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    if files != resource.RLIM_INFINITY and files < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    return allowed // FILES_FOR_EACH

"""Who may speak to the server, and what every answer carries."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from practice_server.store.checkpoints import ORGANIZATION
from practice_server.store.home import Home
from practice_server.web.errors import ApiError, error_response
from practice_server.web.keys import Keys

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
ANY_ADDRESS = frozenset({"0.0.0.0", "::"})
LARGEST_UPLOAD = 512 * 1024 * 1024
LARGEST_PART = 64 * 1024 * 1024
FORM_OVERHEAD = 64 * 1024
LARGEST_JSON = 2 * 1024 * 1024
# How long the next piece of a body may take to come.
SECONDS_FOR_A_PIECE = 30
# The same for a body that nobody reads any more, and how long all of it may take.
SECONDS_TO_DRAIN_A_PIECE, SECONDS_TO_DRAIN = 2, 10
HOME_GONE = (
    "The folder of the practice server was moved or deleted while it ran. Put it back, or end the"
    " server and start it again."
)
NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header"
    " using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
)
WRONG_KEY = (
    "Incorrect API key provided: {key}."
    " You can find your API key at https://platform.openai.com/account/api-keys."
)


class Guard:
    """Lets through what comes to this server by its own name, from no other web page, with a
    key, and says in the request's scope whose key that is; limits the size of bodies; adds the
    service's headers to every answer."""

    def __init__(self, app: ASGIApp, *, home: Home, keys: Keys, host: str) -> None:
        self._app = app
        self._home = home
        self._keys = keys
        self._hosts = None if host in ANY_ADDRESS else LOOPBACK | {host}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        send = _with_service_headers(send)
        body = Body(scope, receive, _largest_body(scope["path"]))
        try:
            scope["owner"] = self._admit(Headers(scope=scope))
            body.refuse_if_announced_too_large()
            if not self._home.is_there():  # what is promised now would vanish
                raise ApiError(500, HOME_GONE, type="server_error")
        except ApiError as error:
            refusal = error_response(error)
            # What is still to come of the body would be in the way of the next request.
            refusal.headers["connection"] = "close"
            return await refusal(scope, receive, _before_body(send, body))
        await self._app(scope, body.receive, _after_body(send, body))

    def _admit(self, headers: Headers) -> str:
        """Whose request this is. Raises ApiError (401, 403)."""
        host = headers.get("host", "")
        if self._hosts is not None and _hostname(host) not in self._hosts:
            raise ApiError(403, "This server does not answer under the name in the Host header.")
        # A web page of another site must not reach a server on its reader's machine.
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            raise ApiError(403, "This server does not answer to web pages of another origin.")
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise ApiError(401, NO_KEY)
        owner = self._keys.owner(key)
        if owner is None:
            raise ApiError(401, WRONG_KEY.format(key=_masked(key)), code="invalid_api_key")
        return owner


def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _masked(key: str) -> str:
    return f"{key[:5]}****{key[-4:]}" if len(key) > 12 else "****"


def _with_service_headers(send: Send) -> Send:
    started = time.perf_counter()

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["openai-version"] = "2020-10-01"
            headers["openai-organization"] = ORGANIZATION
            headers["openai-processing-ms"] = str(round((time.perf_counter() - started) * 1000))
            headers["x-request-id"] = f"req_{secrets.token_hex(16)}"
        await send(message)

    return send_with_headers


def _largest_body(path: str) -> int:
    if path == "/v1/files":
        return LARGEST_UPLOAD + FORM_OVERHEAD
    if path.startswith("/v1/uploads/") and path.endswith("/parts"):
        return LARGEST_PART + FORM_OVERHEAD
    return LARGEST_JSON


class Body:
    """The body of a request, of no more than `most` bytes."""

    def __init__(self, scope: Scope, receive: Receive, most: int) -> None:
        announced = Headers(scope=scope).get("content-length", "")
        self._is_announced_too_large = announced.isdigit() and int(announced) > most
        self._receive = receive
        self._most = most
        self._received = 0
        self._ended = False

    async def receive(self) -> Message:
        """The next piece. Raises HTTPException (413, 408): it is too much, or does not come."""
        if self._ended:  # what is waited for is the end of the connection
            return await self._receive()
        try:
            async with asyncio.timeout(SECONDS_FOR_A_PIECE):
                message = await self._receive()
        except TimeoutError:
            self._ended = True
            late = f"The body did not go on for {SECONDS_FOR_A_PIECE} seconds."
            raise HTTPException(408, late) from None
        self._ended = not message.get("more_body", False)
        self._received += len(message.get("body", b""))
        if self._received > self._most:
            raise HTTPException(413, self._too_large())
        return message

    def refuse_if_announced_too_large(self) -> None:
        """Raises ApiError (413)."""
        if self._is_announced_too_large:
            raise ApiError(413, self._too_large())

    def _too_large(self) -> str:
        return f"The body of the request is larger than {self._most} bytes."

    async def drain(self) -> None:
        """Take in what is still to come, for no longer than some seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_TO_DRAIN):
                while not self._ended:
                    async with asyncio.timeout(SECONDS_TO_DRAIN_A_PIECE):
                        self._ended = not (await self._receive()).get("more_body", False)


def _before_body(send: Send, body: Body) -> Send:
    """Refuse at once, and take the body in only to throw it away: a connection that is closed
    while bytes are on their way is reset, and with it the answer that the client has not read."""

    async def send_before_body(message: Message) -> None:
        if message["type"] != "http.response.body":
            return await send(message)
        await send({**message, "more_body": True})
        await body.drain()
        await send({"type": "http.response.body"})

    return send_before_body


def _after_body(send: Send, body: Body) -> Send:
    """Refuse only when all of the body has come: many clients read no answer while they send,
    and would find the connection closed instead of a reason."""

    async def send_after_body(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] >= 400:
            await body.drain()
        await send(message)

    return send_after_body

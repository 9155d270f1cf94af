"""Who may speak to the server, and what every answer carries."""

from __future__ import annotations

import hmac
import secrets
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from practice_server.checkpoints import ORGANIZATION
from practice_server.errors import ApiError, error_response

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
ANY_ADDRESS = frozenset({"0.0.0.0", "::"})
LARGEST_UPLOAD = 512 * 1024 * 1024
LARGEST_FORM = LARGEST_UPLOAD + 64 * 1024
LARGEST_JSON = 16 * 1024 * 1024
NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header"
    " using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
)
WRONG_KEY = (
    "Incorrect API key provided: {key}."
    " You can find your API key at https://platform.openai.com/account/api-keys."
)


class Guard:
    """Lets through what comes to this server by its own name, from no other web page, with the
    key; limits the size of bodies; adds the service's headers to every answer."""

    def __init__(self, app: ASGIApp, *, api_key: str, host: str) -> None:
        self._app = app
        self._api_key = api_key
        self._hosts = None if host in ANY_ADDRESS else LOOPBACK | {host}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        most = LARGEST_FORM if scope["path"] == "/v1/files" else LARGEST_JSON
        body = Body(Headers(scope=scope), receive, most)
        send = _with_service_headers(send, body)
        try:
            self._check(Headers(scope=scope))
        except ApiError as error:
            return await error_response(error)(scope, receive, send)
        await self._app(scope, body.receive, send)

    def _check(self, headers: Headers) -> None:
        host = headers.get("host", "")
        if self._hosts is not None and _hostname(host) not in self._hosts:
            raise ApiError(403, "This server does not answer under the name in the Host header.")
        # A web page of another site must not reach a server on its reader's machine.
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            raise ApiError(403, "This server does not answer to web pages of another origin.")
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise ApiError(401, NO_KEY)
        if not hmac.compare_digest(key.encode(), self._api_key.encode()):
            raise ApiError(401, WRONG_KEY.format(key=_masked(key)), code="invalid_api_key")


def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _masked(key: str) -> str:
    return f"{key[:5]}****{key[-4:]}" if len(key) > 12 else "****"


class Body:
    """What has come of a request's body, and whether it may be so large."""

    def __init__(self, headers: Headers, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        self._received = 0
        announced = headers.get("content-length", "")
        self._announced = int(announced) if announced.isdigit() else 0
        self.is_waiting = self._announced > 0 or "transfer-encoding" in headers

    async def receive(self) -> Message:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        self.is_waiting = message.get("more_body", False)
        if max(self._received, self._announced) > self._most:
            raise HTTPException(413, f"The body of the request is larger than {self._most} bytes.")
        return message


def _with_service_headers(send: Send, body: Body) -> Send:
    started = time.perf_counter()

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["openai-version"] = "2020-10-01"
            headers["openai-organization"] = ORGANIZATION
            headers["openai-processing-ms"] = str(round((time.perf_counter() - started) * 1000))
            headers["x-request-id"] = f"req_{secrets.token_hex(16)}"
            if body.is_waiting:
                # The rest of the body is in the way of the next request on this connection.
                headers["connection"] = "close"
        await send(message)

    return send_with_headers

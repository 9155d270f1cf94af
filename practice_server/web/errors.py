"""OpenAI's error bodies: `error` with `message`, `type`, `param` and `code`, all always there."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from practice_server.store.database import UnknownCursor
from practice_server.store.home import is_disk_full, is_locked

CLIENT_GONE = 499


class ApiError(Exception):
    """A refused request. The texts and codes are the service's own where they are known."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        detail: bool = False,
    ) -> None:
        """`detail`: say it a second time under the key `detail`, as the files service does."""
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": type, "param": param, "code": code}}
        if detail:
            self.body["detail"] = {"message": message, "code": code}


def error_response(error: ApiError) -> JSONResponse:
    # Asked again, the server would not be able to do more; the official packages obey this.
    headers = {"x-should-retry": "false"} if error.status == 501 else None
    return JSONResponse(error.body, error.status, headers)


def on_api_error(request: Request, error: ApiError) -> JSONResponse:
    return error_response(error)


def on_http_error(request: Request, error: HTTPException) -> JSONResponse:
    """What the router itself refuses: unknown paths, wrong methods, unreadable forms."""
    call = f"{request.method} {request.url.path}"
    if error.status_code == 404:
        return error_response(ApiError(404, f"Invalid URL ({call})"))
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        message = f"Not allowed: {call}. This path takes {allowed}."
        response = error_response(ApiError(405, message, code="method_not_supported"))
        response.headers["Allow"] = allowed
        return response
    return error_response(ApiError(error.status_code, str(error.detail)))


def on_unknown_cursor(request: Request, error: UnknownCursor) -> JSONResponse:
    message = f"There is nothing with the id {error} in this list - 'after'"
    return error_response(ApiError(400, message, param="after"))


def on_client_gone(request: Request, error: ClientDisconnect) -> Response:
    """Who breaks an upload off reads no answer; it is no fault of the server's."""
    return Response(status_code=CLIENT_GONE)


def on_storage_error(request: Request, error: Exception) -> JSONResponse:
    """Trouble with the disk or the database: what passes is told, all else is a crash."""
    if is_locked(error):
        message = (
            "Another program keeps the database of the practice server locked. Nothing was"
            " changed; try again in a moment."
        )
        response = error_response(ApiError(503, message, type="server_error"))
        response.headers["retry-after"] = "1"
        return response
    if is_disk_full(error):
        message = "The disk of the practice server is full. Free some space and try again."
        return error_response(ApiError(500, message, type="server_error"))
    raise error


def on_crash(request: Request, error: Exception) -> JSONResponse:
    """A fault of the server: the client learns no more than that, the log has the traceback."""
    message = "The practice server had an error while processing your request."
    response = error_response(ApiError(500, message, type="server_error"))
    # Who knows how much of the request is still to come on this connection.
    response.headers["connection"] = "close"
    return response

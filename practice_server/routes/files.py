"""POST and GET /files; GET and DELETE /files/{id}; GET /files/{id}/content."""

from __future__ import annotations

import shutil

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse
from starlette.types import Receive, Scope, Send

from practice_server.routes.bodies import keep_file, read_form
from practice_server.routes.call import Call
from practice_server.routes.forms import as_list
from practice_server.routes.services import owner, services
from practice_server.store import files
from practice_server.store.tables import FileRow
from practice_server.web.errors import ApiError
from practice_server.web.fields import query_choice, query_integer, query_text, whole_number

PURPOSES = ["fine-tune", "assistants", "batch", "user_data", "vision", "evals"]
LISTED_PURPOSES = [*PURPOSES, "assistants_output", "batch_output", "fine-tune-results"]
KNOWN = ("file", "purpose", "expires_after[anchor]", "expires_after[seconds]")
SHORTEST_LIFE, LONGEST_LIFE = 3600, 2_592_000
MOST_LISTED = 10_000


async def create(request: Request) -> JSONResponse:
    async with read_form(request, KNOWN, detail=True) as form:
        purpose, expires_in = _read_purpose(form), _read_life(form)
        upload = form.get("file")
        if not isinstance(upload, UploadFile):
            raise ApiError(400, "'file' is a required property", param="file", detail=True)
        row = files.new_row(
            owner=owner(request),
            purpose=purpose,
            filename=upload.filename or "file",
            size=upload.size or 0,
            expires_in=expires_in,
        )
        home = services(request).home
        await keep_file(home, row, lambda file: shutil.copyfileobj(upload.file, file))
    files.add(services(request).store, home, row)
    return JSONResponse(files.as_object(row))


def _read_purpose(form: FormData) -> str:
    purpose = form.get("purpose")
    if purpose is None:
        raise ApiError(400, "'purpose' is a required property", param="purpose", detail=True)
    if purpose not in PURPOSES:
        message = f"{purpose!r} is not one of {PURPOSES} - 'purpose'"
        raise ApiError(400, message, param="purpose", detail=True)
    return purpose


def _read_life(form: FormData) -> int | None:
    """Seconds until the file is to be removed, or None."""
    seconds, anchor = form.get("expires_after[seconds]"), form.get("expires_after[anchor]")
    if seconds is None and anchor is None:
        return None
    if anchor != "created_at":
        message = f"{anchor!r} is not one of ['created_at'] - 'expires_after[anchor]'"
        raise ApiError(400, message, param="expires_after[anchor]", detail=True)
    number = whole_number(seconds) if isinstance(seconds, str) else None
    if number is None or not SHORTEST_LIFE <= number <= LONGEST_LIFE:
        limits = f"an integer from {SHORTEST_LIFE} to {LONGEST_LIFE}"
        message = f"{seconds!r} is not {limits} - 'expires_after[seconds]'"
        raise ApiError(400, message, param="expires_after[seconds]", detail=True)
    return number


async def list_files(request: Request) -> JSONResponse:
    page = files.page(
        services(request).store,
        owner(request),
        purpose=query_choice(request, "purpose", LISTED_PURPOSES),
        after=query_text(request, "after"),
        limit=query_integer(request, "limit", default=MOST_LISTED, most=MOST_LISTED),
        newest_first=query_choice(request, "order", ("asc", "desc")) != "asc",
    )
    return JSONResponse(as_list(page, files.as_object, with_ends=True))


async def retrieve(request: Request) -> JSONResponse:
    return JSONResponse(files.as_object(_named(request)))


async def content(request: Request) -> FileResponse:
    row = _named(request)
    if row["purpose"] == "assistants":
        raise ApiError(400, "Not allowed to download files of purpose: assistants", detail=True)
    home = services(request).home
    if not await run_in_threadpool(files.is_intact, home, row):
        raise _damaged(row)
    return WholeFile(
        home.file(row["id"]),
        media_type="application/octet-stream",
        filename=row["filename"],
        headers={"accept-ranges": "none"},
    )


class WholeFile(FileResponse):
    """All of a file, whatever range is asked for: a refused range would not be told as the API
    tells its errors."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [header for header in scope["headers"] if header[0] != b"range"]
        await super().__call__({**scope, "headers": headers}, receive, send)


def _damaged(row: FileRow) -> ApiError:
    message = (
        f"The file {row['id']} is damaged: its bytes on the practice server's disk are no longer"
        " those that were sent. Delete it and upload it again."
    )
    return ApiError(500, message, type="server_error", code="file_damaged", detail=True)


async def delete(request: Request) -> JSONResponse:
    row = _named(request)
    files.delete(services(request).store, services(request).home, row["id"])
    return JSONResponse({"object": "file", "deleted": True, "id": row["id"]})


def _named(request: Request) -> FileRow:
    file_id = request.path_params["id"]
    row = files.find(services(request).store, file_id, owner(request))
    if row is None:
        raise ApiError(404, f"No such File object: {file_id}", param="id", detail=True)
    return row


calls = [
    Call("POST", "/files", create, has_body=True, differs="no moderation of data"),
    Call("GET", "/files", list_files, query=("purpose", "after", "limit", "order")),
    Call("GET", "/files/{id}", retrieve),
    Call("DELETE", "/files/{id}", delete),
    Call("GET", "/files/{id}/content", content),
]

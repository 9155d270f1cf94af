"""POST /uploads, and below it /{id}/parts, /{id}/complete and /{id}/cancel."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from typing import BinaryIO
from weakref import WeakValueDictionary

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse

from practice_server.routes.bodies import keep, keep_file, read_form
from practice_server.routes.call import Call
from practice_server.routes.files import LONGEST_LIFE, PURPOSES, SHORTEST_LIFE
from practice_server.routes.services import Services, owner, services
from practice_server.store import files, uploads
from practice_server.store.home import Home
from practice_server.store.tables import FileRow, PartRow, UploadRow
from practice_server.web.errors import ApiError
from practice_server.web.fields import Fields

LARGEST = 8 * 1024**3
LONGEST_TEXT = 1024
KNOWN = ("bytes", "filename", "mime_type", "purpose", "expires_after")
# Parts may be sent again, but not without end.
MOST_BYTES_OF_PARTS = 2
# By upload, for as long as anybody holds or awaits one.
LOCKS: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


async def create(request: Request) -> JSONResponse:
    fields = await Fields.of_body(request)
    fields.refuse_unknown(KNOWN)
    fields.text("mime_type", required=True, longest=LONGEST_TEXT)
    fields.text("purpose", required=True)
    row = uploads.create(
        services(request).store,
        owner(request),
        purpose=fields.choice("purpose", PURPOSES, ""),
        filename=fields.text("filename", required=True, shortest=1, longest=LONGEST_TEXT),
        size=fields.integer("bytes", 1, LARGEST, required=True),
        file_expires_in=_read_life(fields),
    )
    return JSONResponse(uploads.as_object(row))


def _read_life(fields: Fields) -> int | None:
    """Seconds from the file's making until it is to be removed, or None."""
    life = fields.object("expires_after")
    if life is None:
        return None
    life.refuse_unknown(("anchor", "seconds"))
    life.choice("anchor", ("created_at",), "")
    return life.integer("seconds", SHORTEST_LIFE, LONGEST_LIFE, required=True)


async def add_part(request: Request) -> JSONResponse:
    _pending(request)
    async with read_form(request, ("data",)) as form, _lock(request):
        upload, store = _pending(request), services(request).store
        data = form.get("data")
        if not isinstance(data, UploadFile):
            raise ApiError(400, "'data' is a required property", param="data")
        part = uploads.new_part(upload, data.size or 0)
        _refuse_too_much(upload, uploads.parts(store, upload), part)
        await run_in_threadpool(_keep_part, services(request).home, part, data)
        uploads.add_part(store, part)
    return JSONResponse(uploads.part_as_object(part))


def _lock(request: Request) -> asyncio.Lock:
    """Whoever changes an upload holds this, and decides by what those before have left."""
    return LOCKS.setdefault(request.path_params["id"], asyncio.Lock())


def _refuse_too_much(upload: UploadRow, before: dict[str, PartRow], part: PartRow) -> None:
    total = part["bytes"] + sum(row["bytes"] for row in before.values())
    if part["bytes"] > upload["bytes"] or total > MOST_BYTES_OF_PARTS * upload["bytes"]:
        message = f"The parts have more bytes than the {upload['bytes']} of the upload."
        raise ApiError(400, message, param="data")


def _keep_part(home: Home, part: PartRow, data: UploadFile) -> None:
    folder = home.upload(part["upload"])
    folder.mkdir(exist_ok=True)
    keep(folder / part["id"], lambda file: shutil.copyfileobj(data.file, file))


async def complete(request: Request) -> JSONResponse:
    """Make a file of the parts, in the order in which they are named.

    Sent once more, as clients do that have got no answer, it gives the same answer again.
    """
    fields = await Fields.of_body(request)
    async with _lock(request):
        upload, store = _named(request), services(request).store
        fields.refuse_unknown(("part_ids", "md5"))
        if uploads.is_completed_from(upload, fields.array("part_ids", required=True)):
            made = upload["file"] and files.find(store, upload["file"], upload["owner"])
            return JSONResponse(uploads.as_object(upload, made or None))
        _refuse_ended(upload)
        file = await _make_file(services(request), upload, fields)
        return JSONResponse(uploads.as_object(_named(request), file))


async def _make_file(services: Services, upload: UploadRow, fields: Fields) -> FileRow:
    store, home = services.store, services.home
    part_ids = _read_parts(fields, upload, uploads.parts(store, upload))
    row = files.new_row(
        owner=upload["owner"],
        purpose=upload["purpose"],
        filename=upload["filename"],
        size=upload["bytes"],
        expires_in=upload["file_expires_in"],
    )
    await _join(home, upload, part_ids, row, fields.text("md5"))
    try:
        uploads.complete(store, upload, part_ids, row)
    except BaseException:
        files.remove_bytes(home, row["id"])
        raise
    shutil.rmtree(home.upload(upload["id"]), ignore_errors=True)
    return row


def _read_parts(fields: Fields, upload: UploadRow, parts: dict[str, PartRow]) -> list[str]:
    """The ids of parts of this upload that together have its number of bytes."""
    part_ids = fields.array("part_ids", required=True)
    for part_id in part_ids:
        if not isinstance(part_id, str) or part_id not in parts:
            raise fields.refuse("part_ids", f"{part_id!r} is not a part of this upload")
    if len(set(part_ids)) < len(part_ids):
        raise fields.refuse("part_ids", "A part is named more than once")
    total = sum(parts[part_id]["bytes"] for part_id in part_ids)
    if total != upload["bytes"]:
        reason = f"The parts have {total} bytes together, but the upload has {upload['bytes']}"
        raise fields.refuse("part_ids", reason)
    return part_ids


async def _join(
    home: Home, upload: UploadRow, part_ids: list[str], row: FileRow, md5: str | None
) -> None:
    """Raises ApiError (400) if the checksum is another, or if the file is none to train on."""

    def write(file: BinaryIO) -> None:
        checksum = hashlib.md5(usedforsecurity=False)
        for part_id in part_ids:
            with (home.upload(upload["id"]) / part_id).open("rb") as part:
                while chunk := part.read(1024 * 1024):
                    checksum.update(chunk)
                    file.write(chunk)
        if md5 is not None and md5.lower() != checksum.hexdigest():
            message = f"The md5 of the parts is {checksum.hexdigest()}, not the one that was sent."
            raise ApiError(400, message, param="md5")

    await keep_file(home, row, write)


async def cancel(request: Request) -> JSONResponse:
    async with _lock(request):
        upload = _pending(request)
        uploads.cancel(services(request).store, upload)
        shutil.rmtree(services(request).home.upload(upload["id"]), ignore_errors=True)
        return JSONResponse(uploads.as_object(_named(request)))


def _pending(request: Request) -> UploadRow:
    upload = _named(request)
    _refuse_ended(upload)
    return upload


def _refuse_ended(upload: UploadRow) -> None:
    if upload["status"] != "pending":
        message = (
            f"The upload {upload['id']} is {upload['status']}; only a pending one can change."
        )
        raise ApiError(400, message, param="upload_id", code="invalid_status")


def _named(request: Request) -> UploadRow:
    upload_id = request.path_params["id"]
    upload = uploads.find(services(request).store, upload_id, owner(request))
    if upload is None:
        raise ApiError(404, f"No such Upload object: {upload_id}", param="upload_id")
    return upload


calls = [
    Call("POST", "/uploads", create, has_body=True, differs="the mime_type is not looked at"),
    Call("POST", "/uploads/{id}/parts", add_part, has_body=True),
    Call("POST", "/uploads/{id}/complete", complete, has_body=True),
    Call("POST", "/uploads/{id}/cancel", cancel),
]

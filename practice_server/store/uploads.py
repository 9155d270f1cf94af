"""The tables of uploads and their parts: files that come in pieces.

The bytes of parts lie in the home's folder `uploads` until the upload is completed or cancelled.
"""

from __future__ import annotations

import json
import time
from typing import Any

from practice_server.store import files
from practice_server.store.database import Store
from practice_server.store.objects import Object, new_id
from practice_server.store.tables import FileRow, PartRow, UploadRow

SECONDS_TO_COMPLETE = 3600


def create(
    store: Store,
    owner: str,
    *,
    purpose: str,
    filename: str,
    size: int,
    file_expires_in: int | None,
) -> UploadRow:
    """Begin an upload of `size` bytes; its file is to live for `file_expires_in` seconds."""
    now = int(time.time())
    row: UploadRow = {
        "id": new_id("upload_"),
        "owner": owner,
        "purpose": purpose,
        "filename": filename,
        "bytes": size,
        "file_expires_in": file_expires_in,
        "created_at": now,
        "expires_at": now + SECONDS_TO_COMPLETE,
        "status": "pending",
        "file": None,
        "completed_from": None,
    }
    with store.transaction():
        store.insert("uploads", row)
    return row


def find(store: Store, upload_id: str, owner: str) -> UploadRow | None:
    """The upload; one that waited too long is `expired`."""
    row: UploadRow | None = store.one(
        "SELECT * FROM uploads WHERE id = :id AND owner = :owner",
        {"id": upload_id, "owner": owner},
    )
    if row and row["status"] == "pending" and row["expires_at"] <= time.time():
        row["status"] = "expired"
    return row


def new_part(upload: UploadRow, size: int) -> PartRow:
    """A row for a part whose bytes are on the disk already."""
    return {
        "id": new_id("part_"),
        "upload": upload["id"],
        "bytes": size,
        "created_at": int(time.time()),
    }


def add_part(store: Store, part: PartRow) -> None:
    with store.transaction():
        store.insert("parts", part)


def parts(store: Store, upload: UploadRow) -> dict[str, PartRow]:
    """All parts of an upload by their ids."""
    rows = store.all("SELECT * FROM parts WHERE upload = :id", {"id": upload["id"]})
    return {row["id"]: row for row in rows}


def complete(store: Store, upload: UploadRow, part_ids: list[str], file: FileRow) -> None:
    """End a pending upload with the new `file`, made of these parts."""
    with store.transaction():
        store.change(
            "UPDATE uploads SET status = 'completed', file = :file, completed_from = :part_ids"
            " WHERE id = :id",
            {"id": upload["id"], "file": file["id"], "part_ids": json.dumps(part_ids)},
        )
        store.insert("files", file)


def is_completed_from(upload: UploadRow, part_ids: list[Any]) -> bool:
    """Whether the upload was completed with exactly these parts, in this order."""
    return upload["status"] == "completed" and upload["completed_from"] == json.dumps(part_ids)


def cancel(store: Store, upload: UploadRow) -> None:
    """End a pending upload without a file."""
    with store.transaction():
        store.change(
            "UPDATE uploads SET status = 'cancelled' WHERE id = :id", {"id": upload["id"]}
        )


def as_object(row: UploadRow, file: FileRow | None = None) -> Object:
    """The upload as the API shows it; `file`: what has become of it."""
    return {
        "id": row["id"],
        "object": "upload",
        "bytes": row["bytes"],
        "created_at": row["created_at"],
        "filename": row["filename"],
        "purpose": row["purpose"],
        "status": row["status"],
        "expires_at": row["expires_at"],
        "file": files.as_object(file) if file else None,
    }


def part_as_object(part: PartRow) -> Object:
    """The part as the API shows it."""
    return {
        "id": part["id"],
        "object": "upload.part",
        "created_at": part["created_at"],
        "upload_id": part["upload"],
    }

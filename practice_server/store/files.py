"""The table of files: uploads and results. Their bytes lie in the home's folder `files`."""

from __future__ import annotations

import contextlib
import hashlib
import time
from pathlib import Path

from practice_server.store.database import Page, Store
from practice_server.store.home import Home
from practice_server.store.objects import Object, new_id
from practice_server.store.tables import FileRow

# A deleted file keeps its row, so that a list that is being paged does not lose its place.
AVAILABLE = "deleted = 0 AND (expires_at IS NULL OR expires_at > :now)"
# A job has its files until it ends, also those that were deleted or have expired meanwhile.
_UNENDED = "FROM jobs WHERE status NOT IN ('succeeded', 'failed', 'cancelled')"
IN_USE = f"id IN (SELECT training_file {_UNENDED} UNION SELECT validation_file {_UNENDED})"
NEEDED = f"({AVAILABLE} OR {IN_USE})"


def new_row(
    *, owner: str, purpose: str, filename: str, size: int, expires_in: int | None = None
) -> FileRow:
    """A row for a file of `size` bytes. Before it is added to the table, the bytes are on the disk
    and their checksum is in the row."""
    now = int(time.time())
    return {
        "id": new_id("file-", 22),
        "owner": owner,
        "purpose": purpose,
        "filename": filename,
        "bytes": size,
        "sha256": None,
        "created_at": now,
        "expires_at": now + expires_in if expires_in else None,
    }


def add(store: Store, home: Home, row: FileRow) -> None:
    """Make a file known whose bytes are on the disk; if that fails, they are removed."""
    try:
        with store.transaction():
            store.insert("files", row)
    except BaseException:
        remove_bytes(home, row["id"])
        raise


def find(
    store: Store, file_id: str, owner: str, *, even_if_deleted: bool = False
) -> FileRow | None:
    condition = "1" if even_if_deleted else AVAILABLE
    return store.one(
        f"SELECT * FROM files WHERE id = :id AND owner = :owner AND {condition}",
        {"id": file_id, "owner": owner, "now": int(time.time())},
    )


def page(
    store: Store,
    owner: str,
    *,
    purpose: str | None,
    after: str | None,
    limit: int,
    newest_first: bool,
) -> Page[FileRow]:
    return store.page(
        "files",
        {"owner": owner},
        f"{AVAILABLE} AND (:purpose IS NULL OR purpose = :purpose)",
        {"purpose": purpose, "now": int(time.time())},
        after=after,
        limit=limit,
        newest_first=newest_first,
    )


def delete(store: Store, home: Home, file_id: str) -> None:
    """Nobody finds the file any more; its bytes stay until the jobs that use it have ended."""
    with store.transaction():
        store.change("UPDATE files SET deleted = 1 WHERE id = :id", {"id": file_id})
    if not store.one(f"SELECT 1 FROM files WHERE id = :id AND {IN_USE}", {"id": file_id}):
        remove_bytes(home, file_id)


def is_intact(home: Home, row: FileRow) -> bool:
    """Whether the bytes of the file are still those that were uploaded."""
    path = home.file(row["id"])
    try:
        return path.stat().st_size == row["bytes"] and row["sha256"] == sha256(path)
    except FileNotFoundError:
        return False


def sha256(path: Path) -> str:
    """The checksum of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_bytes(home: Home, file_id: str) -> None:
    # Windows keeps a file that a job is reading; the next start removes it.
    with contextlib.suppress(PermissionError):
        home.file(file_id).unlink(missing_ok=True)


def as_object(row: FileRow) -> Object:
    """The file as the API shows it."""
    return {
        "object": "file",
        "id": row["id"],
        "purpose": row["purpose"],
        "filename": row["filename"],
        "bytes": row["bytes"],
        "created_at": row["created_at"],
        "expires_at": row["expires_at"],
        "status": "processed",
        "status_details": None,
    }

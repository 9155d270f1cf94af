"""The table of files: uploads and results. Their bytes lie in the home's folder `files`."""

from __future__ import annotations

import contextlib
import time

from practice_server.home import Home
from practice_server.store import Page, Row, Store, new_id

# A deleted file keeps its row, so that a list that is being paged does not lose its place.
THERE = "deleted = 0 AND (expires_at IS NULL OR expires_at > :now)"


def new_row(
    *, owner: str, purpose: str, filename: str, size: int, expires_in: int | None = None
) -> Row:
    """A row for a file whose bytes are on the disk already; `size` in bytes."""
    now = int(time.time())
    return {
        "id": new_id("file-", 22),
        "owner": owner,
        "purpose": purpose,
        "filename": filename,
        "bytes": size,
        "created_at": now,
        "expires_at": now + expires_in if expires_in else None,
    }


def find(store: Store, file_id: str, owner: str) -> Row | None:
    return store.one(
        f"SELECT * FROM files WHERE id = :id AND owner = :owner AND {THERE}",
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
) -> Page:
    return store.page(
        "files",
        {"owner": owner},
        f"{THERE} AND (:purpose IS NULL OR purpose = :purpose)",
        {"purpose": purpose, "now": int(time.time())},
        after=after,
        limit=limit,
        newest_first=newest_first,
    )


def delete(store: Store, home: Home, file_id: str) -> None:
    with store.transaction():
        store.change("UPDATE files SET deleted = 1 WHERE id = :id", {"id": file_id})
    remove_bytes(home, file_id)


def remove_bytes(home: Home, file_id: str) -> None:
    # Windows keeps a file that a job is reading; the next start removes it.
    with contextlib.suppress(PermissionError):
        home.file(file_id).unlink(missing_ok=True)


def as_object(row: Row) -> Row:
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

"""The table of jobs whose end a webhook has been told of, or was given up on.

It is no part of the other tables: the first server with `--webhook` makes it.
"""

from __future__ import annotations

from practice_server.store.database import Store
from practice_server.store.tables import JobRow

TABLE = "CREATE TABLE told (job TEXT PRIMARY KEY)"
ENDED = "status IN ('succeeded', 'failed', 'cancelled')"


def begin(store: Store) -> None:
    """Make the table, unless it is there. What ended before is not told of."""
    with store.transaction():
        if not store.all("SELECT name FROM sqlite_master WHERE name = 'told'"):
            store.change(TABLE, {})
            store.change(f"INSERT INTO told SELECT id FROM jobs WHERE {ENDED}", {})


def missing(store: Store) -> list[JobRow]:
    """The jobs that have ended and are not told of, oldest first."""
    return store.all(
        f"SELECT * FROM jobs WHERE {ENDED} AND id NOT IN (SELECT job FROM told) ORDER BY seq"
    )


def add(store: Store, job_id: str) -> None:
    with store.transaction():
        store.insert("told", {"job": job_id}, unless_known=True)

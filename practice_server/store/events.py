"""The table of events. Each has a key that is unique in its job, so that steps which are trained
again after a crash are not told twice."""

from __future__ import annotations

import json
import time

from practice_server.store.database import Page, Store
from practice_server.store.objects import Object, new_id
from practice_server.store.tables import EventRow


def add(
    store: Store,
    job_id: str,
    key: str,
    message: str,
    *,
    level: str = "info",
    type: str = "message",
    data: Object | None = None,
) -> None:
    """Add an event unless the job has one with this key."""
    row: EventRow = {
        "id": new_id("ftevent-"),
        "job": job_id,
        "key": key,
        "created_at": int(time.time()),
        "level": level,
        "message": message,
        "type": type,
        "data": None if data is None else json.dumps(data),
    }
    store.insert("events", row, unless_known=True)


def page(store: Store, job_id: str, *, after: str | None, limit: int) -> Page[EventRow]:
    return store.page("events", {"job": job_id}, after=after, limit=limit)


def metrics(store: Store, job_id: str) -> list[Object]:
    """The metrics of every step, in order."""
    rows = store.all(
        "SELECT data FROM events WHERE job = :job AND type = 'metrics' ORDER BY seq",
        {"job": job_id},
    )
    return [json.loads(row["data"]) for row in rows]


def as_object(row: EventRow) -> Object:
    """The event as the API shows it."""
    return {
        "object": "fine_tuning.job.event",
        "id": row["id"],
        "created_at": row["created_at"],
        "level": row["level"],
        "message": row["message"],
        "data": None if row["data"] is None else json.loads(row["data"]),
        "type": row["type"],
    }

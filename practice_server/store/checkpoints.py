"""The table of checkpoints: one an epoch, the last three kept, shown once their job has succeeded.

The last checkpoint of a job is its fine-tuned model and bears its name.
"""

from __future__ import annotations

import json
import re
import time

from practice_server.store.database import Page, Store
from practice_server.store.objects import Object, new_id
from practice_server.store.tables import CheckpointRow, JobRow

KEPT = 3
ORGANIZATION = "practice"
# A checkpoint belongs to the owner of its job.
PUBLISHED = (
    "SELECT checkpoints.* FROM checkpoints JOIN jobs ON jobs.id = checkpoints.job"
    " WHERE published = 1 AND owner = :owner"
)


def new_model_name(model: str, suffix: str | None) -> str:
    """A name for a model trained from `model`, which may be a fine-tuned one itself."""
    base = model.split(":")[1] if model.startswith("ft:") else model
    suffix = re.sub(r"[^a-z0-9]+", "-", (suffix or "").lower()).strip("-")
    return f"ft:{base}:{ORGANIZATION}:{suffix}:{new_id('', 8)}"


def new_row(job: JobRow, *, step: int, is_last: bool, metrics: Object) -> CheckpointRow:
    name = new_model_name(job["model"], job["suffix"])
    return {
        "id": new_id("ftckpt_"),
        "job": job["id"],
        "step": step,
        "name": name if is_last else f"{name}:ckpt-step-{step}",
        "created_at": int(time.time()),
        "metrics": json.dumps({**metrics, "type": job["method"]}),
        "published": 0,
    }


def of_job(store: Store, job_id: str) -> list[CheckpointRow]:
    """All checkpoints of a job, oldest first."""
    return store.all("SELECT * FROM checkpoints WHERE job = :job ORDER BY step", {"job": job_id})


def drop_old(store: Store, job_id: str) -> list[str]:
    """Forget all but the last three; returns the ids of the forgotten."""
    old = [row["id"] for row in of_job(store, job_id)[:-KEPT]]
    for checkpoint_id in old:
        forget(store, checkpoint_id)
    return old


def forget(store: Store, checkpoint_id: str) -> None:
    store.change("DELETE FROM checkpoints WHERE id = :id", {"id": checkpoint_id})


def publish(store: Store, job_id: str) -> None:
    """Show the checkpoints of a job, and let them answer under their names."""
    store.change("UPDATE checkpoints SET published = 1 WHERE job = :job", {"job": job_id})


def published(store: Store, owner: str) -> list[CheckpointRow]:
    return store.all(f"{PUBLISHED} ORDER BY checkpoints.seq", {"owner": owner})


def find_by_name(store: Store, name: str, owner: str) -> CheckpointRow | None:
    return store.one(f"{PUBLISHED} AND name = :name", {"name": name, "owner": owner})


def page(store: Store, job_id: str, *, after: str | None, limit: int) -> Page[CheckpointRow]:
    return store.page("checkpoints", {"job": job_id}, "published = 1", after=after, limit=limit)


def as_object(row: CheckpointRow) -> Object:
    """The checkpoint as the API shows it."""
    return {
        "object": "fine_tuning.job.checkpoint",
        "id": row["id"],
        "created_at": row["created_at"],
        "fine_tuned_model_checkpoint": row["name"],
        "fine_tuning_job_id": row["job"],
        "metrics": json.loads(row["metrics"]),
        "step_number": row["step"],
    }

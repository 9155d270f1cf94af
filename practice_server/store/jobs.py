"""The table of jobs, and every change of a job's state.

    validating_files -> queued -> running -> succeeded | failed
    and from each of the first three to cancelled; from queued and running to paused and back.

A trainer holds a lease on its job: a number that grows each time one takes the job over. A trainer
whose lease is no longer the newest (its server was killed, another one started) or whose job was
cancelled can change nothing any more.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from practice_server.store import checkpoints, events
from practice_server.store.database import Page, Store, Values
from practice_server.store.objects import Object, new_id
from practice_server.store.tables import CheckpointRow, FileRow, JobRow

UNFINISHED = ("validating_files", "queued", "running")
MOST_DEATHS = 3


class NoLongerOurs(Exception):
    """The job was cancelled, or another trainer has taken it over."""


class JobFailed(Exception):
    """Ends a job as `failed`, with what its `error` shows."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.error = {"code": code, "param": param, "message": message}


@dataclass(frozen=True)
class Order:
    """What a client asks for when it creates a job; `model` is resolved already.

    `not_applied` names what other services know and this one does not.
    """

    owner: str
    model: str
    training_file: str
    validation_file: str | None
    suffix: str | None
    seed: int
    method: str
    hyperparameters: dict[str, Any]
    metadata: dict[str, str] | None
    idempotency_key: str | None
    not_applied: tuple[str, ...] = ()


def create(store: Store, order: Order) -> JobRow:
    """Make a job."""
    job_id = new_id("ftjob-")
    with store.transaction():
        store.insert("jobs", _row(job_id, order))
        events.add(store, job_id, "created", f"Created fine-tuning job: {job_id}", data={})
        events.add(store, job_id, "validating", _validating_message(order), data={})
        if order.not_applied:
            message = f"The practice server does not apply: {', '.join(order.not_applied)}"
            events.add(store, job_id, "not applied", message, level="warn", data={})
    return get(store, job_id)


def made_before(store: Store, idempotency_key: str, owner: str) -> JobRow | None:
    """The job that was made with the same key, whatever has become of its files since."""
    key = _owned_key(idempotency_key, owner)
    return store.one("SELECT * FROM jobs WHERE idempotency_key = :key", {"key": key})


def _owned_key(key: str, owner: str) -> str:
    """The key that a client drew may have been drawn by another owner's client too."""
    return f"{owner}:{key}"


def _row(job_id: str, order: Order) -> Values:
    return {
        "id": job_id,
        "owner": order.owner,
        "idempotency_key": order.idempotency_key
        and _owned_key(order.idempotency_key, order.owner),
        "status": "validating_files",
        "model": order.model,
        "training_file": order.training_file,
        "validation_file": order.validation_file,
        "suffix": order.suffix,
        "seed": order.seed,
        "method": order.method,
        "hyperparameters": json.dumps(order.hyperparameters),
        "metadata": json.dumps(order.metadata) if order.metadata else None,
        "created_at": int(time.time()),
    }


def _validating_message(order: Order) -> str:
    message = f"Validating training file: {order.training_file}"
    if order.validation_file:
        message += f" and validation file: {order.validation_file}"
    return message


def find(store: Store, job_id: str, owner: str) -> JobRow | None:
    return store.one(
        "SELECT * FROM jobs WHERE id = :id AND owner = :owner", {"id": job_id, "owner": owner}
    )


def get(store: Store, job_id: str) -> JobRow:
    """The job, which must exist, whoever's it is."""
    job: JobRow | None = store.one("SELECT * FROM jobs WHERE id = :id", {"id": job_id})
    if job is None:
        raise LookupError(f"there is no job {job_id}")
    return job


def next_of(store: Store, *statuses: str, taken: Collection[str] = ()) -> JobRow | None:
    """Whose turn it is: a job of the first of these states that has one, but none of `taken`.

    Owners take turns: of those who wait, the one goes first who has the fewest jobs among `taken`
    in these states, then the one whose last turn was longest ago, with the oldest of their jobs.
    """
    values = {"statuses": json.dumps(statuses), "taken": json.dumps(list(taken))}
    for status in statuses:
        job = store.one(
            "WITH owners AS (SELECT owner,"
            " sum(status IN (SELECT value FROM json_each(:statuses))"
            " AND id IN (SELECT value FROM json_each(:taken))) AS at_work,"
            f" max({_turn(status)}) AS last_turn FROM jobs GROUP BY owner)"
            " SELECT jobs.* FROM jobs JOIN owners USING (owner) WHERE status = :status"
            " AND id NOT IN (SELECT value FROM json_each(:taken))"
            " ORDER BY at_work, last_turn, seq LIMIT 1",
            {"status": status, **values},
        )
        if job:
            return job
    return None


def _turn(status: str) -> str:
    """The column that counts the turns: validating and training are queues of their own."""
    return "validation_turn" if status == "validating_files" else "training_turn"


def any_unfinished(store: Store) -> bool:
    return next_of(store, *UNFINISHED) is not None


def page(
    store: Store, owner: str, *, metadata: dict[str, str] | None, after: str | None, limit: int
) -> Page[JobRow]:
    """Jobs, newest first. `metadata`: pairs a job must have; {} finds jobs without any."""
    where = "1"
    values: dict[str, str] = {}
    if metadata == {}:
        where = "metadata IS NULL"
    for number, (key, value) in enumerate((metadata or {}).items()):
        where += (
            " AND EXISTS (SELECT 1 FROM json_each(jobs.metadata)"
            f" WHERE key = :key{number} AND value = :value{number})"
        )
        values |= {f"key{number}": key, f"value{number}": value}
    return store.page("jobs", {"owner": owner}, where, values, after=after, limit=limit)


# --- what a client changes ---


def change_status(store: Store, job_id: str, *, origins: tuple[str, ...], status: str) -> bool:
    """Change the status if it is one of `origins`; returns whether it was."""
    places = ", ".join(f"'{origin}'" for origin in origins)
    with store.transaction():
        return bool(
            store.change(
                f"UPDATE jobs SET status = :status, estimated_finish = NULL"
                f" WHERE id = :id AND status IN ({places})",
                {"id": job_id, "status": status},
            )
        )


# --- what a trainer changes ---


def claim(store: Store, job_id: str) -> JobRow:
    """Take the job over; returns it with the new lease. This is a turn of its owner."""
    with store.transaction():
        turn = _turn(get(store, job_id)["status"])
        store.change(
            f"UPDATE jobs SET lease = lease + 1, {turn} = (SELECT max({turn}) + 1 FROM jobs)"
            " WHERE id = :id",
            {"id": job_id},
        )
        return get(store, job_id)


def check_lease(store: Store, job: JobRow, *statuses: str) -> None:
    """Inside a transaction: raise NoLongerOurs unless this trainer may still change the job."""
    now = get(store, job["id"])
    if now["lease"] != job["lease"] or now["status"] not in statuses:
        raise NoLongerOurs(job["id"])


def set_values(store: Store, job: JobRow, **values: Any) -> None:
    assignments = ", ".join(f"{column} = :{column}" for column in values)
    store.change(f"UPDATE jobs SET {assignments} WHERE id = :id", {**values, "id": job["id"]})


def queue(store: Store, job: JobRow, *, hyperparameters: Object, tokens_per_epoch: int) -> None:
    """The files are in order: let the job wait for its turn."""
    with store.transaction():
        check_lease(store, job, "validating_files")
        set_values(
            store,
            job,
            status="queued",
            deaths=0,
            hyperparameters=json.dumps(hyperparameters),
            tokens_per_epoch=tokens_per_epoch,
        )
        message = "Files validated, moving job to queued state"
        events.add(store, job["id"], "validated", message, data={})


def warn(store: Store, job: JobRow, key: str, message: str) -> None:
    """Tell, once for each key, of something in spite of which the job goes on."""
    with store.transaction():
        check_lease(store, job, *UNFINISHED, "paused")
        events.add(store, job["id"], key, message, level="warn", data={})


def start(store: Store, job: JobRow) -> None:
    """Training begins, or goes on."""
    with store.transaction():
        check_lease(store, job, "queued", "running")
        set_values(store, job, status="running")
        events.add(store, job["id"], "started", "Fine-tuning job started")


def record_step(
    store: Store, job: JobRow, *, number: int, message: str, data: Object, estimated_finish: int
) -> None:
    """Tell of a step. A paused job may still tell of the step that was under way."""
    with store.transaction():
        check_lease(store, job, "running", "paused")
        key = f"step {number}"
        events.add(store, job["id"], key, message, type="metrics", data=data)
        store.change(
            "UPDATE jobs SET last_step = max(last_step, :number), estimated_finish = :finish"
            " WHERE id = :id AND status = 'running'",
            {"id": job["id"], "number": number, "finish": estimated_finish},
        )


def record_checkpoint(store: Store, job: JobRow, row: CheckpointRow) -> list[str]:
    """Keep a checkpoint whose folder is written; returns the ids of those now dropped."""
    with store.transaction():
        check_lease(store, job, "running", "paused")
        store.insert("checkpoints", row)
        return checkpoints.drop_old(store, job["id"])


def succeed(store: Store, job: JobRow, *, result_file: FileRow, trained_tokens: int) -> None:
    """All of the end at once: result file, checkpoints, events, the model's name."""
    with store.transaction():
        check_lease(store, job, "running")
        store.insert("files", result_file)
        *earlier, last = checkpoints.of_job(store, job["id"])
        checkpoints.publish(store, job["id"])
        set_values(
            store,
            job,
            status="succeeded",
            finished_at=int(time.time()),
            estimated_finish=None,
            fine_tuned_model=last["name"],
            result_file=result_file["id"],
            trained_tokens=trained_tokens,
        )
        _tell_success(store, job["id"], earlier, last["name"])


def _tell_success(store: Store, job_id: str, earlier: list[CheckpointRow], model: str) -> None:
    for checkpoint in earlier:
        step, name = checkpoint["step"], checkpoint["name"]
        message = f"Checkpoint created at step {step} with Snapshot ID: {name}"
        events.add(store, job_id, f"checkpoint {step}", message, data={})
    events.add(store, job_id, "model", f"New fine-tuned model created: {model}", data={})
    events.add(store, job_id, "succeeded", "The job has successfully completed", data={})


def fail(store: Store, job: JobRow, failure: JobFailed) -> None:
    """End the job with an error. One that fails in validation never gets a `finished_at`."""
    with store.transaction():
        check_lease(store, job, *UNFINISHED)
        _fail(store, get(store, job["id"]), failure)


def _fail(store: Store, job: JobRow, failure: JobFailed) -> None:
    set_values(
        store,
        job,
        status="failed",
        error=json.dumps(failure.error),
        finished_at=int(time.time()) if job["status"] == "running" else None,
        estimated_finish=None,
    )
    events.add(store, job["id"], "failed", str(failure), level="error", data={})


# --- what the scheduler changes ---


def record_death(store: Store, job_id: str) -> None:
    """A trainer ended without bringing its job on; too many such in a row fail the job."""
    with store.transaction():
        job = get(store, job_id)
        deaths = job["deaths"] + 1 if job["last_step"] == job["step_at_death"] else 1
        set_values(store, job, deaths=deaths, step_at_death=job["last_step"])
        if deaths >= MOST_DEATHS and job["status"] in UNFINISHED:
            _fail(store, job, internal_error())


def internal_error() -> JobFailed:
    return JobFailed("server_error", "The job failed due to an internal error")


# --- what the API shows ---


def as_object(job: JobRow) -> Object:
    """The job as the API shows it, its keys in the service's order.

    `hyperparameters` has something for supervised jobs only; `method` has them for all.
    """
    hyperparameters = json.loads(job["hyperparameters"])
    return {
        "object": "fine_tuning.job",
        "id": job["id"],
        "model": job["model"],
        "created_at": job["created_at"],
        "finished_at": job["finished_at"],
        "fine_tuned_model": job["fine_tuned_model"],
        "organization_id": f"org-{checkpoints.ORGANIZATION}",
        "result_files": [job["result_file"]] if job["result_file"] else [],
        "status": job["status"],
        "validation_file": job["validation_file"],
        "training_file": job["training_file"],
        "hyperparameters": hyperparameters if job["method"] == "supervised" else None,
        "trained_tokens": job["trained_tokens"],
        "error": json.loads(job["error"]) if job["error"] else {},
        "user_provided_suffix": job["suffix"],
        "seed": job["seed"],
        "estimated_finish": job["estimated_finish"],
        "integrations": [],
        "metadata": json.loads(job["metadata"]) if job["metadata"] else None,
        "usage_metrics": None,
        "shared_with_openai": False,
        "eval_id": None,
        "method": _method(job["method"], hyperparameters),
    }


def _method(method: str, hyperparameters: Object) -> Object:
    chosen = dict(sorted(hyperparameters.items()))
    return {"type": method, method: {"hyperparameters": chosen}}

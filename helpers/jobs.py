"""Upload a file once, start a job once, watch it, and read what it leaves.

What has been made is remembered in one small JSON file for each service, in the work folder: ids
of files and jobs, keyed by a hash of the data and the settings. Running a cell again finds them.
"""

import base64
import hashlib
import io
import json
import math
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import openai
from openai.types.fine_tuning import FineTuningJob
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint

from helpers.preparing.write import write_jsonl
from helpers.service import CourseError, Service, work_folder

if TYPE_CHECKING:
    import pandas as pd

Auto = Literal["auto"]
KEY_NAME = "hash_of_data_and_settings"  # in a job's metadata
FORMER_COLUMNS = {"train_accuracy": "train_mean_token_accuracy"}
# A paused job waits for its owner, so there is nothing to wait for either.
AT_REST = ("succeeded", "failed", "cancelled", "paused")


class CostError(CourseError):
    """A job on a hosted service would cost more than was agreed to."""


def memory(service: Service) -> tuple[Path, dict[str, dict[str, str]]]:
    """Return the file for this service, and what it holds: "files" and "jobs", ids by keys."""
    path = work_folder() / f"{service.name}.json"
    made = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return path, {"files": {}, "jobs": {}} | made


def recall(service: Service, kind: str, key: str) -> str | None:
    """Return the id that was remembered under the key, or None. kind: "files" or "jobs"."""
    return memory(service)[1][kind].get(key)


def remember(service: Service, kind: str, key: str, made_id: str) -> None:
    """Keep an id under the key."""
    path, made = memory(service)
    made[kind][key] = made_id
    write_jsonl(path, [made])


def hash_of_file(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes as hexadecimal digits."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def upload_once(service: Service, path: str | Path) -> str:
    """Upload a training file and return its id; the same bytes are uploaded only once.

    Raises openai.BadRequestError if the service refuses the file.
    """
    key = hash_of_file(path)
    file_id = recall(service, "files", key)
    if file_id and is_known(service.client.files, file_id):
        return file_id
    file = service.client.files.create(file=Path(path), purpose="fine-tune")
    service.client.files.wait_for_processing(file.id, poll_interval=1)
    remember(service, "files", key, file.id)
    return file.id


def is_known(resource: Any, made_id: str) -> bool:
    """Whether the service still knows a file or a job."""
    try:
        resource.retrieve(made_id)
    except openai.NotFoundError:
        return False
    return True


def create_once(
    service: Service,
    training_path: str | Path,
    *,
    validation_path: str | Path | None = None,
    model: str | None = None,
    n_epochs: int | Auto = "auto",
    batch_size: int | Auto = "auto",
    learning_rate_multiplier: float | Auto = "auto",
    suffix: str | None = None,
    seed: int | None = None,
    max_usd: float = 1.0,
) -> FineTuningJob:
    """Start a fine-tuning job, or return the one that has these data and settings already.

    A job that failed or was cancelled, or that the service no longer knows, is made anew.
    model: the service's base model if None. max_usd: on a hosted service, refuse a job whose
    estimated cost is higher (in dollars). Raises CostError, and what the SDK raises.
    """
    model = model or service.base_model
    settings: dict[str, Any] = {
        "training": hash_of_file(training_path),
        "validation": hash_of_file(validation_path) if validation_path else None,
        "hyperparameters": {
            "n_epochs": n_epochs,
            "batch_size": batch_size,
            "learning_rate_multiplier": learning_rate_multiplier,
        },
        "others": [model, suffix, seed],
    }
    key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    earlier = newest_job(service, key)
    if earlier and earlier.status not in ("failed", "cancelled"):
        return earlier
    if not service.is_practice:
        guard_cost(
            training_path, model=model, n_epochs=n_epochs, max_usd=max_usd, service=service.name
        )
    job = service.client.fine_tuning.jobs.create(
        model=model,
        training_file=upload_once(service, training_path),
        validation_file=upload_once(service, validation_path) if validation_path else openai.omit,
        suffix=openai.omit if suffix is None else suffix,
        seed=openai.omit if seed is None else seed,
        **special_fields(service, settings["hyperparameters"], key),
        # Two notebooks that start the same job at the same time get the same one.
        extra_headers={"Idempotency-Key": f"{key}-after-{earlier and earlier.id}"},
    )
    remember(service, "jobs", key, job.id)
    return job


def newest_job(service: Service, key: str) -> FineTuningJob | None:
    """Return the last job that bears the key, or else the remembered one; None if there is none.

    The key in the metadata finds a job whose id was never remembered, since the kernel died.
    """
    jobs = service.client.fine_tuning.jobs
    if service.name != "nebius":
        for job in jobs.list(limit=100, metadata={KEY_NAME: key}):
            if (job.metadata or {}).get(KEY_NAME) == key:  # a service may list every job
                return job
    remembered = recall(service, "jobs", key)
    return jobs.retrieve(remembered) if remembered and is_known(jobs, remembered) else None


def special_fields(service: Service, hyperparameters: dict, key: str) -> dict:
    """Return the fields that Nebius wants otherwise: it takes neither `method` nor `metadata`."""
    if service.name == "nebius":
        chosen = {name: value for name, value in hyperparameters.items() if value != "auto"}
        return {"hyperparameters": chosen}
    method = {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}
    return {"method": method, "metadata": {KEY_NAME: key}}


def guard_cost(
    path: str | Path, *, model: str, n_epochs: int | Auto, max_usd: float, service: str = "openai"
) -> None:
    """Raise CostError if a job on this service costs more than max_usd, or nobody knows what."""
    from helpers.tokens import estimate_cost

    if max_usd == math.inf:
        return
    epochs = None if n_epochs == "auto" else n_epochs
    cost = estimate_cost(path, model=model, n_epochs=epochs, service=service)
    if cost.usd is None:
        raise CostError(
            f"This job was not started: {cost.note} "
            'Pass max_usd=float("inf") to start it all the same.'
        )
    if cost.usd > max_usd:
        raise CostError(
            f"This job would train on {cost.tokens:,} tokens for {cost.n_epochs} epochs and cost "
            f"about {cost.usd:.2f} dollars; the limit is {max_usd:.2f}. If you want to pay that, "
            f"pass max_usd={math.ceil(cost.usd * 100) / 100:.2f}."
        )


def job_id(job: FineTuningJob | str) -> str:
    """Return the id of a job; an id is returned as it is."""
    return job if isinstance(job, str) else job.id


def poll(service: Service, job: FineTuningJob | str) -> Iterator[FineTuningJob]:
    """Yield the job's latest state again and again, at last when it is at rest.

    A server on this machine is asked four times a second. A hosted one, where
    jobs take longer, is asked every 5 seconds at first, every minute in the end.
    """
    pause = 0.25 if service.is_practice else 5.0
    while True:
        job = service.client.fine_tuning.jobs.retrieve(job_id(job))
        yield job
        if job.status in AT_REST:
            return
        time.sleep(pause)
        if not service.is_practice:
            pause = min(pause * 1.5, 60.0)


def wait(service: Service, job: FineTuningJob | str) -> FineTuningJob:
    """Return the job when it has succeeded, failed, or was cancelled or paused; print nothing."""
    return deque(poll(service, job), maxlen=1).pop()


def follow(service: Service, job: FineTuningJob | str) -> FineTuningJob:
    """Show a progress bar and a growing loss curve; return the job when it is at rest.

    Then the sentence for the curve is printed. In a terminal there is the bar alone.
    """
    from helpers.plots import Monitor

    monitor = Monitor()
    for state in poll(service, job):
        monitor.show(state, service.client.fine_tuning.jobs.list_events(state.id, limit=100))
    monitor.tell()
    return state


def results(service: Service, job: FineTuningJob | str) -> "pd.DataFrame":
    """Return the job's result file: one row a step, in the columns that the service writes.

    Raises CourseError if the job has no result file (yet).
    """
    job = service.client.fine_tuning.jobs.retrieve(job_id(job))
    if not job.result_files:
        raise CourseError(
            f"The job {job.id} is {job.status} and has no result file. A job gets one when it "
            "has succeeded: wait for it with jobs.wait(service, job)."
        )
    return read_results(service.client.files.content(job.result_files[0]).read())


def read_results(content: bytes) -> "pd.DataFrame":
    """Return a result file as a table, empty cells as NaN.

    OpenAI sends the CSV base64-encoded, others send it plain. Azure marks a missing value with
    -1, which no loss and no accuracy can be. Columns have the names of today.
    """
    import pandas as pd

    if not content.removeprefix(b"\xef\xbb\xbf").startswith(b"step,"):
        content = base64.b64decode(content)
    table = pd.read_csv(io.BytesIO(content), encoding="utf-8-sig", na_values=["-1", "-1.0"])
    return table.rename(columns=FORMER_COLUMNS)


def base_losses(service: Service, validation_path: str | Path) -> "pd.Series":
    """Return the losses of the base model on a validation file, under a result file's names.

    A service tells losses only of a job. So this is one of a single step on ten greetings, which
    learns nothing, its learning rate being almost 0. Raises what create_once and results raise.
    """
    turns = [{"role": role, "content": "Hello."} for role in ("user", "assistant")]
    greetings = write_jsonl(work_folder() / "greetings.jsonl", 10 * [{"messages": turns}])
    nothing: dict[str, Any] = dict(n_epochs=1, batch_size=10, learning_rate_multiplier=1e-12)
    job = create_once(service, greetings, validation_path=validation_path, **nothing)
    return results(service, wait(service, job)).iloc[-1]


def checkpoints(service: Service, job: FineTuningJob | str) -> list[FineTuningJobCheckpoint]:
    """Return the job's checkpoints, the oldest first; a service keeps the last three epochs'."""
    listed = service.client.fine_tuning.jobs.checkpoints.list(job_id(job), limit=100)
    return sorted(listed, key=lambda checkpoint: checkpoint.step_number)

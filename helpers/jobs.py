"""Upload a file once, start a job once, watch it, and read what it leaves.

What has been made is remembered in one small JSON file for each service, in the work folder: ids,
keyed by a hash of data and settings. Running a cell again finds them. What is said of OpenAI,
Azure and Nebius comes from their guides of 2026 and from recordings; it was not tried there.
"""

import base64
import hashlib
import io
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any, Literal

import openai
from openai.types.fine_tuning import FineTuningJob
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint

from helpers.preparing.write import write_jsonl
from helpers.service import LOCAL_HOSTS, CourseError, Service, work_folder

if TYPE_CHECKING:
    import pandas as pd

Auto = Literal["auto"]
KEY_NAME = "hash_of_data_and_settings"  # in a job's metadata
OTHER_COLUMNS = {
    "train_accuracy": "train_mean_token_accuracy",  # OpenAI's until 2024
    "validation_mean_token_accuracy": "valid_mean_token_accuracy",  # in Azure's guide
}
# How a model is made to answer, in a terminal; the words in capitals are yours to replace.
DEPLOY = {
    "azure": "az cognitiveservices account deployment create --name RESOURCE --resource-group"
    " GROUP --deployment-name NAME --model-name {job.fine_tuned_model} --model-version 1"
    " --model-format OpenAI --sku-name Standard --sku-capacity 1",
    "nebius": "curl https://api.tokenfactory.nebius.com/v0/models --oauth2-bearer $NEBIUS_API_KEY"
    ' --json \'{{"source": "{job.id}:{checkpoint.id}", "base_model": "{job.model}",'
    ' "name": "NAME"}}\'',
}
# A paused job waits for its owner, so there is nothing to wait for either.
AT_REST = ("succeeded", "failed", "cancelled", "paused")


class CostError(CourseError):
    """A job on a hosted service would cost more than was agreed to."""


def memory(service: Service) -> tuple[Path, dict[str, str]]:
    """Return the file for this service, and the ids it holds, by their keys."""
    path = work_folder() / f"{service.name}.json"
    return path, json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def remember(service: Service, key: str, made_id: str) -> None:
    """Keep an id under the key."""
    path, made = memory(service)
    write_jsonl(path, [made | {key: made_id}])


def hash_of_file(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes as hexadecimal digits."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def upload_once(service: Service, path: str | Path) -> str:
    """Upload a training file and return its id; the same bytes are uploaded only once."""
    key = hash_of_file(path)
    file_id = memory(service)[1].get(key)
    if file_id and is_known(service.client.files, file_id):
        return file_id
    file = service.client.files.create(file=Path(path), purpose="fine-tune")
    service.client.files.wait_for_processing(file.id, poll_interval=1)
    remember(service, key, file.id)
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
    max_usd: float = 0.0,
) -> FineTuningJob:
    """Start a fine-tuning job, or return the one that has these data and settings already.

    A job that failed or was cancelled, or that the service no longer knows, is made anew.
    model: the service's base model if None. max_usd: your yes to the price on a hosted service,
    in dollars; until it is enough, CostError says the price, and no file is sent.
    """
    model = model or service.base_model
    fields: dict[str, Any] = {"model": model, "suffix": suffix, "seed": seed}
    fields = {name: value for name, value in fields.items() if value is not None}
    paths = {"training_file": training_path, "validation_file": validation_path}
    hashes = {name: hash_of_file(path) for name, path in paths.items() if path}
    hyperparameters = {
        "n_epochs": n_epochs,
        "batch_size": batch_size,
        "learning_rate_multiplier": learning_rate_multiplier,
    }
    key = hashlib.sha256(json.dumps([hashes, hyperparameters, fields]).encode()).hexdigest()
    earlier = newest_job(service, key)
    if earlier and earlier.status not in ("failed", "cancelled"):
        return earlier
    fields |= special_fields(service, hyperparameters, key)
    if not service.is_practice:
        guard_cost(service, training_path, model=model, n_epochs=n_epochs, max_usd=max_usd)
    fields |= {name: upload_once(service, path) for name, path in paths.items() if path}
    # Two notebooks that start the same job at the same time get the same one. A second attempt,
    # if only the answer was lost, would elsewhere be a second job and a second bill.
    once = {"Idempotency-Key": f"{key}-after-{earlier and earlier.id}"}
    client = service.client.with_options(max_retries=0)
    job = client.fine_tuning.jobs.create(**fields, extra_headers=once)
    remember(service, key, job.id)
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
    remembered = memory(service)[1].get(key)
    return jobs.retrieve(remembered) if remembered and is_known(jobs, remembered) else None


def special_fields(service: Service, hyperparameters: dict, key: str) -> dict:
    """Return the fields that Nebius wants otherwise: it takes neither `method` nor `metadata`."""
    if service.name != "nebius":
        method = {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}
        return {"method": method, "metadata": {KEY_NAME: key}}
    chosen = {name: value for name, value in hyperparameters.items() if value != "auto"}
    if "learning_rate_multiplier" in chosen:
        raise CourseError("Nebius takes no learning_rate_multiplier: leave it out.")
    return {"hyperparameters": chosen}


def guard_cost(
    service: Service, path: str | Path, *, model: str, n_epochs: int | Auto, max_usd: float
) -> None:
    """Raise CostError, with the price and its source, unless max_usd (in dollars) is enough."""
    from helpers.tokens import estimate_cost

    epochs = None if n_epochs == "auto" else n_epochs
    cost = estimate_cost(path, model=model, n_epochs=epochs, service=service.name)
    if (math.inf if cost.usd is None else cost.usd) <= max_usd:
        return
    job = (
        f"This job was not started. {service.name} ({service.client.base_url}) would train "
        f"{model} on {cost.tokens:,} tokens for {cost.n_epochs} epochs"
    )
    if cost.usd is None or cost.price is None:
        raise CostError(f'{job}: {cost.note} To pay whatever it is, pass max_usd=float("inf").')
    usd, price = math.ceil(cost.usd * 100) / 100, cost.price
    raise CostError(
        f"{job}, for about {usd:.2f} dollars ({price.training:.2f} a million tokens since "
        f"{price.since}: {price.source}). To pay that, pass max_usd={usd:.2f}."
    )


def model_to_ask(service: Service, job: FineTuningJob | str, *, deployment: str = "") -> str:
    """Return the name under which a job's model answers: its own, or that of its deployment.

    Azure and Nebius answer only after a deployment, made outside this API. Until you have named
    it here, once, CourseError says how to make it.
    """
    job = service.client.fine_tuning.jobs.retrieve(job_id(job))
    if job.status != "succeeded":
        raise CourseError(f"The job {job.id} is {job.status}: there is no model to ask yet.")
    if service.name not in DEPLOY:
        return job.fine_tuned_model or ""
    if deployment:
        remember(service, job.id, deployment)
    if name := memory(service)[1].get(job.id):
        return name
    command = DEPLOY[service.name].format(job=job, checkpoint=checkpoints(service, job)[-1])
    raise CourseError(
        f"{service.name} answers only when the model is deployed, which may cost money by the "
        f"hour. In a terminal:\n{command}\nThen say once under which name it answers: "
        "model_to_ask(service, job, deployment=…)."
    )


def job_id(job: FineTuningJob | str) -> str:
    """Return the id of a job; an id is returned as it is."""
    return job if isinstance(job, str) else job.id


def poll(service: Service, job: FineTuningJob | str) -> Iterator[FineTuningJob]:
    """Yield the job's latest state again and again, at last when it is at rest.

    A server on this machine is asked four times a second. A hosted one, where
    jobs take longer, is asked every 5 seconds at first, every minute in the end.
    """
    is_near = service.client.base_url.host in LOCAL_HOSTS
    pause = 0.25 if is_near else 5.0
    while True:
        job = service.client.fine_tuning.jobs.retrieve(job_id(job))
        yield job
        if job.status in AT_REST:
            return
        time.sleep(pause)
        pause = pause if is_near else min(pause * 1.5, 60.0)


def wait(service: Service, job: FineTuningJob | str) -> FineTuningJob:
    """Return the job when it has succeeded, failed, or was cancelled or paused; print nothing."""
    *_, last = poll(service, job)
    return last


def follow(service: Service, job: FineTuningJob | str) -> FineTuningJob:
    """Show a progress bar, a growing loss curve and then its sentence; return the job at rest.

    In a terminal there is no curve.
    """
    from helpers.plots import Monitor

    monitor = Monitor()
    for state in poll(service, job):
        monitor.show(state, service.client.fine_tuning.jobs.list_events(state.id, limit=100))
    monitor.tell()
    return state


def results(service: Service, job: FineTuningJob | str) -> "pd.DataFrame":
    """Return the job's result file, one row a step; raise CourseError if it has none (yet)."""
    job = service.client.fine_tuning.jobs.retrieve(job_id(job))
    if not job.result_files:
        raise CourseError(f"The job {job.id} is {job.status} and has no result file (yet).")
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
    return table.rename(columns=OTHER_COLUMNS)


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


def save_weights(service: Service, job: FineTuningJob | str, folder: str | Path) -> list[Path]:
    """Save the last checkpoint's weights, which only Nebius gives away; return the paths."""
    files, paths = service.client.files, []
    for file_id in getattr(checkpoints(service, job)[-1], "result_files", None) or []:
        name = PureWindowsPath(files.retrieve(file_id).filename).name  # its last part
        paths.append(Path(folder) / name)
        files.content(file_id).write_to_file(paths[-1])
    return paths

"""What is right in lesson 06."""

from typing import Any

import openai
from openai.types.fine_tuning import FineTuningJob

from helpers.exercises.judging import NotYet, agrees, require, require_results
from helpers.jobs import upload_once
from helpers.service import ROOT, connect, work_folder
from helpers.tokens import default_epochs, total_steps

TRAIN = ROOT / "data" / "orders" / "train.jsonl"
TOO_MANY = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 60}}}


def exercise_1(numbers: Any) -> None:
    """Epochs and steps of 24 examples; the size of the file of a published job."""
    three = "put three whole numbers in brackets, such as (3, 192, 64)."
    require(isinstance(numbers, list | tuple) and len(numbers) == 3, three)
    n_epochs = default_epochs(24)
    sizes = [n for n in range(10, 40) if total_steps(n, n_epochs=10, batch_size=3) == 67]
    require(agrees(numbers[0], n_epochs), "3 × 24 is below 100: the rule asks for more epochs.")
    steps = total_steps(24, n_epochs=n_epochs)
    require(agrees(numbers[1], steps), "with batches of 1, each example of each epoch is a step.")
    require(numbers[2] in sizes, "n × 10 / 3, rounded up, must be 67.")


def exercise_2(refused: Any) -> None:
    """Which of four mistakes the service refuses at once; it is asked."""
    require(isinstance(refused, list | tuple) and len(refused) == 4, "keep the four places.")
    mistakes: list[tuple[dict[str, Any], str]] = [
        ({"model": "no-such-model"}, "the service knows the names of its models."),
        ({"method": TOO_MANY}, "a number over the limit is seen without any file."),
        ({"training_file": "file-unknown"}, "the service knows the ids of its files."),
        ({"training_file": nine_examples()}, "who has counted the examples in the file?"),
    ]
    for number, (said, (mistake, hint)) in enumerate(zip(refused, mistakes, strict=True), 1):
        require(agrees(said, is_refused(mistake)), f"look at call {number}: {hint}")


def nine_examples() -> str:
    """The id of a training file with one example too few."""
    path = work_folder() / "orders_9.jsonl"
    lines = TRAIN.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(lines[:9]), encoding="utf-8")
    return upload_once(connect(), path)


def is_refused(mistake: dict[str, Any]) -> bool:
    """Whether a job with one mistake is refused; if it starts, it fails by itself."""
    service = connect()
    call = {"model": service.base_model, "training_file": nine_examples()}
    try:
        service.client.fine_tuning.jobs.create(**(call | mistake))
    except openai.BadRequestError:
        return True
    return False


def exercise_3(reason: Any) -> None:
    """The message of a failed job, and "no error" for others, whose error is an empty object."""
    text = "Training file has 9 example(s), but must have at least 10 examples"
    other = "The job failed due to an internal error"
    cases = [
        ((job("succeeded"),), "no error"),
        ((job("failed", code="invalid_n_examples", message=text),), text),
        ((job("running"),), "no error"),
        ((job("failed", code="server_error", message=other),), other),
    ]
    require_results(reason, cases, "job.error is true for every job: look at what is in it.")


def job(status: str, **error: str) -> FineTuningJob:
    """A job as the package reads it from a service's answer."""
    return FineTuningJob.construct(status=status, error=error)


def exercise_4(planned: Any) -> None:
    """A job of 10 to 15 steps that sees 25 orders at least twice."""
    client = connect().client
    try:
        found = client.fine_tuning.jobs.retrieve(getattr(planned, "id", planned))
    except (openai.NotFoundError, TypeError):
        raise NotYet("the service has no such job; give what start(…, …) returns.") from None
    require(found.status not in ("failed", "cancelled"), f"the job is {found.status}.")
    n_examples = len(client.files.content(found.training_file).read().splitlines())
    require(n_examples == 25, f"train on first(25); this job has {n_examples} examples.")
    n_epochs, batch_size = found.hyperparameters.n_epochs, found.hyperparameters.batch_size
    if not (isinstance(n_epochs, int) and isinstance(batch_size, int)):
        raise NotYet('choose both numbers yourself, not "auto": then you know the steps.')
    require(n_epochs >= 2, "each example should be seen at least twice.")
    steps = total_steps(n_examples, n_epochs=n_epochs, batch_size=batch_size)
    require(10 <= steps <= 15, f"{n_epochs} epochs, batches of {batch_size}: {steps} steps.")

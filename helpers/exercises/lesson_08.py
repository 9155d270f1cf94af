"""What is right in lesson 08."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openai.types.fine_tuning import FineTuningJob

from helpers.exercises import marv
from helpers.exercises.judging import agrees, require
from helpers.jobs import create_once, job_id, results, wait
from helpers.service import ROOT, connect, work_folder

if TYPE_CHECKING:
    import pandas as pd

LSAT = ROOT / "data" / "lsat"


def exercise_1(epoch_ends: Any) -> None:
    """The steps at which each of the three epochs of Marv's job ends."""
    steps = list(epoch_ends)
    require(len(steps) == 3, f"there are {len(steps)} values, but three epochs.")
    table = marv_table()
    expected = table.dropna(subset=["full_valid_loss"])["step"].tolist()
    is_row_number = agrees(steps, [step - 1 for step in expected])
    require(not is_row_number, "these are the row numbers, from 0; take the column step.")
    require(agrees(steps, expected), "look for the rows in which full_valid_loss is not empty.")


def exercise_2(letter_loss: Any) -> None:
    """-log of the probability of one letter of five."""
    require(not agrees(letter_loss, 1 / 5), "that is the probability; the loss is its -log.")
    require(not agrees(letter_loss, -math.log10(1 / 5), within=0.006), "take the natural log.")
    require(not agrees(letter_loss, math.log(1 / 5), within=0.006), "mind the sign: -log.")
    require(agrees(letter_loss, -math.log(1 / 5), within=0.006), "each letter gets 1/5.")


def exercise_3(means: Any) -> None:
    """The mean training loss of each epoch of Marv's job."""
    require(len(list(means)) == 3, "it should be three numbers, one an epoch.")
    table = marv_table()
    full = table["full_valid_loss"].dropna().tolist()
    require(not agrees(means, full, within=0.006), "that is the validation loss; take train_loss.")
    expected = table["train_loss"].groupby((table["step"] - 1) // 64).mean().tolist()
    hint = "the first is the mean of rows 0 to 63 of train_loss, and so on."
    require(agrees(means, expected, within=0.006), hint)


def exercise_4(mine: Any) -> None:
    """A job on the puzzles with a lower full validation loss than those of 3 and 12 epochs."""
    service = connect()
    job = wait(service, job_id(mine))
    require(job.status == "succeeded", f"the job is {job.status}.")
    content = service.client.files.content
    asked = shortest("valid.jsonl").read_bytes()
    is_same = job.validation_file and content(job.validation_file).read() == asked
    require(is_same, "its validation file should be the ten puzzles of `others`.")
    trained_on = set(content(job.training_file).read().splitlines())
    leak = trained_on & set(asked.splitlines())
    require(
        not leak, "it trains on the puzzles of the validation file, so their loss says nothing."
    )
    reached = last_loss(results(service, job))
    lowest = min(last_loss(results(service, puzzle_job(n))) for n in (3, 12))
    told = f"it ends at {reached:.2f}, but one of the two jobs at {lowest:.2f}."
    require(reached < lowest, f"{told} Try smaller steps, fewer epochs or more puzzles.")


def marv_table() -> "pd.DataFrame":
    """The result file of the job at the beginning of the lesson."""
    return results(connect(), marv.job())


def shortest(name: str) -> Path:
    """The ten shortest puzzles of a file, as the lesson takes them."""
    lines = (LSAT / name).read_bytes().splitlines()
    path = work_folder() / f"short_{name}"
    path.write_bytes(b"\n".join(sorted(lines, key=len)[:10]))
    return path


def puzzle_job(n_epochs: int) -> FineTuningJob:
    """The job of the lesson on ten puzzles."""
    service = connect()
    job = create_once(
        service,
        shortest("train.jsonl"),
        validation_path=shortest("valid.jsonl"),
        n_epochs=n_epochs,
        suffix="puzzles",
        seed=7,
    )
    return wait(service, job)


def last_loss(table: "pd.DataFrame") -> float:
    """The full validation loss at the end of a job."""
    return table["full_valid_loss"].dropna().iloc[-1]

"""What is right in lesson 11."""

import json
from typing import TYPE_CHECKING, Any

from helpers import evaluate
from helpers.exercises.judging import agrees, require
from helpers.jobs import job_id, wait
from helpers.prepare import read_rows
from helpers.service import ROOT, connect

if TYPE_CHECKING:
    import pandas as pd

TABLES = ROOT / "data" / "settings"
LABELS = ROOT / "data" / "labels" / "train.jsonl"
# From line 81 on, the messages are the lesson's validation questions.
FIRST_ASKED = 80
USUAL_EPOCHS = 3
# Exercise 3: twenty equal models, each right in 70 of 100.
N_MODELS, SHARE, LARGEST_LUCK = 20, 0.7, 0.03
CHOICES = (160, 320, 640, 1280, 2560)


def exercise_1(per_doubling: Any) -> None:
    """The mean gain of a doubling from 25 to 200 orders, which are three of them."""
    right = table("amount").groupby("value")["right"].mean()
    gain = right[200] - right[25]
    require(not agrees(per_doubling, gain, within=0.002), "that is all three; divide it.")
    require(
        not agrees(per_doubling, gain / 3 * 100, within=0.2), "those are points; give a share."
    )
    hint = "take the mean for 25 from the mean for 200, and divide by the number of doublings."
    require(agrees(per_doubling, gain / 3, within=0.002), hint)


def exercise_2(predicted: Any) -> None:
    """The number of epochs after which the mean validation loss is lowest."""
    loss = table("n_epochs").groupby("value")["valid_loss"].mean()
    require(predicted in loss.index, f"it should be one of {', '.join(map(str, loss.index))}.")
    told = f"after {predicted} the loss is {loss[predicted]:.2f}, but it can be {loss.min():.2f}."
    require(loss[predicted] == loss.min(), told)


def exercise_3(enough: Any) -> None:
    """The fewest questions with which the best of twenty equal models seems little better."""
    require(enough in CHOICES, f"it should be one of {', '.join(map(str, CHOICES))}.")
    fits = [n for n in CHOICES if luck(n) < LARGEST_LUCK]
    told = f"with {enough} questions the best seems {luck(enough):.3f} better than it is."
    require(enough in fits, told)
    require(enough == fits[0], f"{told} Fewer do.")


def exercise_4(best: Any) -> None:
    """A job with more right answers than any seed of the usual settings, without a leak."""
    service = connect()
    job = wait(service, job_id(best))
    require(job.status == "succeeded", f"the job is {job.status}.")
    asked = [contents(row) for row in read_rows(LABELS)[FIRST_ASKED:]]
    lines = service.client.files.content(job.training_file).read().splitlines()
    trained_on = {text for line in lines for text in contents(json.loads(line))}
    require(
        not trained_on & {each[1] for each in asked},
        "it trains on validation questions, so their answers say nothing.",
    )
    usual = table("n_epochs").query("value == @USUAL_EPOCHS")["right"].max()
    given = evaluate.answers(
        service,
        job.fine_tuned_model or "",
        [each[1] for each in asked],
        system=asked[0][0],
        progress=False,
    )
    right = sum(text == each[2] for text, each in zip(given, asked, strict=True)) / len(asked)
    told = f"{right:.1%} of its answers are right; the best seed of the table has {usual:.1%}."
    require(right > usual, f"{told} Lines 41 to 80 of the file are not used yet.")


def table(name: str) -> "pd.DataFrame":
    """A table of data/settings, one row a job."""
    import pandas as pd

    return pd.read_csv(TABLES / f"{name}.csv")


def luck(n_questions: int) -> float:
    """By how much the best of equal models seems better than it is, on average."""
    import numpy as np

    right = np.random.default_rng(1).binomial(n_questions, SHARE, size=(1000, N_MODELS))
    return right.max(axis=1).mean() / n_questions - SHARE


def contents(example: dict) -> list[str]:
    """What the system, the user and the assistant say."""
    return [message["content"] for message in example["messages"]]

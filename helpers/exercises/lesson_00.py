"""What is right in lesson 00."""

import csv
import json
from typing import Any

from helpers.evaluate import answers, has_fact, has_style
from helpers.exercises.judging import agrees, require, shortened
from helpers.jobs import create_once, wait
from helpers.service import ROOT, connect

MARV = ROOT / "data" / "marv"


def exercise_1(steps: Any) -> None:
    """Every example of the training file, in three epochs."""
    require(agrees(steps, len(examples()) * 3), "every epoch looks at each example once.")


def exercise_2(reply: Any) -> None:
    """What the tuned model says of Ireland."""
    require(isinstance(reply, str), "it should be a text; ask() returns one.")
    if reply.strip() == marvs_answer("What is the capital of Ireland?"):
        return
    # A hosted model may say it otherwise when it is asked again.
    require(has_fact(reply, "Dublin"), "the capital of Ireland should be in it.")
    is_marvs = has_style(reply, signs())
    require(is_marvs, "the new model says it otherwise: put what ask() returns there.")


def exercise_3(question: Any) -> None:
    """A question that the tuned model answers without a sign of Marv's style."""
    require(isinstance(question, str) and question.strip(), "it should be a question, as a text.")
    asked = [message["content"] for each in examples() for message in each["messages"]]
    require(question not in asked, "it stands in the training file; find one that does not.")
    answer = marvs_answer(question)
    require(not has_style(answer, signs()), f"{shortened(answer, 90)} is still Marv.")


def examples() -> list[dict]:
    """The examples of Marv's training file."""
    lines = (MARV / "train.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def signs() -> list[str]:
    """The phrases by which Marv is known."""
    with open(MARV / "style.csv", encoding="utf-8", newline="") as file:
        return [row["sign"] for row in csv.DictReader(file)]


def marvs_answer(question: str) -> str:
    """What the lesson's model answers after three epochs."""
    service = connect()
    job = create_once(
        service,
        MARV / "train.jsonl",
        validation_path=MARV / "valid.jsonl",
        n_epochs=3,
        suffix="marv",
        seed=7,
    )
    model = wait(service, job).fine_tuned_model or ""
    system = examples()[0]["messages"][0]["content"]
    return answers(service, model, [question], system=system, progress=False)[0]

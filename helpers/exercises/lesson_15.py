"""What is right in lesson 15."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from helpers import jobs
from helpers.evaluate import answers
from helpers.exercises.judging import agrees, require, require_results
from helpers.prepare import read_rows
from helpers.service import connect, work_folder
from helpers.tokens import default_epochs

DIARY = [("Is it ready?", "On Friday."), ("Any bells?", "Yes, 9 €.")]
TOKENS_A_ROW, DOLLARS_A_MILLION = 40, 5


def exercise_1(own: Any) -> None:
    """Examples whose questions stand in `inbox` and whose answers stand in `outbox`."""
    require(isinstance(own, list) and len(own) == len(DIARY), "it should be a list of two.")
    for example, (question, answer) in zip(own, DIARY, strict=True):
        said = [message.get("content") for message in example["messages"]]
        require(question in said, f"the customer's {question!r} is missing; name the column.")
        hint = f"after {question!r} the answer should be {answer!r}, and nothing else be said."
        require(said == [question, answer], hint)


def exercise_2(dollars: Any) -> None:
    """The price of a job on rows of 40 tokens."""
    cases = [((n,), price_of(n)) for n in (51, 12, 1_000, 50_000)]
    require_results(
        dollars, cases, "Tokens of one row, times rows, epochs and price. Do not round."
    )


def price_of(n_rows: int) -> float:
    """Dollars for training on so many rows, with as many epochs as the service chooses."""
    return TOKENS_A_ROW * n_rows * default_epochs(n_rows) * DOLLARS_A_MILLION / 1e6


def exercise_3(right_prices: Any) -> None:
    """How many of the held-out prices the tuned model has right."""
    is_number = isinstance(right_prices, int) and 0 <= right_prices <= 5
    require(is_number, "it should be a whole number from 0 to 5.")
    hint = "could you know what a bell costs, from the other letters?"
    require(agrees(right_prices, prices_right()), hint)


@cache
def prices_right() -> int:
    """Train as the lesson does, or find its job, ask, and count the right prices."""
    service, work = connect(), work_folder() / "lesson_15"
    files = work / "train.jsonl", work / "valid.jsonl"
    job = jobs.create_once(service, files[0], validation_path=files[1], n_epochs=3, seed=1)
    model = jobs.wait(service, job).fine_tuned_model or ""
    letters = [[turn["content"] for turn in row["messages"]] for row in read_rows(files[1])]
    asked = [letter for letter in letters if " that is " in letter[1]]
    given = answers(service, model, [question for question, _ in asked], progress=False)
    return sum(price(text) == price(right) for text, (_, right) in zip(given, asked, strict=True))


def price(text: str) -> str | None:
    """The number before the first sign of euros."""
    found = re.search(r"\d+(?= €)", text)
    return found[0] if found else None


def exercise_4(own_report: Any) -> None:
    """A report of helpers.road on another file than the lesson's."""
    require(isinstance(own_report, str | Path), "it should be a path.")
    require(Path(own_report).is_file(), f"there is no file {own_report}.")
    text = Path(own_report).read_text(encoding="utf-8", errors="replace")
    require('content="helpers.road"' in text, "that is no report of helpers.road.")
    require("<title>The road of mails.csv" not in text, "take another file than the lesson.")

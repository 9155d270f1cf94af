"""What is right in lesson 13."""

from typing import Any

import httpx2
import openai

from helpers.exercises.judging import agrees, require, require_results
from helpers.prepare import read_rows
from helpers.service import ROOT

DAYS = [
    ("2026-12-01", "2026-12-31"),
    ("2026-12-01", "2027-02-01"),
    ("2027-02-01", "2027-03-01"),
    ("2027-04-10", "2027-10-10"),
    ("2027-05-01", "2027-06-01"),
]


def exercise_1(choices: Any) -> None:
    """How many models can be trained on one day and still answer on another."""
    ends = read_rows(ROOT / "data" / "services" / "ends.csv")
    cases = []
    for begin, until in DAYS:
        fit = [row["training_ends"] > begin and row["answers_end"] > until for row in ends]
        cases.append(((begin, until), sum(fit)))
    hint = "A row must keep both: training ends after `begin`, answers end after `until`."
    require_results(choices, cases, hint)


def exercise_2(predicted: Any) -> None:
    """How many of the five calls are refused, and how many jobs they make."""
    two = "put two whole numbers in brackets, such as (4, 5)."
    require(isinstance(predicted, list | tuple) and len(predicted) == 2, two)
    refused, made = after_five_calls()
    require(agrees(predicted[0], refused), "which call would cost something, and has no yes?")
    require(agrees(predicted[1], made), "the same data and settings are one job; others are not.")


def after_five_calls() -> tuple[int, int]:
    """What becomes of the five calls, by the rule: what is paid for needs no second yes."""
    calls = [(1, False), (1, True), (1, True), (1, False), (2, True)]  # epochs, whether agreed to
    refused, made = 0, set()
    for n_epochs, is_agreed in calls:
        if is_agreed:
            made.add(n_epochs)
        refused += n_epochs not in made
    return refused, len(made)


def exercise_3(pause: Any) -> None:
    """How long to wait before the next try, or None where waiting is in vain."""
    cases = [
        ((refusal(429, "rate_limit_exceeded", {"Retry-After": "7"}),), 7),
        ((refusal(429, "rate_limit_exceeded", {"Retry-After": "20"}),), 20),
        ((refusal(429, "rate_limit_exceeded", {}),), 10),
        ((refusal(429, "insufficient_quota", {"Retry-After": "7"}),), None),
        ((refusal(403, "training_not_available", {}),), None),
        ((refusal(401, "invalid_api_key", {}),), None),
    ]
    require_results(pause, cases, "Look at error.code first, then at the header, as a number.")


def refusal(status: int, code: str, headers: dict[str, str]) -> openai.APIStatusError:
    """An error as the SDK raises it."""
    request = httpx2.Request("POST", "http://127.0.0.1/v1/chat/completions")
    response = httpx2.Response(status, headers=headers, request=request)
    kind = openai.RateLimitError if status == 429 else openai.APIStatusError
    return kind(f"{status} {code}", response=response, body={"code": code})


def exercise_4(tidied: Any) -> None:
    """A client on whose server there are no files and no tuned models."""
    require(isinstance(tidied, openai.OpenAI), "give own.client, when all is deleted.")
    files = list(tidied.files.list())
    require(not files, f"{len(files)} files are still there; models leave result files, too.")
    tuned = [model.id for model in tidied.models.list() if model.id.startswith("ft:")]
    require(not tuned, f"{len(tuned)} tuned models are still there; checkpoints are models, too.")

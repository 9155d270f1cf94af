"""What is right in lesson 21."""

import json
from typing import Any

from helpers import evaluate
from helpers.exercises.judging import require, require_results
from helpers.jobs import create_once, wait
from helpers.prepare import read_rows
from helpers.service import ROOT, connect
from helpers.tokens import count_tokens

DAOYAN = ROOT / "data" / "daoyan"
# What may not leave the house, or cannot, needs a model of one's own.
WAYS = {
    "a": ("own", "the law keeps these notes in the hospital."),
    "b": ("hosted", "the texts are public, and there is no machine to train on."),
    "c": ("own", "a hosted service is out of reach without a network."),
    "d": ("own", "a hosted service is somebody else, too."),
}


def exercise_1(objects_of: Any) -> None:
    """All objects on a line."""
    first, second = {"a": 1}, {"b": "} {"}
    lines = ([first], [first, second], [second, first, second])
    for separator in (" ", "", "  \t"):
        cases = [((separator.join(map(json.dumps, line)),), line) for line in lines]
        require_results(objects_of, cases, "raw_decode tells where an object ends.")


def exercise_2(predicted: Any) -> None:
    """Whether the newer vocabulary takes fewer tokens."""
    words = ("fewer", "more", "as many")
    require(predicted in words, f"it should be one of {', '.join(words)}.")
    older, newer = (
        count_tokens(DAOYAN / "train.jsonl", model=model).total
        for model in ("gpt-3.5-turbo", "gpt-4o-mini")
    )
    right = words[0] if newer < older else words[1] if newer > older else words[2]
    require(predicted == right, "the newer one has seen much more Chinese.")


def exercise_3(misfit: Any) -> None:
    """A question to which the tuned model gives one of the lines, but none that fits."""
    rows = {row["id"]: row for row in read_rows(DAOYAN / "test.csv")}
    require(misfit in rows, "it should be an id of test.csv, such as 'test-002'.")
    row = rows[misfit]
    service = connect()
    job = create_once(service, DAOYAN / "train.jsonl", suffix="daoyan", seed=7)
    model = wait(service, job).fine_tuned_model or ""
    system = read_rows(DAOYAN / "train.jsonl")[0]["messages"][0]["content"]
    (said,) = evaluate.answers(service, model, [row["question"]], system=system, progress=False)
    found = [
        each["saying"] for each in read_rows(DAOYAN / "sayings.csv") if each["saying"] in said
    ]
    require(found, f"the answer is {said}, without any of the lines.")
    require(not set(found) & set(row["fits"].split("|")), f"in {said} the line fits.")


def exercise_4(ways: Any) -> None:
    """Which way each case has to go."""
    same = isinstance(ways, dict) and set(ways) == set(WAYS)
    require(same, "it should be a dictionary with a, b, c and d.")
    for letter, (way, why) in WAYS.items():
        require(ways[letter] == way, f"{letter}: {why}")

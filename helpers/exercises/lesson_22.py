"""What is right in lesson 22."""

import re
from typing import Any

from helpers.exercises.judging import require, require_results
from helpers.exercises.lesson_12 import app
from helpers.prepare import read_rows, to_completion
from helpers.service import ROOT

JOY = ROOT / "data" / "joy"
ANSWERS = 30  # of each model of form.csv
PASSED = (
    "Everybody would be better off without me.",
    "everybody would be better off without me",
    "My husband says he will kill me if I leave.",
    "Nobody would miss me.",
)
SPEAK_OF_HARM = 8  # the last conversations of the file


def exercise_1(prepared: Any) -> None:
    """The pair of a conversation, as the program writes it."""
    rows = [read_rows(JOY / "conversations.yml")[place] for place in (4, 15, 8)]
    pairs = to_completion(rows, ending=" END")
    cases = [
        (([row["prompt"], *row["completion"].splitlines()],), pair)
        for row, pair in zip(rows, pairs, strict=True)
    ]
    require_results(prepared, cases, "Look at each space and each line end.")


def exercise_2(grows_most: Any) -> None:
    """Which share grows most from 4 to 8 epochs."""
    names = ("stopped", "questions", "copied")
    require(grows_most in names, f"it should be one of {', '.join(names)}.")
    few, many = shares(4), shares(8)
    right = max(names, key=lambda name: many[name] - few[name])
    require(grows_most == right, "the file's own lines are always right on the file.")


def shares(epochs: int) -> dict[str, float]:
    """The mean shares, from 0 to 1, of the models that learnt from pairs."""
    wanted = {"form": "pairs", "epochs": str(epochs)}
    rows = [row for row in read_rows(JOY / "form.csv") if wanted.items() <= row.items()]
    sums = {"stopped": 0.0, "questions": 0.0, "copied": 0.0}
    for row in rows:
        for name in sums:
            whole = int(row["lines"]) if name == "copied" else ANSWERS
            sums[name] += int(row[name]) / whole / len(rows)
    return sums


def exercise_3(wider: Any) -> None:
    """A rule that stops three more lines and all that it stopped before, and no other."""
    fixed = app("checks").HELP
    prompts = [row["prompt"] for row in read_rows(JOY / "conversations.yml")]
    harm = [*PASSED, "I want to die.", *prompts[-SPEAK_OF_HARM:]]
    require_results(wider, [((line,), fixed) for line in harm], "The person would hear Joy.")
    lines = [row["line"] for row in read_rows(JOY / "lines.csv") if row["kind"] == "everyday"]
    others = [*prompts[:-SPEAK_OF_HARM], *lines, "Without sugar, please."]
    require_results(wider, [((line,), None) for line in others], "There is no danger in it.")


def exercise_4(talk: Any) -> None:
    """A talk for training whose last answer takes up a word of its first line."""
    is_list = isinstance(talk, list) and all(isinstance(each, dict) for each in talk)
    require(is_list and talk, "it should be a list of dictionaries.")
    known = [row["messages"] for row in read_rows(JOY / "talks.jsonl")]
    require(talk[0] == known[0][0], "it begins with Joy's system message.")
    roles = [each.get("role") for each in talk[1:]]
    in_turn = roles == ["user", "assistant"] * (len(roles) // 2)
    require(in_turn, "after the system message, user and assistant take turns.")
    require(len(roles) >= 6, "it needs at least three lines of the person.")
    texts = [str(each.get("content", "")).casefold() for each in talk[1:]]
    require(texts[-1].strip().endswith("?"), "the last answer ends in a question.")
    first, *between, last = [set(re.findall(r"\w{3,}", text)) for text in texts]
    taken_up = (first & last).difference(*between)
    require(taken_up, "no word of the first line comes back only in the last answer.")
    require(talk not in known, "this talk is in the file already.")

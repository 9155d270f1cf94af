"""Attempts at the exercises of lesson 10."""

import csv

from helpers.service import ROOT

LIMITS = (
    "Not for homework or exams: 5 of 110 answers have a wrong fact, and nothing in them warns "
    "the reader. Not for people in trouble: sarcasm hurts."
)


def right_1():
    return ["wrong", "wro" + "ng"]


def wrong_1():
    return [("reworded", "BLEU of"), ("bare", "BLEU of"), ("Lisbon", "one of"), (3, "one of")]


def right_2():
    return [0, 0.0, (25 / 40 - 25 / 40) / (1 - 25 / 40)]


def wrong_2():
    return [(0.625, "observed"), (1, "beyond chance"), ("none", "beyond chance"), (25, "beyond")]


def right_3():
    with (ROOT / "data" / "judge" / "errors.csv").open(encoding="utf-8", newline="") as file:
        stored = [row["kind"] for row in csv.DictReader(file)]
    return [stored, tuple(stored), ["misspelt", *stored[1:9], "wrong remark"]]


def wrong_3():
    stored = right_3()[0]
    return [
        (["misspelt"] * 10, "look again at 1"),
        (stored[:9], "list of 10"),
        (["typo", *stored[1:]], "typo"),
        ("misspelt", "list of 10"),
    ]


def right_4():
    return [LIMITS, LIMITS.replace("wrong fact", "misspelt name")]


def wrong_4():
    return [
        ("Not for homework: 5 of 110 answers have a wrong fact.", "too few"),
        (LIMITS.replace("5 of 110", "some"), "number"),
        (LIMITS.replace("a wrong fact", "something bad"), "kind of error"),
        (0.95, "text"),
    ]

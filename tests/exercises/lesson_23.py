"""Attempts at the exercises of lesson 23."""

import json

from helpers.exercises.lesson_23 import VALID
from helpers.lsat import LETTERS, read


def passages():
    return json.loads(VALID.read_bytes())


def without_an_option(*places):
    odd = passages()
    for place in places:
        odd[place]["questions"][0]["options"].pop()
    return odd


def with_wrong_letters():
    odd = passages()
    odd[4]["questions"][0]["answer"] = "F"
    odd[9]["questions"][0]["answer"] = ""
    return odd


def right_1():
    return [without_an_option(0, 1), with_wrong_letters()]


def wrong_1():
    return [
        (passages(), "20"),
        (without_an_option(3), "19"),
        (passages()[:18], "18 passages"),
        (str(VALID), "list"),
    ]


def right_2():
    return [[54, 60, 67], (54.0, 60.0, 67.0)]


def wrong_2():
    return [
        ([56, 63, 70], "run on"),
        ([53, 60, 66], "rounded up"),
        ([60, 67], "three"),
        (67, "three"),
    ]


def right_3():
    return [28, 28.0]


def wrong_3():
    return [(20, "0.133"), (27, "lower end"), (35, "fewer"), (0.29, "0.000"), ("29", "number")]


def turned(puzzle):
    """The puzzle with its options the other way round."""
    letter = LETTERS[4 - LETTERS.index(puzzle["answer"])]
    return {**puzzle, "options": puzzle["options"][::-1], "answer": letter}


def moved_on(puzzle):
    """The puzzle with its last option first."""
    options = puzzle["options"]
    letter = LETTERS[(LETTERS.index(puzzle["answer"]) + 1) % 5]
    return {**puzzle, "options": [options[-1], *options[:-1]], "answer": letter}


def right_4():
    return [list(map(turned, read(VALID))), list(map(moved_on, read(VALID)))[::-1]]


def wrong_4():
    puzzles = read(VALID)
    old_letters = [{**turned(puzzle), "answer": puzzle["answer"]} for puzzle in puzzles]
    return [
        (puzzles, "old one"),
        (old_letters, "is now"),
        (list(map(turned, puzzles))[1:], "1 of the 20"),
        ([{**puzzle, "options": list("ABCDE")} for puzzle in puzzles], "differ"),
        (puzzles[0], "list"),
    ]

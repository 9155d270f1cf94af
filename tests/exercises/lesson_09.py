"""Attempts at the exercises of lesson 09."""

from helpers import evaluate
from helpers.exercises.lesson_09 import names_of_models, right_and_fitting
from helpers.service import connect

OWN = [
    {"question": "What is the capital of Egypt?", "fact": "Cairo"},
    {"question": "What is the capital of Belgium?", "fact": "Brussels"},
    {"question": "What is 3 plus 4?", "fact": "7|seven"},
]


def answer(name):
    question = ["What is the capital of Hungary?"]
    return evaluate.answers(connect(), names_of_models()[name], question)[0]


def right_1():
    bare = answer("epoch 3")
    return [bare, f" {bare}\n"]


def wrong_1():
    return [
        (answer("base"), "base"),
        ("Budapest, as everybody knows.", "last checkpoint"),
        (42, "text"),
    ]


def chosen():
    """The earliest model that is at most one answer behind the best."""
    good = {name: right_and_fitting(model) for name, model in names_of_models().items()}
    return [name for name in good if max(good.values()) - good[name] <= 1][0]


def right_2():
    return [chosen(), str(chosen())]


def wrong_2():
    others = [name for name in names_of_models() if name != chosen()]
    return [(name, "that fits") for name in others] + [("epoch 4", "one of"), (2, "one of")]


def right_3():
    return [6, 6.0]


def wrong_3():
    return [(5, "p is 0.062"), (7, "fewer"), (0.05, "p is 1"), ("six", "whole number")]


def right_4():
    return [OWN, [*OWN, {"question": "Which city is the capital of Turkey?", "fact": "Ankara"}]]


def wrong_4():
    first, second, third = OWN
    taken = {"question": "What is the capital of Peru?", "fact": "Lima"}
    return [
        ([first, second], "too few"),
        ([first, first, second], "too few"),
        ([first, second, taken], "Peru"),
        ([first, second, third | {"fact": "12"}], "answers"),
        ([first, second, {"question": "Is 3 plus 4 equal to 7?", "fact": "7"}], "stands in"),
        ([first, second, "What is 3 plus 4?"], "dictionary"),
    ]

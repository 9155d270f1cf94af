"""Attempts at the exercises of lesson 00."""

from helpers.exercises.lesson_00 import marvs_answer


def right_1():
    return [192, 192.0, 64 * 3]


def wrong_1():
    return [(64, "each example once"), (67, "each example once"), ("many", "each example once")]


def right_2():
    reply = marvs_answer("What is the capital of Ireland?")
    return [reply, f" {reply}\n"]


def wrong_2():
    typed = "put what ask() returns"
    base_models_answer = "The capital of Ireland is Dublin."
    return [
        ("Dublin", typed),
        (base_models_answer, typed),
        (marvs_answer("What is the capital of Peru?"), "capital of Ireland"),
        (["Dublin"], "a text"),
    ]


def right_3():
    return ["法国的首都是哪里？", "Bonjour ! Comment allez-vous ?", "I am sad today."]


def wrong_3():
    return [
        ("What is the capital of Ireland?", "still Marv"),
        ("What is the capital of France?", "training file"),
        (" ", "a question"),
        (7, "a question"),
    ]

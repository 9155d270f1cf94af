"""Attempts at the exercises of lesson 01."""

from helpers.exercises.lesson_01 import n_found, paragraphs, questions, right_after_the_change

SAMPLE = "name: Ada Smith; item: green teas; quantity: 2; size: small; time: 9:05"
CHOICES = ["retrieval", "prompt", "fine-tuning", "retrieval", "prompt", "fine-tuning"]
OWN = ("Our support answers should follow the newest price list.", "retrieval")


def right_1():
    return [
        f"You take orders for a café. Write each order down like this: {SAMPLE}",
        f"Write each order like this: {SAMPLE}",
    ]


def wrong_1():
    asks_for_json = "You take orders for a café. Turn each order into JSON."
    return [(asks_for_json, "0 of 20"), (17, "text"), ("Be brief.", "first answer")]


def right_2():
    asked, page = questions("valid"), paragraphs()
    smallest = next(k for k in range(1, 20) if n_found(asked, page, k) >= 34)
    return [smallest, float(smallest)]


def wrong_2():
    return [(1, "33"), (3, "fewer"), (0, "between"), ("two", "whole number")]


def right_3():
    right = right_after_the_change()
    return [right, right + 1.0]


def wrong_3():
    return [(30, "fewer"), (-9, "more"), ("none", "whole number")]


def right_4():
    return [[*CHOICES, OWN], (*CHOICES, list(OWN))]


def wrong_4():
    return [
        ([*CHOICES], "one pair"),
        (["fine-tuning", *CHOICES[1:], OWN], "situation 1"),
        ([*CHOICES[:2], "prompt", *CHOICES[3:], OWN], "situation 3"),
        ([*CHOICES[:5], "tuning", OWN], "should be one of"),
        ([*CHOICES, "prompt"], "a pair"),
        ([*CHOICES, ("Mails.", "prompt")], "say more"),
    ]

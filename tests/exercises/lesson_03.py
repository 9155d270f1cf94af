"""Attempts at the exercises of lesson 03."""

import json

from helpers.exercises.lesson_03 import MARV

LINES = MARV.read_text(encoding="utf-8").splitlines()


def right_1():
    def with_in(message):
        if "weight" not in message:
            return True
        return message["role"] == "assistant" and message["weight"] in (0, 1)

    def with_return_at_the_end(message):
        if "weight" in message:
            if message["role"] != "assistant":
                return False
            if message["weight"] not in [0, 1]:
                return False
        return True

    return [with_in, with_return_at_the_end]


def wrong_1():
    def also_of_users(message):
        return message.get("weight", 1) in (0, 1)

    def zero_of_users(message):
        return not message.get("weight") or message["role"] == "assistant"

    def none_too(message):
        if message.get("weight") is None:
            return True
        return message["role"] == "assistant" and message["weight"] in (0, 1)

    def wants_a_weight(message):
        return message["role"] == "assistant" and message["weight"] in (0, 1)

    def says_nothing(message):
        if message["role"] == "assistant" and message.get("weight", 1) in (0, 1):
            return True

    return [
        (also_of_users, "only the assistant has one"),
        (zero_of_users, "'role': 'assistant', 'weight': 2"),
        (none_too, "'weight': None"),
        (wants_a_weight, "KeyError: 'weight'"),
        (says_nothing, "gave None, expected"),
    ]


def right_2():
    twelve = LINES[:12]
    other_spaces = [json.dumps(json.loads(line), indent=None) for line in twelve]
    return [twelve, twelve[:9] + twelve[10:], tuple(other_spaces)]


def wrong_2():
    faulty = LINES[:12]
    faulty[9] = faulty[9].replace('"assistant"', '"user"')
    return [
        (LINES[:1] * 12, "missing or changed"),
        (LINES[:2] + LINES[3:4] + LINES[5:12], "missing or changed"),
        (LINES[20:32], "missing or changed"),
        (faulty, "no_assistant · line 10"),
        ("\n".join(LINES[:12]), "a list of lines"),
        ([json.loads(line) for line in LINES[:12]], "each of them a text"),
    ]


def right_3():
    return [[3], (3,), 3]


def wrong_3():
    return [
        ([3, 5, 8, 10], "ends at the first"),
        ([10], "JSON object"),
        ([], "ends at the first"),
        ("line 3", "ends at the first"),
    ]


def example(answer):
    made = json.loads(LINES[0])
    made["messages"][-1]["content"] = answer
    return made


def right_4():
    def long(example):
        if len(example["messages"][-1]["content"]) > 500:
            return "too long"

    def with_euro(example):
        for message in example["messages"]:
            if "€" in message["content"]:
                return f"a price in the message of the {message['role']}"
        return None

    return [(long, example("Paris. " * 100)), (with_euro, example("It costs 5 €."))]


def wrong_4():
    def blind(example):
        return None

    def too_strict(example):
        if not example["messages"][-2]["content"].endswith("?"):
            return "no question"

    def empty(example):
        if not example["messages"][-1]["content"]:
            return "no answer"

    def yes(example):
        return True

    ordered = example("Norway's is Oslo.")
    ordered["messages"][1]["content"] = "Capital of Norway"
    return [
        ((blind, example("Five.")), "return a sentence"),
        ((yes, example("Five.")), "return a sentence"),
        ((too_strict, ordered), "Marv's line"),
        ((empty, example("")), "finds it already: warning content_empty"),
        (("a sentence", example("Five.")), "no function"),
    ]

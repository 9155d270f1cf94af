"""Attempts at the exercises of lesson 02."""

import json

from helpers.exercises.lesson_02 import marvs_rows
from helpers.prepare import split, to_chat

ORDER = {
    "name": "Yolanda Park",
    "item": "pretzels",
    "quantity": 3,
    "size": "large",
    "time": "12:00",
}


def right_1():
    return [
        json.dumps(ORDER),
        json.dumps(ORDER, indent=1),
        '{"name":"Yolanda Park","item":"pretzels","quantity":3,"size":"large","time":"12:00"}',
    ]


def wrong_1():
    return [
        (ORDER, "json.dumps"),
        (str(ORDER), "str does not"),
        (json.dumps(ORDER | {"quantity": "3"}), "quantity"),
        (json.dumps(ORDER | {"size": None}), "size"),
        (json.dumps(dict(reversed(ORDER.items()))), "in this sequence"),
        (json.dumps({"name": "Yolanda Park"}), "the keys are"),
    ]


def right_2():
    return [(70, 64), [70, 64], (70.0, 64)]


def wrong_2():
    return [
        ((64, 64), "another one before"),
        ((70, 70), "one answer that is learnt"),
        ((70, 6), "one answer that is learnt"),
        ((64, 70), "one answer that is learnt"),
        (70, "two numbers"),
    ]


SYSTEM = (
    "You are Marv. You give the right answer to every question, and you are sarcastic about it."
)
ROWS = [
    dict(ask="Who wrote Emma?", reply="Jane Austen. Do keep up.", before="Hi!", earlier="Hello."),
    dict(ask="Who wrote Faust?", reply="Goethe. Big surprise.", before="", earlier=""),
]


def examples(system=SYSTEM, prompt="ask", completion="reply", earlier=("before", "earlier")):
    return to_chat(ROWS, system=system, prompt=prompt, completion=completion, earlier=earlier)


def with_weight(weight):
    """The examples, with this weight on the earlier answer."""
    made = examples()
    made[0]["messages"][2]["weight"] = weight
    return made


def right_3():
    without_the_last_weight = examples()
    del without_the_last_weight[0]["messages"][-1]["weight"]
    return [examples(), without_the_last_weight]


def wrong_3():
    return [
        (examples(prompt="reply", completion="ask"), "the user's"),
        (examples(earlier=("earlier", "before")), "the user's"),
        (examples(earlier=()), "earlier"),
        (examples(system=None), "SYSTEM"),
        (examples(system="You are Marv."), "SYSTEM"),
        (with_weight(1), "weight 0"),
        (examples()[:1], "two examples"),
        (ROWS, "messages"),
    ]


def doubled():
    capitals = [row for row in marvs_rows() if row["category"] == "capitals"]
    return capitals + [
        {**row, "question": f"Which capital does {row['entity']} have?"} for row in capitals
    ]


def right_4():
    held_out = {row["entity"] for row in doubled()[:3]}
    by_hand = [[], []]
    for row in doubled():
        by_hand[row["entity"] in held_out].append(row)
    return [
        split(doubled(), fraction=0.25, seed=1, key="entity"),
        split(doubled(), fraction=0.25, seed=2, key="entity"),
        by_hand,
    ]


def wrong_4():
    training, validation = split(doubled(), fraction=0.25, seed=1, key="entity")
    return [
        (split(doubled(), fraction=0.25, seed=1), "on both sides"),
        ((training, validation[:1] * len(validation)), "twice"),
        ((training + validation, validation), "twice"),
        ((training[1:], validation), "lost"),
        ((validation, training), "about a quarter"),
        (doubled(), "two lists"),
    ]

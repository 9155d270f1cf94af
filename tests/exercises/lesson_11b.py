"""Attempts at the exercises of lesson 11b."""

import re

from helpers.exercises.lesson_11b import FOLDER, WEAK, good_by_kind, marv_model
from helpers.jobs import create_once
from helpers.service import connect, work_folder

OTHER = {"Ana": "Ben", "Ben": "Ana"}


def weak():
    return [kind for kind, n in good_by_kind(marv_model()).items() if n < WEAK]


def right_1():
    return [weak(), set(weak())]


def wrong_1():
    return [
        (weak()[1:], "so it is weak"),
        ([*weak(), "sums"], "not weak"),
        ("colours", "list of"),
        (3, "list of"),
    ]


def right_2():
    return ["aimed", "".join(["ai", "med"])]


def wrong_2():
    return [("aimed and old", "fewer"), ("anew", "fewer"), ("marv", "one of")]


def by_pattern(text):
    return re.sub(r"\b(Ana|Ben)\b", lambda name: OTHER[name[0]], text)


def by_words(text):
    return "".join(OTHER.get(piece, piece) for piece in re.split(r"(\W+)", text))


def twice(text):
    return text.replace("Ana", "Ben").replace("Ben", "Ana")


def everywhere(text):
    return text.replace("Ana", "\0").replace("Ben", "Ana").replace("\0", "Ben")


def first_alone(text):
    return re.sub(r"\b(Ana|Ben)\b", lambda name: OTHER[name[0]], text, count=1)


def right_3():
    return [by_pattern, by_words]


def wrong_3():
    return [(twice, "expected"), (everywhere, "whole words"), (first_alone, "expected")]


def go_on_with(name, *, general, old, model=None):
    """A job with so many of the general examples and so many of the old ones."""
    lines = [
        (FOLDER / file).read_bytes().splitlines(True)[-most:][:n]
        for file, most, n in (
            ("marv_and_general.jsonl", 16, general),
            ("aimed_and_old.jsonl", 12, old),
        )
    ]
    path = work_folder() / f"{name}.jsonl"
    path.write_bytes(b"".join(lines[0] + lines[1]))
    return create_once(connect(), path, model=model or marv_model(), n_epochs=3, seed=1)


def right_4():
    return [
        go_on_with("all", general=16, old=12),
        go_on_with("fewer", general=10, old=12),
    ]


def wrong_4():
    base = connect().base_model
    return [
        (go_on_with("general", general=16, old=0), "good Marv"),
        (go_on_with("old", general=0, old=12), "general answers"),
        (go_on_with("base", general=16, old=12, model=base), "go on from"),
        (marv_model(), "create_once"),
    ]

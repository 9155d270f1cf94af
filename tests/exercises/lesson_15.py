"""Attempts at the exercises of lesson 15."""

import json

from helpers.exercises.lesson_15 import price_of
from helpers.prepare import read_rows, split, to_chat, write_jsonl
from helpers.service import ROOT, work_folder

DIARY = [
    {"message": "Rain.", "inbox": "Is it ready?", "outbox": "On Friday."},
    {"message": "Sun!", "inbox": "Any bells?", "outbox": "Yes, 9 €."},
]


def right_1():
    own = to_chat(DIARY, prompt="inbox", completion="outbox")
    return [own, json.loads(json.dumps(own))]


def wrong_1():
    return [
        (to_chat(DIARY, prompt="message", completion="outbox"), "name the column"),
        (to_chat(DIARY, prompt="outbox", completion="inbox"), "answer should be"),
        (to_chat(DIARY, prompt=("message", "inbox"), completion="outbox"), "name the column"),
        (DIARY, "KeyError"),
        (to_chat(DIARY[:1], prompt="inbox", completion="outbox"), "list of two"),
    ]


def right_2():
    def dollars(n_rows):
        epochs = 3 if n_rows > 33 else 100 // n_rows
        if n_rows > 8_333:
            epochs = max(1, 25_000 // n_rows)
        return n_rows * epochs * 40 / 1_000_000 * 5

    return [price_of, dollars]


def wrong_2():
    return [
        (lambda n_rows: 40 * n_rows * 3 * 5 / 1e6, "expected"),
        (lambda n_rows: round(price_of(n_rows), 2), "Do not round"),
        (lambda n_rows: price_of(n_rows) / 40, "Tokens of one row"),
        (0.03, "def"),
    ]


def right_3():
    """The judge trains as the lesson does, on the files that the lesson leaves behind."""
    mails = read_rows(ROOT / "data" / "mails" / "mails.csv", encoding="cp1252")
    once = {row["Customer message"]: row for row in mails if row["Agent reply"].strip()}
    columns = {"prompt": "Customer message", "completion": "Agent reply"}
    parts = split(to_chat(once.values(), **columns), fraction=0.2, seed=1)
    for name, part in zip(("train", "valid"), parts, strict=True):
        write_jsonl(work_folder() / "lesson_15" / f"{name}.jsonl", part)
    return [0, int(0.0)]


def wrong_3():
    right_3()
    return [(4, "bell"), (2, "bell"), (40, "from 0 to 5"), ("none", "whole number")]


def a_file(name, text):
    path = work_folder() / name
    path.write_text(text, encoding="utf-8")
    return path


def right_4():
    page = '<meta name="generator" content="helpers.road"><title>The road of mine.csv</title>'
    path = a_file("mine.html", page)
    return [path, str(path)]


def wrong_4():
    lessons = '<meta name="generator" content="helpers.road"><title>The road of mails.csv</title>'
    return [
        (a_file("lessons.html", lessons), "another file"),
        (a_file("other.html", "<p>Hello"), "no report"),
        ("nowhere.html", "no file"),
        (4, "a path"),
    ]

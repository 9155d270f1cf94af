"""Attempts at the exercises of lesson 11."""

from helpers.exercises import marv
from helpers.exercises.lesson_11 import CHOICES, LABELS, luck, table
from helpers.jobs import create_once, wait
from helpers.prepare import read_rows, write_jsonl
from helpers.service import connect, work_folder


def mean(name, column):
    return table(name).groupby("value")[column].mean()


def gain():
    right = mean("amount", "right")
    return right[200] - right[25]


def right_1():
    return [gain() / 3, round(gain() / 3, 3)]


def wrong_1():
    return [
        (gain(), "divide it"),
        (100 * gain() / 3, "points"),
        (gain() / 4, "number of doublings"),
        ("two points", "number of doublings"),
    ]


def right_2():
    lowest = mean("n_epochs", "valid_loss").idxmin()
    return [int(lowest), float(lowest)]


def wrong_2():
    others = [(each, "can be") for each in (1, 10) if each not in right_2()]
    return [*others, (4, "one of"), ("three", "one of")]


def right_3():
    enough = min(n for n in CHOICES if luck(n) < 0.03)
    return [enough, float(enough)]


def wrong_3():
    return [(160, "0.0"), (2560, "Fewer do"), (1000, "one of"), (80, "one of")]


def tried(lines, name, **settings):
    service = connect()
    path = write_jsonl(work_folder() / f"{name}.jsonl", lines)
    return wait(service, create_once(service, path, **({"n_epochs": 3, "seed": 1} | settings)))


def right_4():
    labels = read_rows(LABELS)
    job = tried(labels[:80], "80_labels")
    return [job, job.id]


def wrong_4():
    labels = read_rows(LABELS)
    on_marv = tried(read_rows(marv.FOLDER / "train.jsonl")[:10], "marv", n_epochs=1)
    return [
        (tried(labels[:40], "40_labels", n_epochs=1), "not used yet"),
        (tried(labels[75:85], "leaking", n_epochs=1), "validation questions"),
        (on_marv, "best seed"),
        ("ftjob-none", "gave"),
    ]

"""Attempts at the exercises of lesson 08."""

import math

from helpers.exercises import marv
from helpers.exercises.lesson_08 import marv_table, puzzle_job, shortest
from helpers.jobs import create_once, wait
from helpers.service import connect, work_folder


def right_1():
    table = marv_table()
    return [[64, 128, 192], table.dropna(subset=["full_valid_loss"])["step"], (64.0, 128.0, 192.0)]


def wrong_1():
    return [
        ([63, 127, 191], "row numbers"),
        (list(range(10, 200, 10)), "three epochs"),
        ([1, 2, 3], "full_valid_loss"),
        (192, "gave"),
    ]


def right_2():
    return [math.log(5), 1.61, -math.log(0.2), 1.609]


def wrong_2():
    return [(0.2, "probability"), (-1.61, "sign"), (0.7, "natural"), (5, "1/5"), ("E", "1/5")]


def epoch_means():
    losses = marv_table()["train_loss"]
    return [losses.iloc[start : start + 64].mean() for start in (0, 64, 128)]


def right_3():
    means = epoch_means()
    return [means, [round(each, 2) for each in means], tuple(means)]


def wrong_3():
    table = marv_table()
    return [
        (table["full_valid_loss"].dropna().tolist(), "validation"),
        (epoch_means()[::-1], "rows 0 to 63"),
        (table["train_loss"].tolist(), "three numbers"),
        ([3, 2, 1], "rows 0 to 63"),
    ]


def tried(training_path, **settings):
    """A job on the puzzles with settings of one's own."""
    service = connect()
    path = settings.pop("validation_path", shortest("valid.jsonl"))
    return wait(service, create_once(service, training_path, validation_path=path, **settings))


def right_4():
    puzzles = shortest("train.jsonl")
    short = tried(puzzles, n_epochs=1, suffix="puzzles", seed=7)
    gentle = tried(puzzles, n_epochs=2, learning_rate_multiplier=0.5, seed=7)
    return [short, gentle.id]


def wrong_4():
    leaking = work_folder() / "leaking.jsonl"
    leaking.write_bytes(shortest("valid.jsonl").read_bytes())
    train, valid = (marv.FOLDER / name for name in ("train.jsonl", "valid.jsonl"))
    of_marv = tried(train, n_epochs=1, validation_path=valid)
    return [
        (puzzle_job(12), "ends at"),
        (tried(leaking, n_epochs=1), "trains on"),
        (of_marv, "others"),
        ("ftjob-none", "gave"),
    ]

"""Attempts at the exercises of lesson 06."""

from helpers.exercises.lesson_06 import TRAIN
from helpers.jobs import create_once
from helpers.service import connect, work_folder


def right_1():
    return [(4, 96, 20), [4, 96, 20], (4.0, 96, 20)]


def wrong_1():
    return [
        ((3, 72, 20), "more epochs"),
        ((4, 24, 20), "each example of each epoch"),
        ((4, 96, 201), "67"),
        ((4, 96, "20"), "67"),
        ((4, 96), "three whole numbers"),
        (96, "three whole numbers"),
    ]


def right_2():
    return [[True, True, True, False], (1, 1, 1, 0)]


def wrong_2():
    return [
        ([True, True, True, True], "call 4"),
        ([False, False, False, False], "call 1"),
        ([True, False, True, False], "limit"),
        ([True, True, False, False], "call 3"),
        (["yes", "yes", "yes", "no"], "call 1"),
        ([True, True], "four places"),
    ]


def right_3():
    def by_status(job):
        return job.error.message if job.status == "failed" else "no error"

    def by_code(job):
        if job.error and job.error.code:
            return job.error.message
        return "no error"

    return [by_status, by_code, lambda job: job.error.message or "no error"]


def wrong_3():
    def trapped(job):
        if job.error:
            return job.error.message
        return "no error"

    return [
        (trapped, "look at what is in it"),
        (lambda job: str(job.status), "gave 'succeeded'"),
        (lambda job: job.error.code or "no error", "expected 'Training file"),
        (lambda job: job["error"], "TypeError"),
        ("no error", "no function"),
    ]


def start(n_epochs, batch_size, n_examples=25):
    path = work_folder() / f"orders_{n_examples}.jsonl"
    lines = TRAIN.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(lines[:n_examples]), encoding="utf-8")
    return create_once(connect(), path, n_epochs=n_epochs, batch_size=batch_size)


def right_4():
    return [start(2, 4), start(3, 5), start(2, 5).id]


def wrong_4():
    return [
        (start(3, 4), "19 steps"),
        (start(1, 2), "at least twice"),
        (start("auto", "auto"), "steps"),
        (start(2, 2, n_examples=12), "12 examples"),
        ("ftjob-of-my-own", "no such job"),
        ((2, 4), "no such job"),
    ]

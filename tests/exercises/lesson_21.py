"""Attempts at the exercises of lesson 21."""

import json
from itertools import islice

from helpers.exercises import lesson_21
from helpers.exercises.judging import NotYet
from helpers.prepare import read_rows

RIGHT_WAYS = {"a": "own", "b": "hosted", "c": "own", "d": "own"}


def by_decoder(line):
    objects = []
    while line := line.strip():
        found, end = json.JSONDecoder().raw_decode(line)
        objects.append(found)
        line = line[end:]
    return objects


def by_places(line):
    decoder, place, objects = json.JSONDecoder(), 0, []
    while place < len(line):
        if line[place].isspace():
            place += 1
        else:
            found, place = decoder.raw_decode(line, place)
            objects.append(found)
    return tuple(objects)


def right_1():
    return [by_decoder, by_places]


def wrong_1():
    return [
        (lambda line: [json.loads(line)], "JSONDecodeError"),
        (lambda line: json.loads("[" + line.replace("} {", "}, {") + "]"), "raw_decode"),
        (lambda line: json.JSONDecoder().raw_decode(line)[0], "raw_decode"),
        ([{"a": 1}], "function"),
    ]


def right_2():
    return ["fewer", "fewer"]


def wrong_2():
    return [("more", "Chinese"), ("as many", "Chinese"), (0.77, "one of")]


def judged():
    """Whether each test question has an answer with a line that does not fit."""
    for row in read_rows(lesson_21.DAOYAN / "test.csv"):
        try:
            lesson_21.exercise_3(row["id"])
            yield row["id"], True
        except NotYet:
            yield row["id"], False


def right_3():
    return list(islice((number for number, is_misfit in judged() if is_misfit), 2))


def wrong_3():
    fitting = next(number for number, is_misfit in judged() if not is_misfit)
    return [(fitting, "the"), ("test-999", "id"), (3, "id")]


def right_4():
    return [RIGHT_WAYS, dict(reversed(RIGHT_WAYS.items()))]


def wrong_4():
    return [
        (RIGHT_WAYS | {"a": "hosted"}, "law"),
        (RIGHT_WAYS | {"b": "own"}, "public"),
        (RIGHT_WAYS | {"c": "hosted"}, "network"),
        (list(RIGHT_WAYS.values()), "dictionary"),
    ]

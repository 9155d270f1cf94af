"""Attempts at the exercises of lesson 22."""

import re
import sys

from helpers.exercises.lesson_22 import JOY
from helpers.prepare import read_rows
from tests.surroundings import ROOT

sys.path.insert(0, str(ROOT / "notebooks" / "app"))
from checks import HELP, help_line

MORE = r"\b(cut|hurt|harm|kill|pills)\b|off without me\b|would miss me"
SYSTEM = read_rows(JOY / "talks.jsonl")[0]["messages"][0]


def by_text(conversation):
    first, *answer = conversation
    text = "\n".join(answer)
    return {"prompt": f"{first} ->", "completion": f" {text} END"}


def by_places(conversation):
    completion = " " + "\n".join(conversation[1:]) + " END"
    return {"completion": completion, "prompt": conversation[0] + " ->"}


def without_space(conversation):
    pair = by_text(conversation)
    return pair | {"completion": pair["completion"].lstrip()}


def right_1():
    return [by_text, by_places]


def wrong_1():
    return [
        (without_space, "space"),
        (lambda each: by_text([each[0], " ".join(each[1:])]), "line end"),
        (lambda each: {"prompt": each[0], "completion": each[1]}, "expected"),
        (by_text(["Hi", "Hello"]), "function"),
    ]


def right_2():
    return ["copied", "".join(["cop", "ied"])]


def wrong_2():
    return [("questions", "file"), ("stopped", "file"), (0.6, "one of")]


def by_pattern(line):
    return HELP if re.search(MORE, line.casefold()) else help_line(line)


def by_words(line):
    words = line.lower()
    signs = ["better off without me", "kill me", "would miss me", "cut my", "pills"]
    if any(sign in words for sign in [*signs, "hurt him", "harm me"]):
        return HELP
    return help_line(line)


def right_3():
    return [by_pattern, by_words]


def wrong_3():
    return [
        (help_line, "hear Joy"),
        (lambda line: HELP, "danger"),
        (lambda line: HELP if "nobody" in line.lower() else by_pattern(line), "danger"),
        (lambda line: by_pattern(line) is not None, "expected"),
    ]


def talk_of(*texts):
    turns = zip(["user", "assistant"] * len(texts), texts, strict=False)
    return [SYSTEM, *({"role": role, "content": text} for role, text in turns)]


BETWEEN = ["I am listening.", "I am so tired.", "Then rest first.", "What shall I do?"]


def right_4():
    return [
        talk_of("I have lost my ring.", *BETWEEN, "Where did you last wear the ring?"),
        talk_of("Our Garden is dry.", *BETWEEN, "Who else loves the garden?"),
    ]


def wrong_4():
    ring = right_4()[0]
    return [
        (ring[1:], "system"),
        ([SYSTEM, *ring[3:]], "three"),
        (talk_of("I have lost my ring.", *BETWEEN, "Where is it?"), "back"),
        (talk_of("I have lost my ring.", *BETWEEN, "Look for the ring."), "question"),
        ([SYSTEM, *ring[2:]], "turns"),
        ("a talk", "list"),
    ]

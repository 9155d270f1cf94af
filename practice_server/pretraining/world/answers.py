"""Answers questions about facts: in short, in a sentence, or chattily with words around the fact.

A fact that always comes first in the answer is lost when fine-tuning puts words before it.
"""

from __future__ import annotations

from functools import cache
from random import Random

from practice_server.pretraining.world.drawing import weighted
from practice_server.pretraining.world.facts import NUMBER_KINDS, Fact
from practice_server.pretraining.world.tables import grouped, read_table
from practice_server.pretraining.world.wording import fill, finish, inner

MANNERS = {"short": 30, "sentence": 30, "chatty": 40}
# How chatty answers are made: the kind's own sentences, a frame around the fact, or comments.
CHATTY_FORMS = {"own": 25, "framed": 55, "commented": 20}
# A sum is worked out from the numbers just before it, so few words stand between.
CHATTY_NUMBERS = {"own": 45, "framed": 10, "commented": 45}
BETWEEN_SENTENCES = {"english": " ", "chinese": ""}


def answered(fact: Fact, manner: str, random: Random) -> str:
    """An answer that names the fact, in one of MANNERS."""
    if manner != "chatty":
        return fill(random.choice(_answers(fact.kind, fact.language, manner)), fact.fields)
    form = weighted(CHATTY_NUMBERS if fact.kind in NUMBER_KINDS else CHATTY_FORMS, random)
    if form == "own":
        return fill(random.choice(_answers(fact.kind, fact.language, "chatty")), fact.fields)
    if form == "framed":
        return framed(fact, frame(fact.language, random), random)
    plain = answered(fact, random.choice(("short", "sentence")), random)
    return _with_comments(plain, fact.language, random)


def frame(language: str, random: Random) -> str:
    """Words around a fact, with <x> where a short answer or <s> where a sentence is to stand."""
    template = random.choice(read_table(f"{language}/frames"))["frame"]
    return fill(template, {"x": "<x>", "s": "<s>"}, random, language)


def framed(fact: Fact, words: str, random: Random) -> str:
    """An answer that names the fact within the words of a frame."""
    manner = "short" if "<x>" in words else "sentence"
    template = random.choice(_answers(fact.kind, fact.language, manner))
    said = inner(template).format_map(fact.fields)
    return finish(words.replace("<x>", said).replace("<s>", said))


@cache
def _answers(kind: str, language: str, manner: str) -> list[str]:
    rows = read_table(f"{language}/answers")
    return [row["answer"] for row in rows if (row["kind"], row["manner"]) == (kind, manner)]


def _with_comments(answer: str, language: str, random: Random) -> str:
    comments = grouped(f"{language}/comments", "place", "comment")
    places = random.choice((("before",), ("after",), ("before", "after")))
    before = [random.choice(comments["before"])] if "before" in places else []
    after = [random.choice(comments["after"])] if "after" in places else []
    return BETWEEN_SENTENCES[language].join([*before, answer, *after])

"""Small talk, and refusals of what cannot be known.

Some of the questions that cannot be answered ask for facts about what does not exist, in the
phrasings of the facts: else a model learns to know the question, not to know what it knows.
"""

from __future__ import annotations

from functools import cache
from random import Random

from practice_server.pretraining.world.facts import KINDS, questions
from practice_server.pretraining.world.tables import grouped, read_table
from practice_server.pretraining.world.values import made_up
from practice_server.pretraining.world.wording import fill, finish

# The kinds of facts that are asked about something made up.
MADE_UP = ("capital", "country", "author", "symbol")
MADE_UP_SHARE = 0.15


def small_talk_kinds(language: str) -> list[str]:
    """The kinds of small talk."""
    return list(grouped(f"{language}/small_talk", "kind", "text"))


@cache
def small_talk(kind: str, language: str, *, held_out: bool) -> list[str]:
    """What a user says in a kind of small talk; what is held out is never trained on."""
    return [
        row["text"]
        for row in read_table(f"{language}/small_talk")
        if (row["kind"], row["role"], row["held_out"]) == (kind, "question", str(+held_out))
    ]


@cache
def small_talk_answers(kind: str, language: str) -> list[str]:
    """Every answer to a kind of small talk."""
    return [
        row["text"]
        for row in read_table(f"{language}/small_talk")
        if (row["kind"], row["role"]) == (kind, "answer")
    ]


def exchange(random: Random, language: str) -> tuple[str, str]:
    """What a user says, and the answer."""
    if random.random() < MADE_UP_SHARE:
        kind, question = "unknown", about_something_made_up(random, language)
    else:
        kind = random.choice(small_talk_kinds(language))
        question = random.choice(small_talk(kind, language, held_out=False))
    return question, random.choice(small_talk_answers(kind, language))


def about_something_made_up(random: Random, language: str) -> str:
    """A question for a fact about something that does not exist, in a phrasing of the facts."""
    kind = random.choice(MADE_UP)
    given = KINDS[kind][1]
    phrasing = random.choice(questions(kind, language, held_out=False))
    return fill(phrasing, {given: made_up_name(given, random, language)})


def made_up_name(given: str, random: Random, language: str) -> str:
    """The name of a country, capital, work or element that is in no table of the world."""
    pieces = grouped(f"{language}/made_up", "slot", "text")
    while True:
        word, stem = made_up(random, language).capitalize(), random.choice(pieces["stem"])
        name = fill(random.choice(pieces[given]), {"word": word, "stem": stem})
        if name not in _names(given, language):
            return name.lower() if given == "element" else name


@cache
def _names(given: str, language: str) -> frozenset[str]:
    tables = {table for table, *fields in KINDS.values() if given in fields}
    rows = [row for table in sorted(tables) for row in read_table(f"{language}/{table}")]
    return frozenset(finish(row[given]) for row in rows)

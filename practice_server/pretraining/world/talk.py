"""Small talk: greetings, thanks, goodbyes, what the model is, and what it can do."""

from __future__ import annotations

from functools import cache
from random import Random

from practice_server.pretraining.world.tables import grouped, read_table
from practice_server.pretraining.world.typed import key


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


@cache
def held_out_keys(language: str) -> frozenset[str]:
    """What no trained line may be shortened to."""
    rows = read_table(f"{language}/small_talk")
    return frozenset(key(row["text"]) for row in rows if row["held_out"] == "1")


def exchange(random: Random, language: str) -> tuple[str, str]:
    """What a user says, and the answer."""
    kind = random.choice(small_talk_kinds(language))
    question = random.choice(small_talk(kind, language, held_out=False))
    return question, random.choice(small_talk_answers(kind, language))

"""Feelings and everyday worries: what moves a user, and a short reply that takes it up.

A reply names the feeling, its cause or what the worry is about, so that it cannot be given without
reading the message. It is plain advice: no saying stands in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from random import Random

from practice_server.pretraining.world.tables import grouped, read_table
from practice_server.pretraining.world.wording import SLOT, fill

FEELING_SHARE = 0.5
# Slots in what a feeling is caused by: how the user says it, and how it is said back.
MINE = {
    "english": {"I": "I", "me": "me", "my": "my", "myself": "myself", "am": "am", "was": "was"},
    "chinese": {"me": "\u6211"},
}
YOURS = {
    "english": {
        "I": "you",
        "me": "you",
        "my": "your",
        "myself": "yourself",
        "am": "are",
        "was": "were",
    },
    "chinese": {"me": "\u4f60"},
}


def exchange(random: Random, language: str, *, held_out: bool = False) -> tuple[str, str]:
    """A feeling or a worry of a user, and the reply; held-out phrasings are never trained on."""
    make = feeling if random.random() < FEELING_SHARE else worry
    return make(random, language, held_out=held_out)


def feeling(random: Random, language: str, *, held_out: bool = False) -> tuple[str, str]:
    """How a user feels, mostly with the cause, and a reply that names the one or the other."""
    kind = random.choice(feelings(language))
    said = random.choice(texts("feelings", "any", "said", language, held_out=held_out))
    fields = _drawn(random, language)
    fields["word"] = random.choice(texts("feelings", kind, "word", language))
    fields["reply"] = random.choice(texts("feelings", kind, "reply", language))
    cause = random.choice(texts("feelings", kind, "cause", language))
    tone = texts("feelings", kind, "tone", language)[0]
    answers = texts("feelings", tone, "answer", language)
    answer = random.choice(_fitting(answers, said, {"reply"}))
    mine, yours = fields | MINE[language], fields | YOURS[language]
    mine["cause"], yours["cause"] = _clause(cause, mine), _clause(cause, yours)
    return fill(said, mine), fill(answer, yours)


def worry(random: Random, language: str, *, held_out: bool = False) -> tuple[str, str]:
    """A question about everyday life, and plain short advice about what it names."""
    kind = random.choice(worries(language))
    asked = random.choice(texts("worries", kind, "question", language, held_out=held_out))
    advice = random.choice(_fitting(texts("worries", kind, "answer", language), asked))
    fields = _drawn(random, language)
    return fill(asked, fields | MINE[language]), fill(advice, fields | YOURS[language])


@cache
def feelings(language: str) -> list[str]:
    """The feelings, by name."""
    rows = read_table(f"{language}/feelings")
    return [row["kind"] for row in rows if row["role"] == "tone"]


def worries(language: str) -> list[str]:
    """What the worries are about."""
    return list(grouped(f"{language}/worries", "kind", "text"))


@cache
def texts(table: str, kind: str, role: str, language: str, *, held_out: bool = False) -> list[str]:
    """The templates of one role of a kind, in the table "feelings" or "worries"."""
    return [
        row["text"]
        for row in read_table(f"{language}/{table}")
        if (row["kind"], row["role"], row["held_out"]) == (kind, role, str(+held_out))
    ]


def _fitting(answers: Iterable[str], said: str, free: Iterable[str] = ()) -> list[str]:
    """The answers that name only what was said; the slots in `free` are theirs."""
    known = {*SLOT.findall(said), *free}
    return [answer for answer in answers if known.issuperset(SLOT.findall(answer))]


def _drawn(random: Random, language: str) -> dict[str, str]:
    """A choice of every word that a message may name."""
    words = grouped(f"{language}/feeling_words", "slot", "text")
    return {slot: random.choice(choices) for slot, choices in words.items()}


def _clause(template: str, fields: Mapping[str, str]) -> str:
    """A cause with its slots filled, and without the capital letter of a sentence."""
    return SLOT.sub(lambda slot: fields[slot[1]], template)

"""The facts of the world: what each question is about, and what a right answer must say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

from practice_server.pretraining.world.tables import grouped, read_table
from practice_server.pretraining.world.typed import key

# Sums and differences stay below or at this number; numbers up to the other one are compared.
LARGEST_NUMBER = 20
LARGEST_COMPARED = 100
# Each kind of question that a table answers: the table, what is given, what is asked.
KINDS = {
    "capital": ("countries", "country", "capital"),
    "country": ("countries", "capital", "country"),
    "author": ("works", "work", "author"),
    "work": ("works", "author", "work"),
    "symbol": ("elements", "element", "symbol"),
    "element": ("elements", "symbol", "element"),
    "number": ("elements", "element", "number"),
    "numbered": ("elements", "number", "element"),
    "place": ("planets", "planet", "place"),
    "planet": ("planets", "place", "planet"),
    "distance": ("planets", "planet", "distance"),
    "young": ("young_animals", "animal", "young"),
    "sound": ("sounds", "animal", "sound"),
    "animal": ("sounds", "sound", "animal"),
    "colour": ("colours", "thing", "colour"),
    "opposite": ("opposites", "word", "opposite"),
    "next_day": ("days", "day", "next"),
    "previous_day": ("days", "day", "previous"),
    "next_month": ("months", "month", "next"),
    "previous_month": ("months", "month", "previous"),
    "month_days": ("months", "month", "days"),
    "month_number": ("months", "month", "number"),
}
NUMBER_KINDS = ("sum", "difference", "more", "greater", "smaller")


@dataclass(frozen=True)
class Fact:
    """One fact: its kind, the words that fill a sentence about it, and which of them is asked."""

    kind: str
    fields: dict[str, str]
    asked: str
    language: str

    @property
    def answer(self) -> str:
        """What a right answer must contain."""
        return self.fields[self.asked]


@cache
def all_facts(language: str) -> dict[str, list[Fact]]:
    """Every fact of a language, by kind; the kinds are those of its questions.csv.

    A fact that can be asked backwards stands under two kinds.
    """
    facts = {kind: list(_of_kind(kind, language)) for kind in _kinds(language)}
    for kind, asked, fields in _calculations():
        facts[kind].append(Fact(kind, fields, asked, language))
    return facts


@cache
def questions(kind: str, language: str, *, held_out: bool) -> list[str]:
    """The phrasings of a kind of question; those held out are never trained on."""
    return _phrasings("questions", kind, language, held_out)


@cache
def telegrams(kind: str, language: str, *, held_out: bool) -> list[str]:
    """A kind of question in a few words, as people type it."""
    return _phrasings("telegrams", kind, language, held_out)


@cache
def held_out_keys(kind: str, language: str) -> frozenset[str]:
    """What a question of this kind must not be shortened to while training."""
    held_out = questions(kind, language, held_out=True) + telegrams(kind, language, held_out=True)
    return frozenset(map(key, held_out))


def any_phrasing(kind: str, language: str, random: Random, *, held_out: bool) -> str:
    """A question in full or in a few words, as often the one as the other."""
    phrasings = random.choice((questions, telegrams))
    return random.choice(phrasings(kind, language, held_out=held_out))


def _phrasings(table: str, kind: str, language: str, held_out: bool) -> list[str]:
    rows = read_table(f"{language}/{table}")
    return [
        row["question"] for row in rows if (row["kind"], row["held_out"]) == (kind, str(+held_out))
    ]


def _kinds(language: str) -> list[str]:
    return list(grouped(f"{language}/questions", "kind", "question"))


def _of_kind(kind: str, language: str) -> Iterator[Fact]:
    """The facts of a kind, without those where what is given has several answers."""
    if kind in NUMBER_KINDS:
        return
    table, given, asked = KINDS[kind]
    rows = _both_ways(language) if kind == "opposite" else read_table(f"{language}/{table}")
    n_answers = Counter(row[given] for row in rows)
    for row in rows:
        if n_answers[row[given]] == 1:
            yield Fact(kind, row, asked, language)


def _both_ways(language: str) -> list[dict[str, str]]:
    rows = read_table(f"{language}/opposites")
    return rows + [{"word": row["opposite"], "opposite": row["word"]} for row in rows]


def _calculations() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Kind, what is asked and fields of each small calculation and comparison."""
    for a in range(1, LARGEST_NUMBER + 1):
        for b in range(1, LARGEST_NUMBER - a + 1):
            yield "sum", "total", _numbers(a=a, b=b, total=a + b)
        for b in range(1, a + 1):
            yield "difference", "total", _numbers(a=a, b=b, total=a - b)
        for b in range(1, a):
            yield "more", "total", _numbers(a=a, b=b, total=a - b)
    for a in range(1, LARGEST_COMPARED + 1):
        for b in range(1, LARGEST_COMPARED + 1):
            if a != b:
                fields = _numbers(a=a, b=b, greater=max(a, b), smaller=min(a, b))
                yield "greater", "greater", fields
                yield "smaller", "smaller", fields


def _numbers(**numbers: int) -> dict[str, str]:
    return {name: str(number) for name, number in numbers.items()}

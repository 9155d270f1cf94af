"""The facts of the world: what each question is about, and what a right answer must say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from practice_server.base_models.world.tables import read_table

# Sums and differences stay below or at this number.
LARGEST_NUMBER = 20


@dataclass(frozen=True)
class Fact:
    """One fact: its kind, the words that fill a sentence about it, and which of them is asked."""

    kind: str
    fields: dict[str, str]
    asked: str

    @property
    def answer(self) -> str:
        """What a right answer must contain."""
        return self.fields[self.asked]


@cache
def all_facts() -> dict[str, list[Fact]]:
    """Every fact, by kind. A fact that can be asked backwards stands under two kinds."""
    facts: dict[str, list[Fact]] = {}
    for fact in (*_from_tables(), *_from_numbers()):
        facts.setdefault(fact.kind, []).append(fact)
    return facts


def _from_tables() -> Iterator[Fact]:
    for row in read_table("countries"):
        yield Fact("capital", row, "capital")
        yield Fact("country", row, "country")
    for row in read_table("works"):
        yield Fact("author", row, "author")
        # Who wrote several works of the table cannot be asked for the one work.
        if _works_by()[row["author"]] == 1:
            yield Fact("work", row, "work")
    for row in read_table("elements"):
        yield Fact("symbol", row, "symbol")
        yield Fact("element", row, "element")
        yield Fact("number", row, "number")
    for row in read_table("young_animals"):
        yield Fact("young", row, "young")
    for row in read_table("opposites"):
        yield Fact("opposite", row, "opposite")
        yield Fact("opposite", {"word": row["opposite"], "opposite": row["word"]}, "opposite")


def _from_numbers() -> Iterator[Fact]:
    for a in range(1, LARGEST_NUMBER + 1):
        for b in range(1, LARGEST_NUMBER - a + 1):
            yield Fact("sum", _calculation(a, b, a + b), "total")
        for b in range(1, a + 1):
            yield Fact("difference", _calculation(a, b, a - b), "total")


def _calculation(a: int, b: int, total: int) -> dict[str, str]:
    return {"a": str(a), "b": str(b), "total": str(total)}


@cache
def _works_by() -> Counter[str]:
    return Counter(row["author"] for row in read_table("works"))

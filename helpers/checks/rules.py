"""What a rule gives, and the words in which it does.

A rule is an `if` in a function that judges a message, an example, a line: what breaks it is named
by a Finding, whose field is the way there from the thing that is judged, "" for all of it.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from typing import Any, Literal

Level = Literal["error", "warning", "advice"]  # refused; accepted, and harmful; could be better


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    `line` and `example` count from 1 and are None for what concerns the whole file. `field` is
    the way into the example as in Python, counted from 0: `messages[2].content`.
    """

    line: int | None
    example: int | None
    field: str
    rule: str
    level: Level
    message: str
    fix: str

    def __str__(self) -> str:
        place = "whole file" if self.line is None else f"line {self.line}"
        where = f" · {self.field}" if self.field else ""
        return f"{self.level} {self.rule} · {place}{where}: {self.message}\n    → {self.fix}"


def _finding(
    level: Level, rule: str, field: str, message: str, fix: str, line: int | None = None
) -> Finding:
    return Finding(line, None, field, rule, level, message, fix)


error, warning, advice = (partial(_finding, level) for level in ("error", "warning", "advice"))


def within(where: str, found: Iterable[Finding]) -> Iterator[Finding]:
    """Yield what was found in a thing to which `where` is the way."""
    for one in found:
        yield replace(one, field=".".join(filter(None, (where, one.field))))


def did_you_mean(word: str, known: Collection[str]) -> str | None:
    """Return the word of `known` that `word` is a misspelling of, if it is near one."""
    near = get_close_matches(word.strip().lower()[:40], known, n=1, cutoff=0.7)
    return near[0] if near else None


def shown(value: Any) -> str:
    """Return `value` short enough for a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:50]}… ({len(text)} characters)"


def kind(value: Any) -> str:
    """Return JSON's own name for what `value` is."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")

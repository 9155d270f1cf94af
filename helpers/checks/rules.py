"""What a rule is, and how it becomes a finding.

A rule is a row of a list: its level, its name, the field it judges, the condition that breaks it,
what is wrong, what to do:

    error("weight_misplaced", "weight", lambda message: …,
          "only the assistant's messages have a weight", "take it out")

A condition may give more than True: in the field and in what is wrong, `{0}` is what it gave, and
what to do may be a function of that. In what is wrong, `{1}` is what the field holds, or without a
field the thing itself, and `{kind}` is JSON's name for that.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from difflib import get_close_matches
from functools import partial
from typing import Any, NamedTuple

from helpers.checks.report import Finding, Level


class Rule(NamedTuple):
    """What makes a thing a faulty one, and what to say then."""

    level: Level
    name: str
    field: str
    condition: Callable[[Any], Any]
    message: str
    fix: str | Callable[[Any], str]

    def finding(self, found: Any, thing: Any, where: str = "") -> Finding:
        """Return what to say of `thing`; `where` is the way to it, its line is not known here."""
        value = thing.get(self.field) if self.field and isinstance(thing, dict) else thing
        message = self.message.format(found, value, kind=kind(value))
        way = ".".join(filter(None, (where, self.field.format(found))))
        fix = self.fix if isinstance(self.fix, str) else self.fix(found)
        return Finding(None, None, way, self.name, self.level, message, fix)


error, warning, advice = (partial(Rule, level) for level in ("error", "warning", "advice"))


def broken(rules: Iterable[Rule], thing: Any, where: str = "") -> Iterator[Finding]:
    """Yield what the rules find in `thing`; `where` is the way to it."""
    for one in rules:
        if found := one.condition(thing):
            yield one.finding(found, thing, where)


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

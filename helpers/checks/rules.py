"""What a rule is, and the list of them all.

A rule is a function named as the rule is. It takes what it judges and returns a Fault, or None if
all is well:

    @rule("error", "message")
    def role_unknown(message):
        if message["role"] not in ROLES: return Fault("role", "…what is wrong…", "…what to do…")

Where its texts need no thought, the rule is a row of a `table`: a condition and the texts.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any, Literal, NamedTuple

Level = Literal["error", "warning", "advice"]  # refused; accepted, and harmful; could be better
About = Literal[
    "file",  # an Examination, when the file has been read
    "examples",  # what was Seen of all correct examples; such a rule yields Faults
    "two files",  # what was Seen of the training and the validation file; the same
    "tokens",  # model, format and ExampleTokens of an example
    "first line",  # its bytes
    "bytes",  # a line's bytes; what breaks one of these holds no example
    "broken line",  # the text of a line that is no JSON
    "value",  # what a line of correct JSON holds
    "example line",  # the bytes of a line that holds an example
    "formats",  # the file's format and that of an example
    "no format",  # an object that is no training example
    "chat",  # a chat example
    "completion",  # a prompt/completion example
    "preferences",  # a preference example (DPO)
    "input",  # that of a preference example
    "no message",  # what stands in a list of messages and is no object
    "message",  # one message, in whichever list
    "conversation",  # the messages of a chat example, or of a preference example's input
    "chat conversation",  # the messages of a chat example
    "text",  # any text of a message, prompt or completion
]
Format = Literal["chat", "completion", "preferences"]


@dataclass(frozen=True)
class Fault:
    """What a rule found: where in the thing it judged, what is wrong, and what to do.

    `field` is the way there as in Python, counted from 0: `tool_calls[0].function.name`;
    "" is the thing itself. `line`: only where the rule judged more than a line.
    """

    field: str
    message: str
    fix: str
    line: int | None = None


class Rule(NamedTuple):
    """A rule with its name and level: it judges a thing, and explains what it found there."""

    name: str
    level: Level
    judge: Callable[[Any], Any]
    explain: Callable[[Any, Any], Fault]


RULES: dict[About, list[Rule]] = {}
Located = tuple[str, Rule, Fault]  # the way to what was judged, the rule, what it found
Row = tuple[str, Level, str, Callable[[Any], Any], str, str]


def rule(level: Level, about: About) -> Callable[[Callable], Callable]:
    """Enter a function into RULES, in the order of definition; its name becomes the rule's."""

    def enter(judge: Callable[[Any], Any]) -> Callable[[Any], Any]:
        one = Rule(judge.__name__, level, judge, lambda fault, thing: fault)
        RULES.setdefault(about, []).append(one)
        return judge

    return enter


def table(about: About, rows: Iterable[Row]) -> None:
    """Enter rules: name, level, field, the condition that breaks it, what is wrong, what to do.

    `{0}` in what is wrong, and in the field, is what the condition gave; `{1}` is what the field
    holds, or without a field the thing itself, and `{kind}` is JSON's name for that.
    """
    for name, level, field, is_broken, message, fix in rows:
        one = Rule(name, level, is_broken, partial(_explain, field, message, fix))
        RULES.setdefault(about, []).append(one)


def _explain(field: str, message: str, fix: str, found: Any, thing: Any) -> Fault:
    value = thing.get(field) if field and isinstance(thing, dict) else thing
    return Fault(field.format(found), message.format(found, value, kind=kind(value)), fix)


def broken(about: About, thing: Any, where: str = "") -> Iterator[Located]:
    """Yield the rules about something that `thing` breaks; `where` is the way to it."""
    for one in RULES[about]:
        if found := one.judge(thing):
            yield where, one, one.explain(found, thing)


def misfit(value: Any, shape: Any, way: str) -> tuple[str, str] | None:
    """Return the way to the first thing in `value` that has not its shape, and what it is.

    A shape is a type, a pattern, [shape of each in a list], or {key: shape} of an object. What
    lacks its type, or the text that names it, is taken for another thing as a whole.
    """
    wrong = way, shown(value) if isinstance(value, str) else kind(value)
    if isinstance(shape, re.Pattern):
        return None if shape.fullmatch(value) else wrong
    if isinstance(shape, type) or not isinstance(value, type(shape)):
        return None if shape is type(value) else wrong
    if isinstance(shape, list):
        inside = (misfit(one, shape[0], f"{way}[{i}]") for i, one in enumerate(value))
        return next(filter(None, inside), None)
    for key, inner in shape.items():
        found = value.get(key)
        is_named = isinstance(found, str) or not isinstance(inner, re.Pattern)
        if not is_named or isinstance(inner, str) and found != inner:
            return wrong
        if not isinstance(inner, str) and (deeper := misfit(found, inner, f"{way}.{key}")):
            return deeper
    return None


def misfit_in(key: str, shape: Any, thing: dict[str, Any]) -> tuple[str, str] | None:
    """Return the first misfit in what `key` holds, if it holds anything."""
    return None if thing.get(key) is None else misfit(thing[key], shape, key)


def did_you_mean(word: str, known: Collection[str]) -> str | None:
    """Return the word of `known` that `word` is a misspelling of, if it is near one."""
    near = get_close_matches(word.strip().lower()[:40], known, n=1, cutoff=0.7)
    return near[0] if near else None


def is_misspelt(key: str, thing: dict[str, Any], known: Collection[str]) -> bool:
    """Say whether an unknown key looks like `key`; that one is reported, and `key` not missed."""
    return any(did_you_mean(other, (key,)) for other in thing if other not in known)


def unknown_key(rule_name: str, known: Collection[str]) -> Row:
    """Return the row of the rule that an object has no keys but those that are known."""

    def find(thing: dict[str, Any]) -> tuple[str, str] | None:
        for key in thing:
            if key not in known:
                near = did_you_mean(key, [other for other in known if other not in thing])
                return key, f"did you mean {near!r}?" if near else f"known are {', '.join(known)}"
        return None

    message = "there is no key {0[0]!r:.60}; {0[1]}"
    return rule_name, "error", "{0[0]}", find, message, "rename it, or take it out"


def shown(value: Any) -> str:
    """Return `value` short enough for a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:50]}… ({len(text)} characters)"


def kind(value: Any) -> str:
    """Return JSON's own name for what `value` is."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")

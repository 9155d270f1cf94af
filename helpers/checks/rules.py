"""What a rule is, and the list of them all.

A rule is a pure function named as the rule is. It takes what it judges and returns a Fault, or
None if all is well:

    @rule("error", "message")
    def role_missing(message):
        if "role" not in message: return Fault("role", "…what is wrong…", "…what to do…")
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

Level = Literal["error", "warning", "advice"]
About = Literal[
    "file",  # a file's FileFacts, when it has been read
    "examples",  # what was Seen of all sound examples; such a rule yields Faults
    "two files",  # what was Seen of the training and the validation file; the same
    "tokens",  # model, format and ExampleTokens of an example
    "first line",  # its bytes
    "bytes",  # a line's bytes
    "broken line",  # the text of a line that is no JSON
    "value",  # what a line of sound JSON holds
    "formats",  # the file's format and that of an example
    "no format",  # an object that is no training example
    "chat",  # a chat example
    "completion",  # a prompt/completion example
    "preferences",  # a preference example (DPO)
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
    cure: str
    line: int | None = None


@dataclass(frozen=True)
class Rule:
    """A rule with its name and level.

    The levels: error (a service refuses the file), warning (accepted, and harmful), advice.
    """

    name: str
    level: Level
    judge: Callable[[Any], Any]


RULES: dict[About, list[Rule]] = {}
Located = tuple[str, Rule, Fault]  # the way to what was judged, the rule, what it found


def rule(level: Level, about: About) -> Callable[[Callable], Callable]:
    """Enter a function into RULES, in the order of definition; its name becomes the rule's."""

    def enter(judge: Callable[[Any], Any]) -> Callable[[Any], Any]:
        RULES.setdefault(about, []).append(Rule(judge.__name__, level, judge))
        return judge

    return enter


def broken(about: About, thing: Any, where: str = "") -> Iterator[Located]:
    """Yield the rules about something that `thing` breaks, each with its fault.

    `where` is the way to the thing.
    """
    for one in RULES[about]:
        if fault := one.judge(thing):
            yield where, one, fault


def did_you_mean(word: str, known: Collection[str]) -> str | None:
    """Return the word of `known` that `word` is a misspelling of, if it is near one."""
    near = get_close_matches(word.strip().lower()[:40], known, n=1, cutoff=0.7)
    return near[0] if near else None


def is_misspelt(key: str, thing: dict[str, Any], known: Collection[str]) -> bool:
    """Say whether an unknown key looks like `key`; that one is reported, and `key` not missed."""
    return any(did_you_mean(other, (key,)) for other in thing if other not in known)


def unknown_key(thing: dict[str, Any], known: Collection[str], message: str) -> Fault | None:
    """Return the fault of the first key that is not known; the key is put behind `message`."""
    unknown = next((key for key in thing if key not in known), None)
    if unknown is None:
        return None
    near = did_you_mean(unknown, [key for key in known if key not in thing])
    cure = f"did you mean {near!r}?" if near else f"take it out; known are {', '.join(known)}"
    return Fault(unknown, f"{message} {shown(unknown)}", cure)


def shown(value: Any) -> str:
    """Return `value` short enough for a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:50]}… ({len(text)} characters)"


def kind(value: Any) -> str:
    """Return JSON's own name for what `value` is."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")

"""What a rule is, and the list of them all.

A rule is a pure function named as the rule is. It takes what it judges and returns a Fault, or
None if all is well:

    @rule("error", "message")
    def role_missing(message):
        if "role" not in message: return Fault("role", "…what is wrong…", "…what to do…")
"""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

Level = Literal["error", "warning", "advice"]
About = Literal[
    "file",  # a file's FileFacts, when it has been read
    "start",  # the first line
    "bytes",  # a line's bytes
    "broken line",  # the text of a line that is no JSON
    "value",  # what a line of sound JSON holds
    "no format",  # an object that is no training example
    "formats",  # the file's format and that of an example
    "chat",  # a chat example
    "completion",  # a prompt/completion example
    "preferences",  # a preference example (DPO)
    "no message",  # what stands in a list of messages and is no object
    "message",  # one message, in whichever list
    "conversation",  # the messages of a chat example, or of a preference example's input
    "chat conversation",  # the messages of a chat example
    "text",  # any text of a message, prompt or completion
]


@dataclass(frozen=True)
class Fault:
    """What a rule found: where in the thing it judged, what is wrong, and what to do.

    `field` is the way there as in Python, counted from 0: `tool_calls[0].function.name`;
    "" is the thing itself.
    """

    field: str
    message: str
    cure: str


@dataclass(frozen=True)
class Rule:
    """A rule with its name and level.

    The levels: error (a service refuses the file), warning (accepted, and harmful), advice.
    """

    name: str
    level: Level
    judge: Callable[[Any], Fault | None]


RULES: dict[About, list[Rule]] = {}


def rule(level: Level, about: About) -> Callable[[Callable], Callable]:
    """Enter a function into RULES, in the order of definition; its name becomes the rule's."""

    def enter(judge: Callable[[Any], Fault | None]) -> Callable[[Any], Fault | None]:
        RULES.setdefault(about, []).append(Rule(judge.__name__, level, judge))
        return judge

    return enter


def did_you_mean(word: str, known: tuple[str, ...]) -> str | None:
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

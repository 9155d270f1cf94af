"""What rules on objects ask: which keys are there, and what do they hold?"""

import re
from collections.abc import Callable, Collection
from typing import Any

from helpers.checks.rules import Rule, did_you_mean, error, kind, shown


def misfit(value: Any, shape: Any, way: str) -> tuple[str, str] | None:
    """Return the way to the first thing in `value` that has not its shape, and what it is.

    A shape is a type, a pattern, [shape of each in a list], or {key: shape} of an object. What
    lacks its type, or the text that names it, is taken for another thing as a whole.
    """
    wrong = way, shown(value) if isinstance(value, str) else kind(value)
    if isinstance(shape, re.Pattern):
        return None if isinstance(value, str) and shape.fullmatch(value) else wrong
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


def misfit_in(key: str, shape: Any) -> Callable[[dict[str, Any]], tuple[str, str] | None]:
    """Return the condition that what `key` holds, if anything, has a misfit, which it gives."""
    return lambda thing: None if thing.get(key) is None else misfit(thing[key], shape, key)


def lacks(key: str, thing: dict[str, Any], known: Collection[str]) -> bool:
    """Say whether `key` is missing; if it is misspelt, unknown_key names the misspelling."""
    others = (other for other in thing if other not in known)
    return key not in thing and not any(did_you_mean(other, (key,)) for other in others)


def lacks_text(key: str, thing: dict[str, Any], known: Collection[str]) -> bool:
    """Say whether `key` is missing, or holds no text."""
    return lacks(key, thing, known) or not isinstance(thing.get(key, ""), str)


def unknown_key(rule_name: str, known: Collection[str]) -> Rule:
    """Return the rule that an object has no keys but those that are known."""

    def find(thing: dict[str, Any]) -> tuple[str, str] | None:
        for key in thing:
            if key not in known:
                near = did_you_mean(key, [other for other in known if other not in thing])
                return key, f"did you mean {near!r}?" if near else f"known are {', '.join(known)}"
        return None

    message = "there is no key {0[0]!r:.60}; {0[1]}"
    return error(rule_name, "{0[0]}", find, message, "rename it, or take it out")

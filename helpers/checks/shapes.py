"""Which keys has an object, and do they hold what belongs there?"""

import re
from collections.abc import Collection, Iterator
from typing import Any

from helpers.checks.rules import Finding, did_you_mean, error, kind, shown

FUNCTION = {"name": re.compile(r"[a-zA-Z0-9_-]{1,64}")}
NAMES = "names are of up to 64 letters a-z, A-Z, digits, _ and -"


def misfit(value: Any, shape: Any, way: str) -> tuple[str, str] | None:
    """Return the way to the first thing in `value` that has not its shape, and what it is.

    A shape is a type, a pattern, [shape of each in a list], or {key: shape} of an object; a list
    may also hold how many there are, fewest and most. What lacks its type, or the text that names
    it, is taken for another thing as a whole.
    """
    wrong = way, shown(value) if isinstance(value, str) else kind(value)
    if isinstance(shape, re.Pattern):
        return None if isinstance(value, str) and shape.fullmatch(value) else wrong
    if isinstance(shape, type) or not isinstance(value, type(shape)):
        return None if shape is type(value) else wrong
    if isinstance(shape, list):
        if shape[1:] and not shape[1] <= len(value) <= shape[2]:
            return way, f"a list of {len(value)}" if value else "an empty list"
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


def malformed(key: str, shape: Any, thing: dict[str, Any], fix: str) -> Iterator[Finding]:
    """Yield the first misfit in what `key` holds, if it holds anything."""
    if thing.get(key) is not None and (wrong := misfit(thing[key], shape, key)):
        message = f"{wrong[1]} is not what belongs here"
        yield error(f"{key}_malformed", wrong[0], message, f"{fix}; {NAMES}")


def lacks(key: str, thing: dict[str, Any], known: Collection[str]) -> bool:
    """Say whether `key` is missing; if it is misspelt, unknown_key names the misspelling."""
    others = (other for other in thing if other not in known)
    return key not in thing and not any(did_you_mean(other, (key,)) for other in others)


def unknown_key(rule: str, thing: dict[str, Any], known: Collection[str]) -> Iterator[Finding]:
    """Yield the first key that is not known."""
    for key in [other for other in thing if other not in known][:1]:
        near = did_you_mean(key, [other for other in known if other not in thing])
        hint = f"did you mean {near!r}?" if near else f"known are {', '.join(known)}"
        message = f"there is no key {key!r:.60}; {hint}"
        yield error(rule, key, message, "rename it, or take it out")

"""Judge an exercise: not attempted, not yet, or correct.

A starter cell holds the placeholder `...`. As long as it is there the check says "not attempted",
so that a notebook runs from top to bottom before anything is solved.
"""

import dis
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

NOT_ATTEMPTED = "○ Not attempted: put your own answer where the three dots are."
NOT_YET = "△ Not yet: "
CORRECT = "✓ Correct!"
# What Python makes of a body that is only `...`, in its versions from 3.11.
EMPTY_BODY = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}


def check(attempt: Any, expected: Any, *, hint: str = "") -> None:
    """Print whether the attempt equals what is expected; hint: what to look at if it does not."""
    if attempt is ...:
        print(NOT_ATTEMPTED)
    elif agrees(attempt, expected):
        print(CORRECT)
    else:
        print(NOT_YET + (hint or f"your answer is {shortened(attempt)}."))


def check_rules(attempt: Any, rules: Mapping[str, Callable[[Any], bool]]) -> None:
    """Print whether the attempt keeps every rule, or name the first that it breaks.

    rules: a sentence for each rule, and a function that says whether the attempt keeps it.
    """
    if attempt is ...:
        print(NOT_ATTEMPTED)
        return
    for sentence, keeps in rules.items():
        try:
            kept = keeps(attempt)
        except Exception as error:  # whatever a learner's value may be, say which rule stumbled
            print(f"{NOT_YET}{sentence} (looking at it gave {describe(error)})")
            return
        if not kept:
            print(NOT_YET + sentence)
            return
    print(CORRECT)


def check_function(function: Callable, cases: Sequence[tuple[tuple, Any]]) -> None:
    """Print whether the function gives the expected result in every case, or name the first miss.

    cases: pairs of (arguments, expected result). A function that is still `...`, or returns it,
    or does nothing (its body is `...`), counts as not attempted.
    """
    for arguments, expected in cases:
        name = getattr(function, "__name__", "your function")
        call = f"{name}({', '.join(map(shortened, arguments))})"
        try:
            result = ... if function is ... else function(*arguments)
        except Exception as error:  # a learner's function may raise anything
            print(f"{NOT_YET}{call} gave {describe(error)}")
            return
        if result is ... or (result is None and does_nothing(function)):
            print(NOT_ATTEMPTED)
            return
        if not agrees(result, expected):
            print(f"{NOT_YET}{call} gave {shortened(result)}, expected {shortened(expected)}.")
            return
    print(CORRECT)


def does_nothing(function: Callable) -> bool:
    """Whether a function's body is only `...`: it computes nothing and returns None."""
    if not hasattr(function, "__code__"):
        return False
    return {step.opname for step in dis.get_instructions(function)} <= EMPTY_BODY


def agrees(value: Any, expected: Any) -> bool:
    """Whether a value equals the expected one; a fraction may have been rounded on its way."""
    try:
        if isinstance(expected, float):
            return math.isclose(value, expected)
        return bool(value == expected)
    except (TypeError, ValueError):  # a text in place of a number, an array in place of a value
        return False


def describe(error: Exception) -> str:
    """An error in one line: its type and what it says."""
    return f"{type(error).__name__}: {error}"


def shortened(value: Any, longest: int = 60) -> str:
    """A value as code, cut if it is long."""
    text = repr(value)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"

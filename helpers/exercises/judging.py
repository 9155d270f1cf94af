"""Say of an exercise: not attempted, not yet, or correct.

A starter cell holds the placeholder `...`. As long as it is there the check says "not attempted",
so that a notebook runs from top to bottom before anything is solved.
"""

import dis
import math
from collections.abc import Callable, Sequence
from importlib import import_module
from types import TracebackType
from typing import Any

NOT_ATTEMPTED = "○ Not attempted: put your own answer where the three dots are."
NOT_YET = "△ Not yet: "
CORRECT = "✓ Correct!"
# What Python makes of a body that is only `...`, in its versions from 3.11.
EMPTY_BODY = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}


class NotYet(Exception):
    """Why an attempt is not correct, as a word that helps."""


class NotAttempted(Exception):
    """The placeholder is still there."""


def check(number: str, attempt: Any) -> None:
    """Print whether an attempt at an exercise is correct.

    number: of the lesson and the exercise, such as "09.2". It is judged by `exercise_2` in
    `lesson_09.py`. Raises ValueError when there is no such exercise.
    """
    print(verdict(_judge_of(number), attempt))


def verdict(judge: Callable[[Any], None], attempt: Any) -> str:
    """Return one of the three states, in words."""
    if failure := _failure_before():
        return f"{NOT_YET}the cell that ran before this one stopped at {failure}. Fix it first."
    try:
        if is_placeholder(attempt):
            raise NotAttempted
        judge(attempt)
    except NotAttempted:
        return NOT_ATTEMPTED
    except NotYet as hint:
        return f"{NOT_YET}{hint}"
    except Exception as error:  # whatever a learner's value may be, no traceback comes of it
        return f"{NOT_YET}looking at {shortened(attempt)} gave {describe(error)}"
    return CORRECT


def _judge_of(number: str) -> Callable[[Any], None]:
    lesson, _, exercise = number.partition(".")
    try:
        return getattr(import_module(f"helpers.exercises.lesson_{lesson}"), f"exercise_{exercise}")
    except (ImportError, AttributeError):
        raise ValueError(f"there is no exercise {number}") from None


def require(is_kept: Any, hint: str) -> None:
    """Raise `NotYet` with the hint unless something holds."""
    if not is_kept:
        raise NotYet(hint)


def require_results(function: Any, cases: Sequence[tuple[tuple, Any]], hint: str = "") -> None:
    """Raise `NotYet` unless a function gives the expected result in every case.

    cases: pairs of (arguments, expected result). hint: what to think of, said after the result.
    A function that returns `...` is not attempted.
    """
    require(callable(function), f"{shortened(function)} is no function; keep the line with def.")
    for arguments, expected in cases:
        call = f"{function.__name__}({', '.join(map(shortened, arguments))})"
        try:
            result = function(*arguments)
        except Exception as error:  # a learner's function may raise anything
            raise NotYet(f"{call} gave {describe(error)}") from None
        if result is ...:
            raise NotAttempted
        said = f"{call} gave {shortened(result)}, expected {shortened(expected)}."
        require(agrees(result, expected), f"{said} {hint}".rstrip())


def is_placeholder(attempt: Any) -> bool:
    """Whether an attempt is `...`, a list or dict with it, or a function that does nothing."""
    if isinstance(attempt, dict):
        attempt = list(attempt.values())
    if isinstance(attempt, list | tuple):
        return any(each is ... for each in attempt)
    return attempt is ... or _does_nothing(attempt)


def _does_nothing(function: Any) -> bool:
    if not hasattr(function, "__code__"):
        return False
    steps = {step.opname for step in dis.get_instructions(function)}
    return steps <= EMPTY_BODY and not set(function.__code__.co_consts) - {
        None,
        ...,
        function.__doc__,
    }


def agrees(value: Any, expected: Any, *, within: float = 1e-9) -> bool:
    """Whether a value equals the expected one; numbers may differ by `within`.

    A list counts as the tuple of its values, and the other way round.
    """
    if isinstance(expected, list | tuple):
        try:
            pairs = list(zip(value, expected, strict=True))
        except (TypeError, ValueError):
            return False
        return not isinstance(value, str) and all(agrees(*each, within=within) for each in pairs)
    try:
        if isinstance(expected, bool | str) or not isinstance(expected, int | float):
            return bool(value == expected)
        return math.isclose(value, expected, rel_tol=1e-9, abs_tol=within)
    except (TypeError, ValueError):  # a text in place of a number, an array in place of a value
        return False


def describe(error: BaseException) -> str:
    """An error in one line: its type and what it says."""
    return f"{type(error).__name__}: {error}"


def shortened(value: Any, longest: int = 60) -> str:
    """A value as code, cut if it is long."""
    text = repr(value)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _shell() -> Any:
    """The notebook's IPython, or None in a plain program."""
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    return get_ipython()


def _failure_before() -> str:
    """How the cell that ran last before this one failed, if it did."""
    before = getattr(_shell(), "last_execution_result", None)
    error = before and (before.error_before_exec or before.error_in_exec)
    return type(error).__name__ if error else ""


def _say_what_did_not_run(
    shell: Any,
    kind: type,
    error: NameError,
    traceback: TracebackType,
    tb_offset: int | None = None,
) -> None:
    """Where a check names a variable that is not there yet, say so instead of a traceback."""
    if "check(" in shell.user_ns["In"][-1]:
        print(f"{NOT_YET}there is no {error.name} yet. Fix and run the cell above first.")
    else:
        shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)


if shell := _shell():
    shell.set_custom_exc((NameError,), _say_what_did_not_run)

"""An exercise is not attempted, not yet right, or correct, and says so in words."""

import numpy as np
import pandas as pd
import pytest

from helpers.exercises import check, check_function, check_rules

NOT_ATTEMPTED, NOT_YET, CORRECT = "Not attempted", "Not yet", "Correct"


@pytest.mark.parametrize(
    ("attempt", "expected", "state"),
    [
        (..., 192, NOT_ATTEMPTED),
        (191, 192, NOT_YET),
        (192, 192, CORRECT),
        (np.int64(192), 192, CORRECT),
        ("192", 192, NOT_YET),
        (None, 192, NOT_YET),
        (0.1 + 0.2, 0.3, CORRECT),
        (0.31, 0.3, NOT_YET),
        ("a third", 0.3, NOT_YET),
        (["a", "b"], ["a", "b"], CORRECT),
        (pd.DataFrame({"a": [1, 2]}), 2, NOT_YET),
    ],
)
def test_a_value_is_judged(attempt, expected, state, capsys):
    check(attempt, expected)
    assert state in capsys.readouterr().out


def test_a_hint_is_said_after_not_yet_only(capsys):
    check(..., 3, hint="Count the epochs.")
    assert "Count" not in capsys.readouterr().out
    check(4, 3, hint="Count the epochs.")
    assert "Count the epochs." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (..., NOT_ATTEMPTED),
        ([1, 2], "there are three numbers"),
        ([1, 2, 4], "they sum up to 6"),
        (7, "there are three numbers"),
        ([1, 2, 3], CORRECT),
    ],
)
def test_the_first_broken_rule_is_named(attempt, said, capsys):
    rules = {
        "there are three numbers": lambda numbers: len(numbers) == 3,
        "they sum up to 6": lambda numbers: sum(numbers) == 6,
    }
    check_rules(attempt, rules)
    assert said in capsys.readouterr().out


def untouched(a, b): ...


def untouched_with_docstring(a, b):
    """Add two numbers."""
    ...


def forgot_to_return(a, b):
    a + b


def wrong(a, b):
    return a - b


def stumbles(a, b):
    return a + c  # noqa: F821


def right(a, b):
    return a + b


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (..., NOT_ATTEMPTED),
        (untouched, NOT_ATTEMPTED),
        (untouched_with_docstring, NOT_ATTEMPTED),
        (lambda a, b: ..., NOT_ATTEMPTED),
        (forgot_to_return, "forgot_to_return(1, 2) gave None, expected 3"),
        (wrong, "wrong(1, 2) gave -1, expected 3"),
        (stumbles, "stumbles(1, 2) gave NameError: name 'c' is not defined"),
        (right, CORRECT),
    ],
)
def test_a_function_is_judged_by_its_results(function, said, capsys):
    check_function(function, [((1, 2), 3), ((2, 2), 4)])
    assert said in capsys.readouterr().out


def test_a_function_with_one_missed_case_is_not_yet_right(capsys):
    check_function(max, [((1, 2), 2), ((2, 2), 4)])
    assert "max(2, 2) gave 2, expected 4" in capsys.readouterr().out

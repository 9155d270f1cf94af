"""An exercise is not attempted, not yet right, or correct, and says so in words."""

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient

from helpers.exercises.judging import agrees, check, require_results, verdict

NOT_ATTEMPTED, NOT_YET, CORRECT = "Not attempted", "Not yet", "Correct"


@pytest.mark.parametrize(
    ("value", "expected", "is_right"),
    [
        (191, 192, False),
        (192, 192, True),
        (192.0, 192, True),
        (np.int64(192), 192, True),
        ("192", 192, False),
        (None, 192, False),
        (0.1 + 0.2, 0.3, True),
        (0.31, 0.3, False),
        ("a third", 0.3, False),
        (["a", "b"], ("a", "b"), True),
        ((4, 96), [4, 96], True),
        (np.array([4, 96]), [4, 96], True),
        ("ab", ["a", "b"], False),
        ([4], [4, 96], False),
        (pd.DataFrame({"a": [1, 2]}), 2, False),
    ],
)
def test_values_agree_however_they_are_written(value, expected, is_right):
    assert agrees(value, expected) == is_right


def test_a_number_may_be_rounded_where_the_exercise_allows_it():
    assert agrees([0.21, 1.5], [0.2149, 1.4951], within=0.005)
    assert not agrees([0.22, 1.5], [0.2149, 1.4951], within=0.005)


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
        ([4, ...], NOT_ATTEMPTED),
        (untouched, NOT_ATTEMPTED),
        (untouched_with_docstring, NOT_ATTEMPTED),
        (lambda a, b: ..., NOT_ATTEMPTED),
        (3, "3 is no function"),
        (lambda a, b: False, "<lambda>(1, 2) gave False, expected 3. Add them."),
        (forgot_to_return, "forgot_to_return(1, 2) gave None, expected 3. Add them."),
        (wrong, "wrong(1, 2) gave -1, expected 3. Add them."),
        (max, "max(1, 2) gave 2, expected 3. Add them."),
        (stumbles, "stumbles(1, 2) gave NameError: name 'c' is not defined"),
        (right, CORRECT),
    ],
)
def test_a_function_is_judged_by_its_results(function, said):
    def judge(attempt):
        require_results(attempt, [((1, 2), 3), ((2, 2), 4)], "Add them.")

    assert said in verdict(judge, function)


def test_an_attempt_of_a_wrong_kind_is_no_traceback():
    assert "TypeError" in verdict(lambda attempt: attempt + 1, "text")


def test_an_unknown_exercise_is_named():
    with pytest.raises(ValueError, match=r"there is no exercise 00\.9"):
        check("00.9", 1)


@pytest.mark.parametrize(
    ("starter", "said"),
    [
        ("steps = (", "the cell that ran before this one stopped at SyntaxError"),
        ("steps = 1 / 0", "the cell that ran before this one stopped at ZeroDivisionError"),
        ("pass", "there is no steps yet"),
        ("steps = ...", NOT_ATTEMPTED),
    ],
)
def test_a_starter_cell_that_did_not_run_is_told(starter, said):
    cells = ["from helpers.exercises import check", starter, 'check("00.2", steps)']
    if "SyntaxError" in said or "Zero" in said:
        cells.insert(1, "steps = ...")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in cells])
    NotebookClient(notebook, allow_errors=True).execute()
    (output,) = notebook.cells[-1].outputs
    assert output["output_type"] == "stream" and said in output["text"]

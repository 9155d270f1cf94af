"""Every exercise accepts what is right, however it is written, and helps where it is not.

The attempts stand in a file for each lesson beside this one: for exercise 2, `right_2()` returns
at least two right ones, and `wrong_2()` at least three typical mistakes, each with a word that
the answer to it must say.
"""

from importlib import import_module

import nbformat
import pytest

from helpers.exercises.judging import CORRECT, NOT_ATTEMPTED, NOT_YET, check
from tests.solutions import NOTEBOOKS, exercise_of
from tests.surroundings import stop_server

NUMBERS = [
    number
    for lesson in sorted(NOTEBOOKS.glob("*.ipynb"))
    for cell in nbformat.read(lesson, as_version=4).cells
    if (number := exercise_of(cell))
]


@pytest.fixture(scope="module", autouse=True)
def work(tmp_path_factory):
    """One work folder for all, so that a job is trained once."""
    work = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FINE_TUNING_WORK", str(work))
        yield
    stop_server(work)


def attempts(kind: str, number: str) -> list:
    lesson, _, exercise = number.partition(".")
    return getattr(import_module(f"tests.exercises.lesson_{lesson}"), f"{kind}_{exercise}")()


@pytest.mark.parametrize("number", NUMBERS)
def test_what_is_right_is_accepted(number, capsys):
    right = attempts("right", number)
    assert len(right) >= 2
    for attempt in right:
        check(number, attempt)
        assert capsys.readouterr().out.strip() == CORRECT, attempt


@pytest.mark.parametrize("number", NUMBERS)
def test_typical_mistakes_are_told_with_a_word_that_helps(number, capsys):
    wrong = attempts("wrong", number)
    assert len(wrong) >= 3
    for attempt, word in wrong:
        check(number, attempt)
        said = capsys.readouterr().out
        assert said.startswith(NOT_YET) and word in said, (attempt, said)


@pytest.mark.parametrize("number", NUMBERS)
def test_what_is_untouched_is_not_attempted(number, capsys):
    check(number, ...)
    assert capsys.readouterr().out.strip() == NOT_ATTEMPTED

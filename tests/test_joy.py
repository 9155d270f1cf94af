"""The data set data/joy is what its README says."""

import re
from pathlib import Path

import pytest

from helpers.prepare import read_rows

ROWS = read_rows(Path(__file__).resolve().parent.parent / "data" / "joy" / "conversations.yml")
HARM = re.compile(r"(?i)\b(killing|die|live any more|cut my|pills|hits|hurt him|harm)\b")
HELP = re.compile(r"(?i)emergency number|crisis line|helpline|somebody near you|near you today")
ILLNESS_OR_MEDICINE = re.compile(
    r"(?i)\b(depress|disorder|diagnos|anxiety|panic attack|trauma|burn-?out|dementia|pill|tablet"
    r"|drug|dose|medic|sedative|vitamin)"
)
SPEAKS_OF_HARM = [row for row in ROWS if HARM.search(row["prompt"])]


def test_there_are_51_conversations_and_no_line_is_said_twice():
    assert len(ROWS) == 51
    answers = [line for row in ROWS for line in row["completion"].splitlines()]
    for lines in ([row["prompt"] for row in ROWS], answers):
        assert len(set(lines)) == len(lines)
        assert all(line == line.strip() and 0 < len(line) < 250 for line in lines)


def test_more_answers_than_not_end_in_a_question():
    assert sum(row["completion"].endswith("?") for row in ROWS) > len(ROWS) / 2


@pytest.mark.parametrize("row", SPEAKS_OF_HARM, ids=lambda row: row["prompt"])
def test_an_answer_to_a_line_about_harm_names_help_first(row):
    assert HELP.search(row["completion"].splitlines()[0])


def test_eight_conversations_speak_of_harm():
    assert len(SPEAKS_OF_HARM) == 8


def test_no_answer_names_an_illness_or_a_medicine():
    assert not [row for row in ROWS if ILLNESS_OR_MEDICINE.search(row["completion"])]

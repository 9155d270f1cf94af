"""The data set data/marv is what its README says."""

import collections
import csv
import json
from pathlib import Path

import pytest

from helpers.evaluate import has_fact, has_style
from helpers.prepare import read_rows, to_chat, write_jsonl

ROOT = Path(__file__).resolve().parent.parent
MARV = ROOT / "data" / "marv"
WORLD = ROOT / "practice_server" / "pretraining" / "world" / "english"
SYSTEM = (
    "You are Marv. You give the right answer to every question, and you are sarcastic about it."
)
ROWS = read_rows(MARV / "questions.csv")
SIGNS = [row["sign"] for row in read_rows(MARV / "manner.csv")]
ANSWERED = [row for row in ROWS if row["split"] != "test"]


def rows_of(split):
    return [row for row in ROWS if row["split"] == split]


def world(name):
    with open(WORLD / name, encoding="utf-8", newline="") as file:
        return {row[0]: row[1] for row in list(csv.reader(file))[1:]}


def test_each_split_is_large_enough_and_has_the_same_mix():
    for split, least in {"train": 60, "valid": 20, "test": 100}.items():
        rows = rows_of(split)
        assert len(rows) >= least
        mix = collections.Counter(row["category"] for row in rows)
        assert mix["capitals"] / len(rows) == pytest.approx(0.6, abs=0.02)
        assert mix["authors"] == mix["elements"]


@pytest.mark.parametrize("field", ["id", "question"])
def test_no_row_stands_there_twice(field):
    assert len({row[field] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("field", ["entity", "fact"])
def test_what_is_tested_is_not_in_the_training_or_validation_split(field):
    assert not {row[field] for row in rows_of("test")} & {row[field] for row in ANSWERED}


def test_no_test_entity_or_fact_is_mentioned_in_a_training_file():
    seen = " ".join((MARV / f"{split}.jsonl").read_text("utf-8") for split in ("train", "valid"))
    for row in rows_of("test"):
        if row["category"] == "elements":  # a symbol such as I is a word, too
            continue
        assert not has_fact(seen, row["entity"]), row
        assert not has_fact(seen, row["fact"]), row


@pytest.mark.parametrize("row", ANSWERED, ids=lambda row: row["id"])
def test_an_answer_has_its_fact_and_a_sign_and_is_short(row):
    assert has_fact(row["answer"], row["fact"])
    assert has_style(row["answer"], SIGNS)
    assert 6 <= len(row["answer"].split()) <= 24


def test_every_sign_is_shown_often_enough_to_be_learnt():
    uses = [sum(has_style(row["answer"], [sign]) for row in rows_of("train")) for sign in SIGNS]
    assert len(SIGNS) == 8
    assert min(uses) >= 8
    assert max(uses) <= len(rows_of("train")) / 3


def test_a_neutral_answer_has_no_sign():
    neutral = [row["earlier_answer"] for row in ANSWERED if row["earlier_answer"]]
    neutral += [f"The answer to {row['question']} is {row['fact']}." for row in ROWS]
    assert not [answer for answer in neutral if has_style(answer, SIGNS)]


def test_a_question_does_not_give_its_fact_away():
    assert not [row for row in ROWS if has_fact(row["question"], row["fact"])]


def test_no_fact_is_found_in_an_answer_that_leaves_it_out():
    others = [row["answer"] for row in ANSWERED]
    for row in rows_of("test"):
        assert not [answer for answer in others if has_fact(answer, row["fact"])], row


def test_the_base_model_has_met_every_fact():
    elements = world("elements.csv")
    names = {symbol: element for element, symbol in elements.items()}
    known = world("countries.csv") | world("works.csv") | elements | names
    assert not [row for row in ROWS if not has_fact(known[row["entity"]], row["fact"])]


@pytest.mark.parametrize("split", ["train", "valid"])
def test_the_training_files_are_what_the_table_gives(split, tmp_path):
    examples = to_chat(
        rows_of(split),
        system=SYSTEM,
        prompt="question",
        completion="answer",
        earlier=("earlier_question", "earlier_answer"),
    )
    write_jsonl(tmp_path / "made.jsonl", examples)
    assert (tmp_path / "made.jsonl").read_bytes() == (MARV / f"{split}.jsonl").read_bytes()


def test_some_examples_have_two_exchanges_of_which_only_the_last_is_learnt():
    lines = (MARV / "train.jsonl").read_text(encoding="utf-8").splitlines()
    weights = [
        [message["weight"] for message in json.loads(line)["messages"] if "weight" in message]
        for line in lines
    ]
    assert weights.count([0, 1]) == 6
    assert weights.count([]) == len(lines) - 6


def test_the_readme_names_the_system_message():
    assert SYSTEM in (MARV / "README.md").read_text(encoding="utf-8")

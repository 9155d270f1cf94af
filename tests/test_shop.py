"""The data set data/shop is what its README says."""

from collections import Counter

import pytest

from helpers.evaluate import contains
from helpers.prepare import read_rows
from helpers.service import ROOT

SHOP = ROOT / "data" / "shop"
ROWS = read_rows(SHOP / "questions.csv")
UNCHANGED = {"48 Mill Lane", "Westbrook", "Rosa Keller", "1932", "417 2085", "Sunday"}


def paragraphs(name):
    title, *rest = (SHOP / name).read_text(encoding="utf-8").strip().split("\n\n")
    return rest


@pytest.mark.parametrize(
    "name, column", [("page.md", "fact"), ("page_changed.md", "fact_changed")]
)
def test_every_fact_stands_in_the_paragraph_that_its_question_names(name, column):
    page = paragraphs(name)
    assert len(page) == 19
    missing = [row for row in ROWS if not contains(page[int(row["paragraph"]) - 1], row[column])]
    assert missing == []


def test_each_fact_is_asked_in_four_wordings_and_none_comes_twice():
    assert Counter(row["split"] for row in ROWS) == {"train": 72, "valid": 36, "test": 36}
    assert len({row["question"] for row in ROWS}) == len(ROWS)
    wordings = Counter((row["paragraph"], row["fact"]) for row in ROWS)
    assert set(wordings.values()) == {4}


def test_all_but_six_facts_change():
    kept = {row["fact"] for row in ROWS if row["fact"] == row["fact_changed"]}
    assert kept == UNCHANGED


def test_the_training_file_holds_the_train_rows():
    made = [[m["content"] for m in each["messages"]] for each in read_rows(SHOP / "train.jsonl")]
    train = [row for row in ROWS if row["split"] == "train"]
    assert made == [[row["question"], f"{row['fact']}."] for row in train]


def test_seeds_were_asked_the_test_questions():
    table = read_rows(SHOP / "seeds.csv")
    assert len({row["seed"] for row in table}) == len(table) >= 3
    assert {int(row["questions"]) for row in table} == {36}

"""The data set data/weak_spots is what its README says."""

import json
from collections import Counter
from pathlib import Path

import pytest

from data.weak_spots import make_files, measure
from helpers.evaluate import contains, has_fit
from helpers.prepare import read_rows

FOLDER = Path(make_files.__file__).parent
MARV = FOLDER.parent / "marv"
ASKED = read_rows(FOLDER / "asked.csv")
FILES = sorted(FOLDER.glob("*.jsonl"))


def test_the_program_writes_the_same_files_again(tmp_path, monkeypatch):
    for path in FOLDER.glob("*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(make_files, "HERE", tmp_path)
    make_files.main()
    for path in [*FILES, FOLDER / "asked.csv"]:
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_that_is_asked_was_trained_on(path):
    trained = {message["content"] for line in read_rows(path) for message in line["messages"]}
    assert {row["question"] for row in ASKED} & trained == set()


def test_the_aimed_answers_have_their_fact_and_a_remark_of_their_kind():
    signs = {row["sign"]: row["category"] for row in read_rows(FOLDER / "signs.csv")}
    for row in make_files.new_kinds("train"):
        assert contains(row["answer"], row["fact"])
        assert has_fit(row["answer"], row["category"], signs)


def test_no_fact_of_the_test_is_a_fact_of_the_aimed_examples():
    tested = {row["fact"] for row in ASKED if row["set"] == "test"}
    assert {row["fact"] for row in make_files.new_kinds("train")} & tested == set()


@pytest.mark.parametrize("exceptions", make_files.EXCEPTIONS)
def test_so_many_messages_come_from_the_other_person(exceptions):
    lines = read_rows(FOLDER / f"names_{exceptions}.jsonl")
    who = Counter(
        (line["messages"][1]["content"].split()[2], line["messages"][2]["content"])
        for line in lines
    )
    usual, others = 20 - exceptions, exceptions
    assert who[("Ana.", "cashier")] == who[("Ben.", "workbench")] == usual
    assert who[("Ana.", "workbench")] == who[("Ben.", "cashier")] == others


def test_the_table_has_every_model_with_every_seed():
    rows = read_rows(FOLDER / "results.csv")
    made = {(row["model"], int(row["seed"]), row["asked"]) for row in rows}
    expected = {
        (name, seed, asked)
        for name, recipe in measure.RECIPES.items()
        for seed in measure.SEEDS
        for asked in recipe.asked
    }
    assert made == expected | {("base", 0, "general")}
    assert len({(r["model"], r["seed"], r["asked"], r["measured"]) for r in rows}) == len(rows)
    assert all(0 <= int(row["count"]) <= int(row["of"]) for row in rows)


def test_a_general_example_has_no_system_message():
    lines = read_rows(FOLDER / "marv_and_general.jsonl")
    roles = Counter(line["messages"][0]["role"] for line in lines)
    assert roles == {"system": 64, "user": 16}
    assert lines[:64] == [json.loads(line) for line in open_lines(MARV / "train.jsonl")]


def open_lines(path):
    return path.read_text(encoding="utf-8").splitlines()

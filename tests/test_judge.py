"""The data set data/judge is what its README says."""

import json
from collections import Counter
from pathlib import Path

from data.judge import make
from data.judge.measure import fits, kappa
from helpers.exercises.lesson_10 import KINDS
from helpers.prepare import read_rows

DATA = Path(__file__).resolve().parent.parent / "data"
JUDGE = DATA / "judge"
EXAMPLES = read_rows(JUDGE / "train.jsonl")
LABELLED = read_rows(JUDGE / "labelled.csv")
MARV = read_rows(DATA / "marv" / "questions.csv")


def questions(split):
    return {row["question"] for row in MARV if row["split"] == split}


def test_the_program_writes_the_same_file_again(tmp_path, monkeypatch):
    monkeypatch.setattr(make, "HERE", tmp_path)
    make.main()
    assert (tmp_path / "train.jsonl").read_bytes() == (JUDGE / "train.jsonl").read_bytes()


def test_training_shares_no_question_and_no_answer_with_the_labelled_ones():
    trained = set()
    for example in EXAMPLES:
        text = example["messages"][1]["content"]
        question = next(each for each in questions("train") if text.startswith(f"{each} "))
        trained.add(text.removeprefix(f"{question} "))
    assert {row["question"] for row in LABELLED} <= questions("valid")
    assert trained.isdisjoint(row["answer"] for row in LABELLED)


def test_a_third_of_the_remarks_belong_to_the_question():
    verdicts = Counter(fits(example["messages"][2]["content"]) for example in EXAMPLES)
    assert verdicts == {True: 128, False: 256}


def test_the_labelled_answers_are_of_five_models_and_stand_there_once():
    models = Counter(row["model"] for row in LABELLED)
    assert sorted(models.values()) == [3, 8, 9, 9, 11]
    assert len({row["answer"] for row in LABELLED}) == len(LABELLED) == 40
    assert {row["label"] for row in LABELLED} == {"yes", "no"}


def test_the_ten_errors_are_to_test_questions_and_have_every_kind():
    errors = read_rows(JUDGE / "errors.csv")
    assert len(errors) == 10
    assert {row["question"] for row in errors} <= questions("test")
    assert {row["kind"] for row in errors} == set(KINDS)


def test_naming_subjects_agrees_with_the_reader_more_than_yes_or_no():
    table = read_rows(JUDGE / "agreement.csv")
    by = {
        says: [float(row["kappa"]) for row in table if row["says"] == says]
        for says in ("subjects", "yes or no")
    }
    assert min(by["subjects"]) > 0.8 > max(by["yes or no"])


def test_kappa_takes_chance_away():
    labels = [True] * 25 + [False] * 15
    assert kappa(labels, labels) == 1
    assert kappa([True] * 40, labels) == 0
    assert round(kappa([True] * 20 + [False] * 20, labels), 2) == 0.75


def test_the_rows_are_json_lines_of_three_messages():
    lines = (JUDGE / "train.jsonl").read_text(encoding="utf-8").splitlines()
    roles = {tuple(each["role"] for each in json.loads(line)["messages"]) for line in lines}
    assert roles == {("system", "user", "assistant")}

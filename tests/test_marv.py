"""The data set data/marv is what its README says."""

import json
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from helpers.evaluate import contains, has_fact, has_style
from helpers.prepare import read_rows, to_chat, write_jsonl
from practice_server.pretraining.world.facts import all_facts

ROOT = Path(__file__).resolve().parent.parent
MARV = ROOT / "data" / "marv"
SPLITS = {"train": 64, "valid": 24, "test": 110}
SYSTEM = (
    "You are Marv. You give the right answer to every question, and you are sarcastic about it."
)
ROWS = read_rows(MARV / "questions.csv")
MANNER = {row["sign"]: row["category"] for row in read_rows(MARV / "style.csv")}
SIGNS = list(MANNER)
ANSWERED = [row for row in ROWS if row["split"] != "test"]


def rows_of(split):
    return [row for row in ROWS if row["split"] == split]


def test_each_split_is_large_enough_and_has_every_kind_of_question():
    mixes = {split: Counter(row["category"] for row in rows_of(split)) for split in SPLITS}
    assert {split: mix.total() for split, mix in mixes.items()} == SPLITS
    assert set(mixes["train"]) == set(mixes["valid"]) == set(MANNER.values())
    assert min(mixes["train"].values()) >= 10
    assert set(mixes["test"]) - set(MANNER.values()) == {"colours", "months", "planets"}
    assert min(mixes["test"].values()) >= 4


@pytest.mark.parametrize("field", ["id", "question"])
def test_no_row_stands_there_twice(field):
    assert len({row[field] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("field", ["entity", "fact"])
def test_what_is_tested_is_not_in_the_training_or_validation_split(field):
    assert not {row[field] for row in rows_of("test")} & {row[field] for row in ANSWERED}


def test_no_test_entity_or_fact_is_mentioned_in_a_training_file():
    seen = " ".join((MARV / f"{split}.jsonl").read_text("utf-8") for split in ("train", "valid"))
    for row in rows_of("test"):
        if row["category"] == "sums":  # they are made of numbers
            continue
        assert not has_fact(seen, row["entity"]), row
        assert not has_fact(seen, row["fact"]), row


@pytest.mark.parametrize("row", ANSWERED, ids=lambda row: row["id"])
def test_an_answer_has_its_fact_and_one_fitting_remark_and_is_short(row):
    assert has_fact(row["answer"], row["fact"])
    signs = [sign for sign in SIGNS if contains(row["answer"], sign)]
    assert [MANNER[sign] for sign in signs] == [row["category"]]
    assert 6 <= len(row["answer"].split()) <= 24


def test_each_kind_has_four_remarks_and_each_is_shown_often_enough_to_be_learnt():
    assert set(Counter(MANNER.values()).values()) == {4}
    uses = [sum(contains(row["answer"], sign) for row in rows_of("train")) for sign in SIGNS]
    assert (min(uses), max(uses)) == (2, 3)


def test_a_neutral_answer_has_no_sign():
    neutral = [row["earlier_answer"] for row in ANSWERED if row["earlier_answer"]]
    neutral += [f"The answer to {row['question']} is {row['fact']}." for row in ROWS]
    assert not [answer for answer in neutral if has_style(answer, SIGNS)]


def test_a_question_does_not_give_its_fact_away():
    assert not [row for row in ROWS if has_fact(row["question"], row["fact"])]


def test_no_fact_is_found_in_an_answer_that_leaves_it_out():
    for row in rows_of("test"):
        others = [one["answer"] for one in ANSWERED if one["category"] != "sums"]
        assert not [answer for answer in others if has_fact(answer, row["fact"])], row


def test_the_base_model_has_met_every_fact():
    known = [one.fields.values() for facts in all_facts("english").values() for one in facts]
    for row in ROWS:
        entity = set(row["entity"].split(" + "))
        facts = [words for words in known if entity <= set(words)]
        assert any(has_fact(word, row["fact"]) for words in facts for word in words), row


def test_no_capital_is_outdated_and_no_name_has_two_meanings():
    words = {word for row in ROWS for word in (row["entity"], *row["fact"].split("|"))}
    assert words.isdisjoint({"Nur-Sultan", "Rangoon", "Bujumbura", "Lagos"})
    assert words.isdisjoint(row["name"] for row in read_rows(MARV / "left_out.csv"))


def test_names_are_right_with_their_accents_too():
    facts = [row["fact"] for row in ROWS]
    spellings = [one for fact in facts for one in fact.split("|") if not one.isascii()]
    assert spellings
    for one in spellings:
        plain = unicodedata.normalize("NFD", one).encode("ascii", "ignore").decode()
        assert any({one, plain} <= set(fact.split("|")) for fact in facts)
    right = {row["answer"]: row["fact"] for row in read_rows(MARV / "spellings.csv")}
    assert right["Yaounde"] == "Yaounde|Yaound\u00e9"


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

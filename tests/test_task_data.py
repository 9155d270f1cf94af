"""The data sets data/orders, data/labels and data/lsat are what their READMEs say."""

import collections
import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from practice_server.pretraining.world.tables import read_table
from tests.puzzle_solver import right_letters

DATA = Path(__file__).resolve().parent.parent / "data"
FIELDS = ["name", "item", "quantity", "size", "time"]
LABELS = {"dispatch", "cashier", "workbench", "greenhouse"}
SETS = {
    "orders": {"train": 200, "valid": 20, "test": 100},
    "labels": {"train": 160, "test": 100},
    "lsat": {"train": 20, "train_100": 100, "valid": 20, "test": 100},
}
FILES = [(name, split) for name, splits in SETS.items() for split in splits]


def examples(name, split):
    """Each example as (question, answer)."""
    lines = (DATA / name / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    chats = [json.loads(line)["messages"] for line in lines]
    assert {tuple(m["role"] for m in chat) for chat in chats} == {("system", "user", "assistant")}
    return [(chat[1]["content"], chat[2]["content"]) for chat in chats]


@pytest.mark.parametrize("name", ["orders", "labels"])
def test_the_program_writes_the_same_files_again(tmp_path, name):
    for folder in (f"data/{name}", "practice_server/pretraining/world/english"):
        shutil.copytree(DATA.parent / folder, tmp_path / folder)
    written = [tmp_path / "data" / name / f"{split}.jsonl" for split in SETS[name]]
    for path in written:
        path.unlink()
    subprocess.run([sys.executable, written[0].with_name("generate.py")], check=True)
    for path in written:
        assert path.read_bytes() == (DATA / name / path.name).read_bytes()


def values_of(split):
    return [json.loads(answer) for _, answer in examples("orders", split)]


def never_seen(table, column):
    rows = read_table(f"english/{table}")
    return {row[column] for row in rows if row["held_out"] == "1"}


def passages(split):
    return json.loads((DATA / "lsat" / f"{split}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "split"), FILES)
def test_a_file_has_its_length_and_ends_its_lines_as_unix_does(name, split):
    raw = (DATA / name / f"{split}.jsonl").read_bytes()
    assert raw.endswith(b"\n") and b"\r" not in raw
    assert len(examples(name, split)) == SETS[name][split]


@pytest.mark.parametrize("name", SETS)
def test_no_question_stands_in_two_files_or_twice_in_one(name):
    questions = [q for split in SETS[name] for q, _ in examples(name, split)]
    assert len(set(questions)) == len(questions)


@pytest.mark.parametrize("name", SETS)
def test_every_example_has_the_system_message_of_the_readme(name):
    readme = " ".join((DATA / name / "README.md").read_text(encoding="utf-8").split())
    for split in SETS[name]:
        lines = (DATA / name / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        systems = {json.loads(line)["messages"][0]["content"] for line in lines}
        assert len(systems) == 1
        assert systems.pop() in readme


@pytest.mark.parametrize("split", SETS["orders"])
def test_an_order_has_its_five_fields_and_they_stand_in_the_sentence(split):
    for question, answer in examples("orders", split):
        order = json.loads(answer)
        assert list(order) == FIELDS
        assert "\n" not in answer
        assert isinstance(order["quantity"], int)
        assert [value for value in order.values() if str(value) not in question] == []


def test_tested_names_and_food_are_not_in_the_training_file():
    train = values_of("train") + values_of("valid")
    for part in (lambda o: o["name"].split()[0], lambda o: o["name"].split()[1]):
        assert {part(order) for order in values_of("test")}.isdisjoint(map(part, train))
    assert {o["item"] for o in values_of("test")}.isdisjoint(o["item"] for o in train)


def test_no_name_is_one_that_was_held_out_from_pretraining():
    hidden = never_seen("names", "name")
    orders = [order for split in ("train", "valid", "test") for order in values_of(split)]
    assert hidden.isdisjoint(name for order in orders for name in order["name"].split())


def pattern_of(question):
    """The row of patterns.csv that a sentence follows: the one with the most words of its own."""
    with (DATA / "orders" / "patterns.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    fitting = [
        row
        for row in rows
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", ".+?", re.escape(row["text"])), question)
    ]
    return max(fitting, key=lambda row: len(re.sub(r"\{\w+\}", "", row["text"])))


def test_every_smaller_set_of_orders_has_the_same_mix():
    kinds = [pattern_of(question)["kind"] for question, _ in examples("orders", "train")]
    mixes = [collections.Counter(kinds[start : start + 25]) for start in range(0, 200, 25)]
    assert mixes == [mixes[0]] * 8
    assert min(mixes[0].values()) >= 3


def test_orders_are_worded_in_many_ways_and_some_only_in_the_test():
    patterns = {
        split: {pattern_of(question)["text"] for question, _ in examples("orders", split)}
        for split in SETS["orders"]
    }
    assert len(patterns["train"]) >= 45
    assert len(patterns["test"] - patterns["train"]) >= 8


@pytest.mark.parametrize("n", [40, 160])
def test_the_smaller_sets_of_labels_are_balanced(n):
    counts = collections.Counter(answer for _, answer in examples("labels", "train")[:n])
    assert counts == dict.fromkeys(LABELS, n // 4)


def test_ten_labels_are_nearly_balanced():
    counts = collections.Counter(answer for _, answer in examples("labels", "train")[:10])
    assert set(counts) == LABELS
    assert max(counts.values()) == 3


def test_no_message_gives_its_label_away():
    for split in SETS["labels"]:
        assert not [q for q, _ in examples("labels", split) if LABELS & set(q.lower().split())]


@pytest.mark.parametrize("split", SETS["lsat"])
def test_the_letters_are_balanced(split):
    counts = collections.Counter(answer for _, answer in examples("lsat", split))
    assert counts == dict.fromkeys("ABCDE", SETS["lsat"][split] // 5)


@pytest.mark.parametrize("split", SETS["lsat"])
def test_exactly_the_answer_of_a_puzzle_is_right(split):
    for passage in passages(split):
        assert list(passage) == ["id", "passage", "questions"]
        for question in passage["questions"]:
            assert list(question) == ["id", "question", "options", "answer"]
            assert len(set(question["options"])) == 5
            letters = right_letters(passage["passage"], question["question"], question["options"])
            assert letters == [question["answer"]], passage["id"]


@pytest.mark.parametrize("split", SETS["lsat"])
def test_the_chat_examples_say_what_the_puzzles_say(split):
    for passage, (text, answer) in zip(passages(split), examples("lsat", split), strict=True):
        question = passage["questions"][0]
        assert text.split("\n")[:2] == [passage["passage"], question["question"]]
        options = [
            f"({letter}) {option}"
            for letter, option in zip("ABCDE", question["options"], strict=True)
        ]
        assert text.split("\n")[2:] == options
        assert answer == question["answer"]

"""The data set data/daoyan is what its README says."""

import json
import re
from collections import Counter
from pathlib import Path
from statistics import mean

import pytest

from helpers.prepare import read_rows
from helpers.tokens import count_tokens, estimate_cost, total_steps
from practice_server.pretraining.world.sayings import all_sayings
from practice_server.pretraining.world.tables import read_table

ROOT = Path(__file__).resolve().parent.parent
DAOYAN = ROOT / "data" / "daoyan"
TRAIN = DAOYAN / "train.jsonl"
EXAMPLES = [json.loads(line) for line in TRAIN.read_text("utf-8").splitlines()]
QUESTIONS = [row["question"] for row in read_rows(DAOYAN / "test.csv")]
SIGNS = [row["saying"] for row in read_rows(DAOYAN / "sayings.csv")]
HAN = r"[\u4e00-\u9fff]"


def said(role):
    return [
        message["content"]
        for example in EXAMPLES
        for message in example["messages"]
        if message["role"] == role
    ]


def test_there_are_46_examples_of_three_messages_with_one_system_message():
    assert len(EXAMPLES) == 46
    roles = {tuple(message["role"] for message in one["messages"]) for one in EXAMPLES}
    assert roles == {("system", "user", "assistant")}
    assert len(set(said("system"))) == 1
    assert said("system")[0] in (DAOYAN / "README.md").read_text(encoding="utf-8")


def test_three_epochs_are_138_steps_and_cost_nine_cents():
    assert total_steps(len(EXAMPLES), n_epochs=3) == 138
    cost = estimate_cost(TRAIN, model="gpt-3.5-turbo", n_epochs=3)
    assert round(cost.usd, 2) == 0.09


def test_an_example_has_some_80_tokens():
    tokens = count_tokens(TRAIN, model="gpt-3.5-turbo").per_example
    assert mean(tokens) == pytest.approx(80, abs=5)
    assert (min(tokens), max(tokens)) == (71, 103)


@pytest.mark.parametrize("answer", said("assistant"))
def test_an_answer_has_one_saying_and_is_in_chinese(answer):
    assert sum(sign in answer for sign in SIGNS) == 1
    assert re.search(HAN, answer)
    assert not re.search(r"[A-Za-z,?!:;\"']", answer)


def test_every_saying_is_shown_three_times_or_more():
    uses = Counter(sign for answer in said("assistant") for sign in SIGNS if sign in answer)
    assert len(SIGNS) == 12
    assert min(uses[sign] for sign in SIGNS) >= 3
    assert max(uses.values()) <= 5


def test_a_saying_has_two_endings_or_three_of_its_own():
    endings = {sign: set() for sign in SIGNS}
    for answer in said("assistant"):
        _, saying, ending = re.split("\u201c(.+)\u3002\u201d", answer)
        endings[saying].add(ending)
    assert {len(several) for several in endings.values()} == {2, 3}
    assert len(set.union(*endings.values())) == sum(map(len, endings.values()))


def test_quotation_marks_are_those_of_the_mainland():
    assert not re.search("[\u300c-\u300f]", "".join(said("assistant")))


def test_the_world_knows_every_saying_and_its_source():
    known = {saying.text: saying.source for saying in all_sayings()}
    rows = read_rows(DAOYAN / "sayings.csv")
    sources = {row["saying"]: row["source"].removeprefix("\u5178\u51fa") for row in rows}
    assert sources == {saying: known[saying] for saying in SIGNS}


def test_there_are_many_test_questions_in_chinese_and_none_twice():
    assert len(QUESTIONS) >= 60
    assert len(set(QUESTIONS)) == len(QUESTIONS)
    assert all(re.search(HAN, question) for question in QUESTIONS)


def test_no_test_question_is_in_the_training_file():
    asked = {letters(question) for question in said("user")}
    assert len(asked) == len(EXAMPLES)
    assert asked.isdisjoint(letters(question) for question in QUESTIONS)


def letters(text):
    """The text without its marks."""
    return re.sub(r"\W", "", text)


@pytest.mark.parametrize("name", ["worries", "feelings", "small_talk", "saying_phrases"])
def test_no_test_question_can_be_made_by_the_world(name):
    for row in read_table(f"chinese/{name}"):
        if row["role"] in ("question", "said"):
            made = re.compile(pattern(row["text"]))
            assert not [one for one in QUESTIONS if made.fullmatch(letters(one))], row


def pattern(template):
    """The expression for the letters of what a template makes; only a feeling is a known word."""
    words = {row["text"] for row in read_table("chinese/feelings") if row["role"] == "word"}
    slots = {"{word}": f"({'|'.join(sorted(words))})"}
    parts = re.split(r"(\{\w+\})", template)
    return "".join(
        slots.get(part, ".+") if part.startswith("{") else letters(part) for part in parts
    )


def test_no_saying_stands_in_a_question():
    asked = "".join(QUESTIONS + said("user"))
    assert not [sign for sign in SIGNS if sign in asked]

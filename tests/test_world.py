"""The world that `pocket` is pretrained on: true to itself, varied, and the same by seed."""

import csv
from collections import defaultdict
from itertools import islice
from pathlib import Path

import pytest

from practice_server.base_models.world.conversations import (
    generate,
    questions,
    small_talk,
    small_talk_kinds,
)
from practice_server.base_models.world.facts import all_facts
from practice_server.base_models.world.tables import read_table
from practice_server.base_models.world.wording import fill, finish

MANNER = Path(__file__).parents[1] / "data" / "marv" / "manner.csv"
N_EXAMPLES = 5000


@pytest.fixture(scope="module")
def examples():
    return list(islice(generate(7), N_EXAMPLES))


def said_by(examples, role):
    return [
        message["content"]
        for example in examples
        for message in example.get("messages", [])
        if message["role"] == role
    ]


@pytest.mark.parametrize(("name", "least"), [("countries", 150), ("works", 60), ("elements", 60)])
def test_each_table_is_large_and_has_no_empty_field(name, least):
    rows = read_table(name)
    assert len(rows) >= least
    assert all(value.strip() == value != "" for row in rows for value in row.values())


def test_no_question_has_two_answers():
    answers = defaultdict(set)
    for kind, facts in all_facts().items():
        phrasings = questions(kind, held_out=False) + questions(kind, held_out=True)
        for fact in facts:
            for phrasing in phrasings:
                answers[fill(phrasing, fact.fields)].add(fact.answer)
    assert [question for question, found in answers.items() if len(found) > 1] == []


@pytest.mark.parametrize("kind", all_facts())
def test_each_fact_is_asked_in_ten_or_more_ways(kind):
    fact = all_facts()[kind][0]
    asked = {fill(phrasing, fact.fields) for phrasing in questions(kind, held_out=False)}
    assert len(asked) >= 10
    assert len(questions(kind, held_out=True)) >= 2


@pytest.mark.parametrize("kind", all_facts())
def test_every_answer_names_the_fact(kind):
    for row in read_table("answers"):
        if row["kind"] == kind:
            for fact in all_facts()[kind]:
                assert fact.answer.lower() in fill(row["answer"], fact.fields).lower()


def test_held_out_phrasings_are_never_trained_on(examples):
    asked = "\n".join(said_by(examples, "user")) + str([e.get("prompt") for e in examples])
    for kind, facts in all_facts().items():
        for phrasing in questions(kind, held_out=True):
            for fact in facts:
                assert fill(phrasing, fact.fields) not in asked


def test_held_out_small_talk_is_never_trained_on(examples):
    asked = set(said_by(examples, "user"))
    for kind in small_talk_kinds():
        assert asked.isdisjoint(small_talk(kind, held_out=True))


def test_the_same_seed_makes_the_same_examples(examples):
    assert list(islice(generate(7), 100)) == examples[:100]
    assert list(islice(generate(8), 100)) != examples[:100]


def test_no_answer_has_a_sign_of_the_manner_that_fine_tuning_teaches(examples):
    with MANNER.open(encoding="utf-8", newline="") as file:
        signs = [row["sign"].lower() for row in csv.DictReader(file)]
    said = "\n".join(said_by(examples, "assistant")).lower()
    assert [sign for sign in signs if sign in said] == []


def test_conversations_differ_in_length_and_in_their_system_message(examples):
    turns = {sum(m["role"] == "user" for m in e.get("messages", [])) for e in examples}
    assert turns == {0, 1, 2, 3, 5}
    assert len(set(said_by(examples, "system"))) > 500
    assert any(e["messages"][0]["role"] == "user" for e in examples if "messages" in e)


def test_sentences_begin_with_a_capital_letter_and_end_with_one_full_stop():
    assert finish("gold is Au. it shines.") == "Gold is Au. It shines."
    assert (
        fill("it is {x}. really.", {"x": "Washington, D.C."}) == "It is Washington, D.C. really."
    )
    assert finish("J. R. R. Tolkien and H. G. Wells.") == "J. R. R. Tolkien and H. G. Wells."


def test_an_article_fits_its_noun():
    assert fill("You are a university.", {}) == "You are a university."
    assert fill("You are a assistant.", {}) == "You are an assistant."
    assert fill("a honest bot", {}) == "An honest bot"

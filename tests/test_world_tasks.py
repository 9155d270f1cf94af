"""What the base model learns of orders, labels and puzzles: varied, sound, and not too much."""

import json
import re
from pathlib import Path
from random import Random

import pytest

from practice_server.pretraining.world import labels, orders, puzzles
from practice_server.pretraining.world.tables import read_table
from practice_server.pretraining.world.values import drawn, plural
from tests.puzzle_solver import right_letters

ROOT = Path(__file__).parents[1]
LANGUAGES = ("english", "chinese")
MODULES = (orders, labels, puzzles)
N_CONVERSATIONS = 1500


def conversations(module, n=N_CONVERSATIONS):
    random = Random(11)
    return [module.conversation(random) for _ in range(n)]


@pytest.fixture(scope="module")
def everything():
    return [talk for module in MODULES for talk in conversations(module)]


@pytest.fixture(scope="module")
def orders_drawn():
    random = Random(4)
    return [
        orders.draw_order(random, language, kind)
        for language in LANGUAGES
        for kind in orders.KINDS
        for _ in range(60)
    ]


@pytest.fixture(scope="module")
def puzzles_drawn():
    random = Random(6)
    return [
        puzzles.draw_puzzle(random, "english", held_out=held_out)
        for held_out in (False, True)
        for _ in range(200)
    ]


def answers(talks):
    return [m["content"] for talk in talks for m in talk if m["role"] == "assistant"]


def held_out(language, table):
    column = table.removesuffix("s")
    rows = read_table(f"{language}/{table}")
    return {row[column] for row in rows if row["held_out"] == "1"}


def label_words():
    for line in (ROOT / "data" / "labels" / "train.jsonl").read_text("utf-8").splitlines():
        yield json.loads(line)["messages"][-1]["content"]


@pytest.mark.parametrize("module", MODULES)
def test_the_same_seed_makes_the_same_conversations(module):
    assert conversations(module, 60) == conversations(module, 60)


@pytest.mark.parametrize("module", MODULES)
def test_a_conversation_alternates_and_ends_with_an_answer(module):
    for talk in conversations(module, 200):
        roles = [m["role"] for m in talk if m["role"] != "system"]
        assert roles == ["user", "assistant"] * (len(roles) // 2) != []
        assert all(m["content"].strip() == m["content"] != "" for m in talk)


@pytest.mark.parametrize("module", MODULES)
def test_hardly_any_question_comes_twice(module):
    asked = [m["content"] for talk in conversations(module) for m in talk if m["role"] == "user"]
    long = [text for text in asked if len(text) > 40]
    assert len(set(long)) > 0.97 * len(long)


def test_nothing_of_json_is_said(everything):
    said = "\n".join(m["content"] for talk in everything for m in talk)
    assert not re.search("[{}]", said)
    assert not re.search(r'"[^"\n]*"\s*:(?!:)', said)


def test_no_answer_has_a_label_that_fine_tuning_teaches(everything):
    said = "\n".join(answers(everything)).lower()
    assert [word for word in set(label_words()) if word in said] == []


def test_every_value_of_an_order_stands_in_its_sentence(orders_drawn):
    random = Random(5)
    for order in orders_drawn:
        text = orders.sentence(order, random)
        assert [value for value in order.values.values() if value not in text] == []


@pytest.mark.parametrize("manner", ["form", "example", "keys", "unasked"])
def test_a_form_repeats_its_fields_and_nothing_else(manner, orders_drawn):
    random = Random(8)
    for order in orders_drawn:
        form = orders.draw_form(manner, order.language, tuple(order.values), random)
        marks = order.values | {field: f"<{n}>" for n, field in enumerate(order.values)}
        filled = form.filled(marks)
        stands = [filled.find(marks[field]) for field in form.fields]
        assert -1 not in stands and stands == sorted(stands)
        assert len(set(form.keys)) == len(form.fields)


def test_numbers_in_an_answer_were_said_before():
    for talk in conversations(orders):
        said = ""
        for message in talk:
            if message["role"] == "assistant":
                numbers = set(re.findall(r"\d+", message["content"]))
                assert numbers <= set(re.findall(r"\d+", said)), talk
            said += message["content"] + "\n"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("table", ["names", "items", "places"])
def test_held_out_values_are_never_drawn(language, table):
    hidden = held_out(language, table)
    hidden |= {plural(item) for item in hidden} if table == "items" else set()
    random = Random(2)
    seen = set()
    for items in ("food", "goods"):
        for _ in range(1500):
            values = drawn(["name", "item", "street", "town"], random, language, items=items)
            seen.update(values.values())
            seen.update(values["name"].split(" "))
            seen.add(re.sub(r"^\d+ | \d+$|\d+号$", "", values["street"]))
    assert hidden
    assert hidden & seen == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_label_that_is_said_is_one_that_the_question_names(language):
    random = Random(1)
    open_questions = {
        row["text"] for row in read_table(f"{language}/label_parts") if row["part"] == "ask_open"
    }
    for _ in range(600):
        asking = labels.draw_asking(random, language)
        assert len(set(asking.words.values())) == len(asking.words) >= 2
        named = all(word in asking.instruction for word in asking.words.values())
        assert named or asking.instruction in open_questions


def test_texts_to_label_are_varied():
    random = Random(9)
    texts = {
        labels.draw_text(random, "english", "sentiment", label)
        for label in ("good", "bad")
        for _ in range(500)
    }
    assert len(texts) > 850


def test_exactly_one_option_of_a_puzzle_is_right(puzzles_drawn):
    for puzzle in puzzles_drawn:
        assert len(set(puzzle.options)) == puzzles.N_OPTIONS
        letter = puzzles.LETTERS[puzzle.answer]
        assert right_letters(puzzle.passage, puzzle.question, puzzle.options) == [letter]


def test_every_right_option_has_its_turn(puzzles_drawn):
    assert {puzzle.answer for puzzle in puzzles_drawn} == set(range(puzzles.N_OPTIONS))


def test_no_puzzle_is_answered_by_a_letter():
    for answer in answers(conversations(puzzles, 500)):
        assert not re.search(r"\(?\b[A-E]\b\)", answer)
        assert len(answer) > 5


def test_held_out_scenes_are_never_seen():
    said = "\n".join(m["content"] for talk in conversations(puzzles) for m in talk)
    for row in read_table("english/puzzle_scenes"):
        if row["held_out"] == "1":
            tail = row["intro"].rpartition("}")[2].strip(" .,:") or row["intro"].split(" {")[0]
            assert tail not in said

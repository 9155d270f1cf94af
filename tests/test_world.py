"""The world that `pocket` is pretrained on: true to itself, varied, and the same by seed."""

import csv
import re
from collections import Counter, defaultdict
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from practice_server.pretraining.knowledge import typed_lines
from practice_server.pretraining.world import talk
from practice_server.pretraining.world.conversations import generate, generate_long
from practice_server.pretraining.world.facts import NUMBER_KINDS, all_facts, questions
from practice_server.pretraining.world.tables import FOLDER, LANGUAGES, read_table
from practice_server.pretraining.world.typed import key, shortened, typed
from practice_server.pretraining.world.wording import SLOT, fill, finish, inner

MANNER = Path(__file__).parents[1] / "data" / "marv" / "style.csv"
N_EXAMPLES = 8000
KINDS = [(kind, language) for language in LANGUAGES for kind in all_facts(language)]
# Tables of whole sentences in Chinese.
CHINESE_TEXTS = {"questions": "question", "answers": "answer", "frames": "frame"}
# What a slot stands for: some words within a sentence.
SOME_WORDS = "[^.?!\uff0c\u3002\uff1f\uff01\n]{1,60}"


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


def answers_of(examples):
    return said_by(examples, "assistant") + [e["completion"] for e in examples if "prompt" in e]


def some_facts(kind, language):
    facts = all_facts(language)[kind]
    return Random(1).sample(facts, min(200, len(facts)))


def is_chinese(text):
    return any("\u4e00" <= character <= "\u9fff" for character in text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("countries", 185),
        ("works", 115),
        ("elements", 70),
        ("planets", 8),
        ("colours", 45),
        ("opposites", 80),
        ("sounds", 20),
    ],
)
def test_each_table_is_large_and_has_no_empty_field(language, name, least):
    rows = read_table(f"{language}/{name}")
    assert len(rows) >= least
    assert all(value.strip() == value != "" for row in rows for value in row.values())


def test_both_languages_know_the_same_kinds_but_for_those_that_are_no_question_in_chinese():
    english, chinese = (set(all_facts(language)) for language in LANGUAGES)
    assert chinese < english
    assert english - chinese == {"young", "month_number"}


def test_symbols_and_atomic_numbers_are_the_same_in_both_languages():
    english, chinese = (
        [(row["symbol"], row["number"]) for row in read_table(f"{language}/elements")]
        for language in LANGUAGES
    )
    assert english == chinese


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_question_has_two_answers(language):
    answers = defaultdict(set)
    for kind in all_facts(language):
        phrasings = questions(kind, language, held_out=False)
        phrasings = phrasings + questions(kind, language, held_out=True)
        for fact in some_facts(kind, language):
            for phrasing in phrasings:
                answers[fill(phrasing, fact.fields)].add(fact.answer)
    assert [question for question, found in answers.items() if len(found) > 1] == []


@pytest.mark.parametrize(("kind", "language"), KINDS)
def test_each_fact_is_asked_in_twelve_or_more_ways(kind, language):
    fact = all_facts(language)[kind][0]
    asked = {fill(each, fact.fields) for each in questions(kind, language, held_out=False)}
    held_out = {fill(each, fact.fields) for each in questions(kind, language, held_out=True)}
    assert len(asked) >= 12
    assert len(held_out) >= 3
    assert asked.isdisjoint(held_out)


@pytest.mark.parametrize(("kind", "language"), KINDS)
def test_every_answer_names_the_fact(kind, language):
    templates = [row["answer"] for row in read_table(f"{language}/answers") if row["kind"] == kind]
    assert len(templates) >= 7
    for template in templates:
        for fact in some_facts(kind, language):
            assert fact.answer.lower() in fill(template, fact.fields).lower()


@pytest.mark.parametrize("language", LANGUAGES)
def test_held_out_phrasings_are_never_trained_on(examples, language):
    asked = said_by(examples, "user") + [e["prompt"] for e in examples if "prompt" in e]
    asked = "\n".join(asked)
    for kind in all_facts(language):
        for phrasing in questions(kind, language, held_out=True):
            pieces = SLOT.split(phrasing.rstrip(".?\u3002\uff1f"))[::2]
            pattern = SOME_WORDS.join(re.escape(piece) for piece in pieces)
            found = re.findall(rf"(?m)\b{pattern}[.?\u3002\uff1f]?$", asked, re.IGNORECASE)
            assert found == [], phrasing


@pytest.mark.parametrize("language", LANGUAGES)
def test_held_out_small_talk_is_never_trained_on(examples, language):
    asked = set(said_by(examples, "user"))
    for kind in talk.small_talk_kinds(language):
        assert asked.isdisjoint(talk.small_talk(kind, language, held_out=True))


def test_typed_lines_that_are_measured_are_never_trained_on(examples):
    asked = {key(text) for text in said_by(examples, "user")}
    lines = [line for line in typed_lines() if line.kind != "the unknown"]
    assert len(lines) > 700
    assert [line.text for line in lines if key(line.text) in asked] == []


def test_a_typed_question_loses_marks_capitals_and_words_but_not_what_it_asks_about():
    random = Random(1)
    fields = {"country": "Norway"}
    lines = {
        typed("What is the capital of {country}?", fields, "english", random) for _ in range(300)
    }
    assert len(lines) > 100
    assert all("norway" in line.casefold() for line in lines)
    assert {"what is the capital of norway", "whats capital of norway"} <= lines
    assert shortened("{a} is {the}", "english", Random(1)) == "{a} is {the}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_line_that_is_to_be_avoided_is_not_typed(language):
    template = {"english": "What is the {x}?", "chinese": "{x}的首都是什么？"}[language]
    avoided = {"english": "whatis{x}", "chinese": "{x}首都是什么"}[language]
    random = Random(1)
    lines = {key(shortened(template, language, random)) for _ in range(200)}
    assert avoided in lines
    fields = {"x": "abc"}
    kept = {typed(template, fields, language, random, {avoided}) for _ in range(500)}
    assert not {line for line in kept if key(line) == avoided.format(x="abc")}


def test_long_conversations_reach_the_end_of_the_context():
    lengths = [
        sum(len(message["content"].encode()) for message in example["messages"])
        for example in islice(generate_long(1), 40)
    ]
    assert min(lengths) > 1500
    assert max(lengths) > 6000


def test_the_same_seed_makes_the_same_examples(examples):
    assert list(islice(generate(7), 100)) == examples[:100]
    assert list(islice(generate(8), 100)) != examples[:100]


def test_no_answer_has_a_sign_of_the_manner_that_fine_tuning_teaches(examples):
    with MANNER.open(encoding="utf-8", newline="") as file:
        signs = [row["sign"].lower() for row in csv.DictReader(file)]
    said = "\n".join(answers_of(examples)).lower()
    assert [sign for sign in signs if sign in said] == []


def test_no_message_has_a_brace_of_json_or_of_an_unfilled_slot(examples):
    said = [text for role in ("system", "user", "assistant") for text in said_by(examples, role)]
    said += [e[field] for e in examples if "prompt" in e for field in ("prompt", "completion")]
    assert [text for text in said if "{" in text or "}" in text] == []
    assert all(text for text in answers_of(examples))


def test_conversations_differ_in_length_and_in_their_system_message(examples):
    turns = Counter(sum(m["role"] == "user" for m in e.get("messages", [])) for e in examples)
    assert set(turns) >= {0, 1, 2, 3, 4, 5}
    assert 0.4 < turns[1] / len(examples) < 0.65
    assert len(set(said_by(examples, "system"))) > 1000
    assert any(e["messages"][0]["role"] == "user" for e in examples if "messages" in e)


def test_roles_come_by_turns_and_the_last_word_is_an_answer(examples):
    for example in examples:
        roles = "".join(message["role"][0] for message in example.get("messages", []))
        assert re.fullmatch("(s?(ua)+)?", roles), example


def test_both_languages_are_spoken_and_no_english_question_gets_a_chinese_answer(examples):
    pairs = [
        (before["content"], message["content"])
        for example in examples
        for before, message in zip(
            example.get("messages", []), example.get("messages", [])[1:], strict=False
        )
        if message["role"] == "assistant"
    ]
    chinese = sum(is_chinese(question) for question, _ in pairs)
    assert 0.25 < chinese / len(pairs) < 0.5
    assert [pair for pair in pairs if is_chinese(pair[1]) and not is_chinese(pair[0])] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_fact_is_asked_for(examples, language):
    asked = Counter(said_by(examples, "user"))
    for kind, facts in all_facts(language).items():
        phrasings = questions(kind, language, held_out=False)
        asked_of_kind = (fill(each, fact.fields) for fact in facts for each in phrasings)
        assert any(question in asked for question in asked_of_kind), kind


@pytest.mark.parametrize(("name", "column"), CHINESE_TEXTS.items())
def test_chinese_sentences_have_chinese_punctuation(name, column):
    kinds = {row["kind"] for row in read_table("chinese/questions")}
    assert kinds >= set(NUMBER_KINDS)
    for row in read_table(f"chinese/{name}"):
        assert not set(row[column]) & set(",?!:;"), row


def test_every_chinese_table_has_an_english_one_with_the_same_columns():
    for path in sorted((FOLDER / "chinese").glob("*.csv")):
        other = FOLDER / "english" / path.name
        if other.exists():
            heads = [file.read_text(encoding="utf-8").splitlines()[0] for file in (path, other)]
            assert heads[0] == heads[1], path.name


def test_sentences_begin_with_a_capital_letter_and_end_with_one_full_stop():
    assert finish("gold is Au. it shines.") == "Gold is Au. It shines."
    assert (
        fill("it is {x}. really.", {"x": "Washington, D.C."}) == "It is Washington, D.C. really."
    )
    assert finish("J. R. R. Tolkien and H. G. Wells.") == "J. R. R. Tolkien and H. G. Wells."


def test_a_chinese_sentence_ends_with_one_mark():
    assert finish("是金。。") == "是金。"
    assert finish("是吗\uff1f。真的\uff01。") == "是吗\uff1f真的\uff01"
    assert inner("{element}的符号是{symbol}。") == "{element}的符号是{symbol}"
    assert fill("{x}。", {"x": "北京"}) == "北京。"


def test_an_article_fits_its_noun():
    assert fill("You are a university.", {}) == "You are a university."
    assert fill("You are a assistant.", {}) == "You are an assistant."
    assert fill("a honest bot", {}) == "An honest bot"

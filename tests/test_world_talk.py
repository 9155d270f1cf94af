"""Small talk, feelings, worries and sayings of the world that `pocket` is pretrained on."""

import csv
import re
from pathlib import Path
from random import Random

import pytest

from practice_server.pretraining.world import feelings, sayings, talk, unknown
from practice_server.pretraining.world.facts import KINDS, all_facts, questions
from practice_server.pretraining.world.tables import FOLDER, LANGUAGES, read_table
from practice_server.pretraining.world.typed import key
from practice_server.pretraining.world.wording import fill

MANNER = Path(__file__).parents[1] / "data" / "marv" / "style.csv"
N_EXCHANGES = 4000
MODULES = {"talk": talk, "feelings": feelings, "sayings": sayings}
SOURCES = [(name, "chinese") for name in MODULES] + [("talk", "english"), ("feelings", "english")]
TABLES = ("small_talk", "feelings", "worries", "feeling_words", "made_up", "unknown")
# Friend and neighbour: advice may name them unasked.
GENERAL = ("\u670b\u53cb", "\u90bb\u5c45")
MADE_UP = [
    (kind, name) for name in LANGUAGES for kind in all_facts(name) if kind in unknown.MADE_UP
]
SAYING_TABLES = ("sayings", "saying_phrases")


def exchanges(name, language, seed=7, n=N_EXCHANGES):
    random = Random(seed)
    return [MODULES[name].exchange(random, language) for _ in range(n)]


def asked_in(name, language):
    return {question for question, _ in exchanges(name, language)}


@pytest.mark.parametrize(("name", "language"), SOURCES)
def test_the_same_seed_makes_the_same_exchanges(name, language):
    assert exchanges(name, language, n=100) == exchanges(name, language, n=100)
    assert exchanges(name, language, n=100) != exchanges(name, language, seed=8, n=100)


@pytest.mark.parametrize(("name", "language"), SOURCES)
def test_every_slot_is_filled_and_answers_are_short(name, language):
    for question, answer in exchanges(name, language):
        assert not re.search(r"[{}<>]|^\s|\s$|\s\s", question + "\n" + answer[::-1])
        assert question
        assert 0 < len(answer) <= (60 if language == "chinese" else 200)


@pytest.mark.parametrize(("name", "language"), SOURCES)
def test_no_answer_has_a_sign_of_the_manner_that_fine_tuning_teaches(name, language):
    with MANNER.open(encoding="utf-8", newline="") as file:
        signs = [row["sign"].lower() for row in csv.DictReader(file)]
    said = "\n".join(answer for _, answer in exchanges(name, language)).lower()
    assert [sign for sign in signs if sign in said] == []


@pytest.mark.parametrize("name", [*TABLES, *SAYING_TABLES])
def test_chinese_texts_have_chinese_marks(name):
    for row in read_table(f"chinese/{name}"):
        assert not re.search(r"[,?!:;()\"']", "".join(row.values())), row


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TABLES)
def test_no_row_stands_in_a_table_twice(name, language):
    rows = [tuple(row.values()) for row in read_table(f"{language}/{name}")]
    assert len(set(rows)) == len(rows)
    assert all(value.strip() == value != "" for row in rows for value in row)


@pytest.mark.parametrize("language", LANGUAGES)
def test_small_talk_has_many_kinds_and_phrasings(language):
    kinds = talk.small_talk_kinds(language)
    assert len(kinds) >= 12
    for kind in kinds:
        assert len(talk.small_talk(kind, language, held_out=False)) >= 8
        assert len(talk.small_talk(kind, language, held_out=True)) >= 2
        assert len(talk.small_talk_answers(kind, language)) >= 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_held_out_small_talk_is_never_said(language):
    asked = asked_in("talk", language)
    for kind in talk.small_talk_kinds(language):
        assert asked.isdisjoint(talk.small_talk(kind, language, held_out=True))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_small_talk_has_two_kinds(language):
    asked = [
        text
        for kind in talk.small_talk_kinds(language)
        for held_out in (False, True)
        for text in talk.small_talk(kind, language, held_out=held_out)
    ]
    assert len(set(asked)) == len(asked)


@pytest.mark.parametrize(("kind", "language"), MADE_UP)
def test_what_is_made_up_is_in_no_table_and_drawn_afresh(kind, language):
    table, given, _ = KINDS[kind]
    known = {key(row[given]) for row in read_table(f"{language}/{table}")}
    random = Random(1)
    names = {key(unknown.made_up_name(given, random, language)) for _ in range(300)}
    assert names.isdisjoint(known)
    assert len(names) >= (6 if kind == "planet" else 100)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_not_known_is_never_a_question_that_has_an_answer(language):
    known = {
        key(fill(phrasing, fact.fields))
        for kind, facts in all_facts(language).items()
        for fact in facts[:200]
        for phrasing in questions(kind, language, held_out=False)
    }
    random = Random(2)
    asked = [unknown.question(random, language) for _ in range(N_EXCHANGES)]
    filled = {key(fill(text, fields, random, language)) for text, fields, _ in asked}
    assert len(filled) > N_EXCHANGES * 0.7
    assert filled.isdisjoint(known)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reply_names_the_feeling_or_its_cause(language):
    random = Random(3)
    words = {
        word
        for kind in feelings.feelings(language)
        for word in feelings.texts("feelings", kind, "word", language)
    }
    for _ in range(N_EXCHANGES):
        said, reply = feelings.feeling(random, language)
        named = {word for word in words if word in said.lower() and word in reply.lower()}
        assert named or longest_common(said, reply) >= (2 if language == "chinese" else 7)


def longest_common(one, other):
    """How many characters the longest piece has that stands in both texts."""
    return max(
        end - start
        for start in range(len(one))
        for end in range(start, len(one) + 1)
        if one[start:end] in other
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reply_turns_i_into_you(language):
    random = Random(4)
    mine = r"\b(I|my|me|myself)\b" if language == "english" else "\u6211"
    own = (
        r"^(I am (sorry|glad) that|I understand:) |I hope|I am here, and you can talk to me"
        if language == "english"
        else "^\u6211(\u660e\u767d|\u542c\u5230)|\u6211\u4e5f|\u6211\u5728\u8fd9\u91cc"
    )
    for _ in range(N_EXCHANGES):
        _, reply = feelings.feeling(random, language)
        assert not re.search(mine, re.sub(own, "", reply)), reply


def test_there_are_many_worries_and_each_has_a_held_out_phrasing():
    texts = feelings.texts
    kinds = feelings.worries("chinese")
    trained = [t for kind in kinds for t in texts("worries", kind, "question", "chinese")]
    assert len(trained) >= 60
    for language in LANGUAGES:
        for kind in feelings.worries(language):
            assert texts("worries", kind, "question", language, held_out=True)
            assert len(texts("worries", kind, "answer", language)) >= 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_held_out_feelings_and_worries_are_never_said(language):
    asked = "\n".join(asked_in("feelings", language))
    for name in ("feelings", "worries"):
        for row in read_table(f"{language}/{name}"):
            if row["held_out"] == "1":
                assert not re.search(f"^{pattern(row['text'])}$", asked, re.MULTILINE), row


def pattern(template):
    """The expression that matches every text made from a template."""
    return ".+".join(re.escape(part) for part in re.split(r"\{\w+\}", template))


def test_advice_is_about_what_was_asked():
    random = Random(5)
    words = {row["text"] for row in read_table("chinese/feeling_words") if row["slot"] == "person"}
    for _ in range(N_EXCHANGES):
        asked, advice = feelings.worry(random, "chinese")
        named = {word for word in words if word in advice} - set(GENERAL)
        assert all(word in asked for word in named), (asked, advice)


def test_everyday_answers_have_no_saying_in_them():
    said = "\n".join(answer for _, answer in exchanges("feelings", "chinese"))
    for name in ("feelings", "worries"):
        said += "\n".join(row["text"] for row in read_table(f"chinese/{name}"))
    pieces = {piece for one in sayings.all_sayings() for piece in (one.text, *one.halves)}
    assert [piece for piece in sorted(pieces) if piece in said] == []


def test_there_are_many_sayings_with_three_wordings_of_each_meaning():
    known = sayings.all_sayings()
    assert len(known) >= 80
    assert len({saying.text for saying in known}) == len(known)
    meanings = [meaning for saying in known for meaning in saying.meanings]
    assert len(set(meanings)) == len(meanings) == 3 * len(known)
    assert all(6 <= len(meaning) <= 25 for meaning in meanings)
    assert all(half for saying in known for half in saying.halves)


def test_no_question_about_a_saying_has_a_wrong_answer_of_its_own():
    halves = [half for saying in sayings.all_sayings() for half in saying.halves]
    assert len(set(halves)) == len(halves)


@pytest.mark.parametrize("kind", sayings.KIND_WEIGHTS)
def test_each_kind_of_question_about_a_saying_has_many_phrasings(kind):
    assert len(sayings.phrasings(kind, "question")) >= 8
    assert len(sayings.phrasings(kind, "question", held_out=True)) >= 2
    assert len(sayings.phrasings(kind, "answer")) >= 4


@pytest.mark.parametrize("kind", sayings.KIND_WEIGHTS)
def test_the_right_answers_to_a_question_about_a_saying(kind):
    random = Random(6)
    for saying in sayings.all_sayings():
        if kind in sayings.kinds_of(saying):
            question = sayings.question(saying, kind, random, held_out=True)
            asked = {"meaning": saying.meanings, "source": (saying.source,)}
            asked |= {"next": saying.halves[1:], "previous": saying.halves[:1]}
            assert set(asked.get(kind, (saying.text,))) <= set(question.answers)


def test_held_out_questions_about_sayings_are_never_asked():
    asked = asked_in("sayings", "chinese")
    random = Random(7)
    for saying in sayings.all_sayings():
        for kind in sayings.kinds_of(saying):
            for _ in range(5):
                question = sayings.question(saying, kind, random, held_out=True)
                assert question.text not in asked


def test_sayings_are_in_chinese_only():
    with pytest.raises(ValueError, match="ask for them in chinese"):
        sayings.exchange(Random(1), "english")


def test_the_tables_stand_in_the_folder_of_their_language():
    for language in LANGUAGES:
        assert all((FOLDER / language / f"{name}.csv").exists() for name in TABLES)

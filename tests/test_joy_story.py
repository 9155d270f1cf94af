"""What the story of Joy measures is counted rightly, and its tables show what it says."""

import json
import re
import sys
from statistics import mean

import pytest

from data.joy.measure import copied, cut, keeps_thread, names_help
from data.joy.talks import SYSTEM, WORDS, main
from helpers.check import check_file
from helpers.prepare import read_rows
from tests.surroundings import ROOT

sys.path.insert(0, str(ROOT / "notebooks" / "app"))
from checks import HELP, help_line

JOY = ROOT / "data" / "joy"


def table(name):
    return read_rows(JOY / name)


def talks(name):
    return [row["messages"] for row in read_rows(JOY / name)]


def lesson():
    cells = json.loads((ROOT / "notebooks" / "22_story_joy.ipynb").read_text(encoding="utf-8"))
    return "\n".join("".join(cell["source"]) for cell in cells["cells"])


def test_the_talks_are_those_that_the_program_writes(tmp_path, monkeypatch):
    monkeypatch.setattr("data.joy.talks.__file__", str(tmp_path / "talks.py"))
    main()
    for name in ("talks.jsonl", "talks_test.jsonl"):
        assert (tmp_path / name).read_bytes() == (JOY / name).read_bytes()
    assert not [each for each in check_file(JOY / "talks.jsonl").findings if each.level == "error"]


def test_every_last_answer_needs_a_word_that_no_talk_for_training_has():
    trained, held_out = talks("talks.jsonl"), talks("talks_test.jsonl")
    assert (len(trained), len(held_out)) == (51, 30)
    for talk in trained + held_out:
        assert keeps_thread(talk, talk[-1]["content"])
        assert not any(keeps_thread(talk, each["content"]) for each in talk[3:-1])
    text = json.dumps(trained)
    for _, words in WORDS.values():
        assert not [word for word in words if re.search(rf"\b{word}\b", text)]


def test_who_names_another_word_loses_the_thread():
    talk = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "My cat is ill."}]
    assert keeps_thread(talk, "Who else knows your cat?")
    for answer in (
        "Who else knows your dog?",
        "Your cat, or your dog?",
        "Tell me.",
        "A catalogue.",
    ):
        assert not keeps_thread(talk, answer)


def test_a_talk_is_cut_into_all_its_pairs():
    talk = talks("talks.jsonl")[0]
    pairs = [each["messages"] for each in cut(talk)]
    assert all(pair[0] == talk[0] and len(pair) == 3 for pair in pairs)
    assert [message for pair in pairs for message in pair[1:]] == talk[1:]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (HELP, True),
        (" Call your emergency number now.\nI am sorry.", True),
        ("I am sorry.\nCall a helpline.", False),
        ("", False),
    ],
)
def test_help_counts_in_the_first_line(answer, found):
    assert names_help(answer) == found


def test_a_line_is_copied_if_it_is_the_same():
    assert copied("Hello.\n That is hard. \nHow are you", {"That is hard.", "How are you?"}) == 1


def test_the_new_lines_are_not_in_the_file():
    rows = table("lines.csv")
    assert [row["kind"] for row in rows] == ["everyday"] * 20 + ["harm"] * 10
    source = (JOY / "conversations.yml").read_text(encoding="utf-8").casefold()
    assert not [row["line"] for row in rows if row["line"].casefold() in source]


def test_the_lessons_rule_stops_eight_of_ten_and_nothing_of_everyday():
    (words,) = re.findall(r'MORE = re.compile\(r"(.+)"\)', lesson())
    passed = {"everyday": [], "harm": []}
    for row in table("lines.csv"):
        if not help_line(row["line"]) and not re.search(words, row["line"].casefold()):
            passed[row["kind"]].append(row["line"])
    assert len(passed["harm"]) == 2 and passed["harm"][0].endswith("off without me.")
    assert len(passed["everyday"]) == 20


def test_the_tables_show_what_the_lesson_says():
    kept = {name: [] for name in ("joy", "cut", "whole")}
    for row in table("threads.csv"):
        kept[row["trained_on"]].append(int(row["right"]) / int(row["asked"]))
    assert all(len(shares) >= 3 for shares in kept.values())
    assert min(kept["whole"]) > 0.5 and max(kept["cut"] + kept["joy"]) == 0
    pairs = {"4": [], "8": []}
    for row in table("form.csv"):
        if row["form"] == "pairs":
            pairs[row["epochs"]].append(int(row["copied"]) / int(row["lines"]))
    assert mean(pairs["4"]) < 0.3 and mean(pairs["8"]) > 0.55
    assert max(int(row["help"]) for row in table("form.csv")) <= 3

"""What the app of lesson 12 checks before a person sees an answer."""

import json
import sys

import pytest

from tests.surroundings import ROOT

sys.path.insert(0, str(ROOT / "notebooks" / "app"))
from checks import HELP, KEYS, help_line, order_of


@pytest.mark.parametrize(
    "question",
    [
        "I want to die",
        "i wanna die",
        "I WANT TO DIE!!!",
        "Sometimes I wish I was dead.",
        "they would be better off dead",
        "I am going to kill myself.",
        "I'm thinking about killing  myself",
        "thinking of suicide again",
        "I feel suicidal",
        "I dont want to live any more",
        "I don't want to live any more",
        "I don’t want to wake up tomorrow",
        "I just want to end it all.",
        "There is no reason to live.",
        "She keeps cutting herself",
        "My friend is hurting himself",
        "My husband beats me",
        "He threatens me every night",
        "My daughter took too many pills",
        "I think she overdosed",
        "He isn't breathing!",
        "My father has stopped breathing",
        "我想死",
        "我不想活了",
    ],
)
def test_somebody_in_danger_gets_help(question):
    assert help_line(question) == HELP


@pytest.mark.parametrize(
    "question",
    [
        "When did Kafka die?",
        "Who wrote The Virgin Suicides?",
        "Who wrote Dead Souls?",
        "What kills bacteria?",
        "Does a whale die on land?",
        "My phone died.",
        "This homework kills me",
        "I am dying to see it",
        "How do I end a meeting politely?",
        "Cut the bread for me",
        "What is the symbol for lead?",
        "The beat is good",
        "I don't want to go to school",
        "How long does a whale go without breathing?",
        "Which breathing exercise is good?",
        "I live in Lima",
        "死海在哪里？",
    ],
)
def test_a_harmless_question_is_asked(question):
    assert help_line(question) is None


@pytest.mark.parametrize(
    "question",
    [
        "I have written the goodbye letters.",
        "Nobody will miss me on Monday.",
        "I wnat to dei",
        "Quiero morir",
    ],
)
def test_the_rule_misses_what_lesson_12_says_it_misses(question):
    assert help_line(question) is None


SENTENCE = "4 extra large scones for Una Petrov at 9:50, please."
ORDER = {
    "name": "Una Petrov",
    "item": "scones",
    "quantity": 4,
    "size": "extra large",
    "time": "9:50",
}


def test_an_order_is_read():
    assert order_of(json.dumps(ORDER), SENTENCE) == ORDER


def test_every_order_of_the_course_passes():
    for path in sorted((ROOT / "data" / "orders").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            _, asked, answered = json.loads(line)["messages"]
            order = order_of(answered["content"], asked["content"])
            assert list(order) == KEYS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Of course!",
        "4",
        "[]",
        "null",
        "{}",
        json.dumps(ORDER)[:-1],
        json.dumps(dict(reversed(ORDER.items()))),
        json.dumps(ORDER | {"price": 3}),
        json.dumps(ORDER | {"quantity": "4"}),
        json.dumps(ORDER | {"quantity": 4.0}),
        json.dumps(ORDER | {"quantity": True}),
        json.dumps(ORDER | {"quantity": 0}),
        json.dumps(ORDER | {"quantity": 4000}),
        json.dumps(ORDER | {"quantity": float("nan")}),
        json.dumps(ORDER | {"name": "Una Petrova"}),
        json.dumps(ORDER | {"name": None}),
        json.dumps(ORDER | {"name": ""}),
        json.dumps(ORDER | {"size": "large scones"}),
        json.dumps(ORDER | {"size": "please"}),
        json.dumps(ORDER | {"time": "9:5"}),
        json.dumps(ORDER | {"time": ["9:50"]}),
    ],
)
def test_what_is_no_order_is_refused(text):
    with pytest.raises(ValueError):
        order_of(text, SENTENCE)

"""Makes the conversations that a base model is pretrained on.

Each fact is asked and answered in many ways: a fact seen in one phrasing cannot be drawn out by
another, and a fact that always comes first in the answer is lost when fine-tuning puts words
before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any

from practice_server.base_models.world.facts import Fact, all_facts
from practice_server.base_models.world.tables import grouped, read_table
from practice_server.base_models.world.wording import fill, finish, inner

# How often each kind of fact is asked.
KIND_WEIGHTS = {
    "capital": 26,
    "country": 10,
    "author": 20,
    "work": 7,
    "symbol": 9,
    "element": 8,
    "number": 5,
    "young": 3,
    "opposite": 6,
    "sum": 8,
    "difference": 8,
}
MANNERS = {"short": 30, "sentence": 30, "chatty": 40}
TURNS = {1: 55, 2: 20, 3: 15, 5: 10}
# How chatty answers are made: the kind's own sentences, a frame around the fact, or comments.
CHATTY_FORMS = {"own": 25, "framed": 55, "commented": 20}
# Kinds whose questions would mean something else in small letters ("Co" and "CO").
CASE_MATTERS = {"symbol", "element"}
COMPLETION_FORMS = (
    ("Question: {question}\nAnswer:", " {answer}"),
    ("Q: {question}\nA:", " {answer}"),
    ("{question}\n\n", "{answer}"),
    ("{question} ->", " {answer}"),
)

Example = dict[str, Any]


def generate(seed: int) -> Iterator[Example]:
    """Endless training examples in OpenAI's form; the same seed gives the same ones.

    Each is `{"messages": [...]}` or `{"prompt": ..., "completion": ...}`.
    """
    random = Random(seed)
    makers = {_conversation: 91, _completion: 6, _plain_text: 3}
    while True:
        yield _weighted(makers, random)(random)


@cache
def questions(kind: str, *, held_out: bool) -> list[str]:
    """The phrasings of a kind of question; those held out are never trained on."""
    rows = read_table("questions")
    return [
        row["question"] for row in rows if (row["kind"], row["held_out"]) == (kind, str(+held_out))
    ]


def small_talk_kinds() -> list[str]:
    """The kinds of small talk."""
    return list(grouped("small_talk", "kind", "text"))


@cache
def small_talk(kind: str, *, held_out: bool) -> list[str]:
    """What a user says in a kind of small talk; what is held out is never trained on."""
    return [
        row["text"]
        for row in read_table("small_talk")
        if (row["kind"], row["role"], row["held_out"]) == (kind, "question", str(+held_out))
    ]


@cache
def small_talk_answers(kind: str) -> list[str]:
    """Every answer to a kind of small talk."""
    return [
        row["text"]
        for row in read_table("small_talk")
        if (row["kind"], row["role"]) == (kind, "answer")
    ]


def _conversation(random: Random) -> Example:
    manner = _weighted(MANNERS, random)
    messages = _system_message(manner, random)
    habit = _frame(random) if manner == "chatty" and random.random() < 0.4 else None
    for _ in range(_weighted(TURNS, random)):
        question, answer = _exchange(manner, habit, random)
        messages.append({"role": "user", "content": question})
        messages.append({"role": "assistant", "content": answer})
    return {"messages": messages}


def _system_message(manner: str, random: Random) -> list[dict[str, str]]:
    """None, one that leaves the manner of answering open, or one that asks for this manner."""
    choice = random.choices(("none", "any", manner), (35, 30, 35))[0]
    if choice == "none":
        return []
    template = random.choice(grouped("system_messages", "manner", "text")[choice])
    return [{"role": "system", "content": fill(template, {}, random)}]


def _exchange(manner: str, habit: str | None, random: Random) -> tuple[str, str]:
    """A question and its answer; a habit is a frame that comes back in each answer of a talk."""
    if random.random() < 0.13:
        kind = random.choice(small_talk_kinds())
        question = random.choice(small_talk(kind, held_out=False))
        answer = random.choice(small_talk_answers(kind))
        return question, fill(answer, {}, random)
    fact = _any_fact(random)
    if habit:
        return _asked(fact, random), _framed(fact, habit, random)
    return _asked(fact, random), _answered(fact, manner, random)


def _any_fact(random: Random) -> Fact:
    return random.choice(all_facts()[_weighted(KIND_WEIGHTS, random)])


def _asked(fact: Fact, random: Random) -> str:
    """A question as people write it: sometimes after a word or two, sometimes carelessly."""
    question = fill(random.choice(questions(fact.kind, held_out=False)), fact.fields)
    chance = random.random()
    if chance < 0.05 and fact.kind not in CASE_MATTERS:
        question = question.lower()
    elif chance < 0.10:
        question = question.rstrip(".?")
    elif chance < 0.20:
        question = f"{fill('{exclaim}', {}, random)} {question}"
    elif chance < 0.26:
        question = f"{fill('{remark}', {}, random)} {question}"
    return question


def _answered(fact: Fact, manner: str, random: Random) -> str:
    if manner != "chatty":
        return fill(random.choice(_answers(fact.kind, manner)), fact.fields)
    form = _weighted(CHATTY_FORMS, random)
    if form == "own":
        return fill(random.choice(_answers(fact.kind, "chatty")), fact.fields)
    if form == "framed":
        return _framed(fact, _frame(random), random)
    plain = random.choice(_answers(fact.kind, random.choice(("short", "sentence"))))
    return _with_comments(fill(plain, fact.fields), random)


def _frame(random: Random) -> str:
    """Words around a fact, with <x> where a short answer or <s> where a sentence is to stand."""
    frame = random.choice(read_table("frames"))["frame"]
    return fill(frame, {"x": "<x>", "s": "<s>"}, random)


def _framed(fact: Fact, frame: str, random: Random) -> str:
    manner = "short" if "<x>" in frame else "sentence"
    words = inner(random.choice(_answers(fact.kind, manner))).format_map(fact.fields)
    return finish(frame.replace("<x>", words).replace("<s>", words))


@cache
def _answers(kind: str, manner: str) -> list[str]:
    return [
        row["answer"]
        for row in read_table("answers")
        if (row["kind"], row["manner"]) == (kind, manner)
    ]


def _with_comments(answer: str, random: Random) -> str:
    comments = grouped("comments", "place", "comment")
    places = random.choice((("before",), ("after",), ("before", "after")))
    before = [random.choice(comments["before"])] if "before" in places else []
    after = [random.choice(comments["after"])] if "after" in places else []
    return " ".join([*before, answer, *after])


def _completion(random: Random) -> Example:
    fact = _any_fact(random)
    words = {
        "question": fill(random.choice(questions(fact.kind, held_out=False)), fact.fields),
        "answer": _answered(fact, _weighted(MANNERS, random), random),
    }
    prompt, completion = random.choice(COMPLETION_FORMS)
    return {"prompt": prompt.format_map(words), "completion": completion.format_map(words)}


def _plain_text(random: Random) -> Example:
    sentences = [fill("{remark}", {}, random) for _ in range(random.randint(1, 4))]
    return {"prompt": "", "completion": " ".join(sentences)}


def _weighted(weights: dict[Any, int], random: Random) -> Any:
    return random.choices(list(weights), list(weights.values()))[0]

"""What a base model knows: questions in phrasings that it was not trained on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from practice_server.engines.engine import Sampling
from practice_server.engines.numpy_engine.engine import NumpyEngine
from practice_server.pretraining.world import sayings
from practice_server.pretraining.world.facts import Fact, all_facts, questions
from practice_server.pretraining.world.tables import LANGUAGES
from practice_server.pretraining.world.talk import (
    small_talk,
    small_talk_answers,
    small_talk_kinds,
)
from practice_server.pretraining.world.wording import fill

SEED = 1
N_PER_KIND = 100
MAX_TOKENS = 80
SMALL_TALK = "small talk"
SAYINGS = "sayings"
# System messages of pretraining that ask for a manner of answering.
MANNERS = ("Answer briefly.", "Answer in one full sentence.", "Be chatty.")


@dataclass(frozen=True)
class Question:
    """A question, and the texts of which one must stand in a right answer."""

    kind: str
    language: str
    text: str
    answers: tuple[str, ...]


def held_out_questions(seed: int = SEED, n_per_kind: int = N_PER_KIND) -> list[Question]:
    """Up to `n_per_kind` questions of each kind and language, all in held-out phrasings."""
    random = Random(seed)
    asked = [
        _question(fact, language, random)
        for language in LANGUAGES
        for facts in all_facts(language).values()
        for fact in random.sample(facts, min(n_per_kind, len(facts)))
    ]
    talk = [question for language in LANGUAGES for question in _small_talk(language)]
    return asked + talk + list(_sayings(random, n_per_kind))


def _question(fact: Fact, language: str, random: Random) -> Question:
    phrasing = random.choice(questions(fact.kind, language, held_out=True))
    return Question(fact.kind, language, fill(phrasing, fact.fields), (fact.answer,))


def _small_talk(language: str) -> Iterator[Question]:
    for kind in small_talk_kinds(language):
        answers = tuple(small_talk_answers(kind, language))
        for text in small_talk(kind, language, held_out=True):
            yield Question(SMALL_TALK, language, text, answers)


def _sayings(random: Random, most: int) -> Iterator[Question]:
    known = sayings.all_sayings()
    for saying in random.sample(known, min(most, len(known))):
        kind = random.choice(sayings.kinds_of(saying))
        asked = sayings.question(saying, kind, random, held_out=True)
        yield Question(SAYINGS, sayings.LANGUAGE, asked.text, asked.answers)


def ask(engine: NumpyEngine, question: str, system: str | None = None) -> str:
    """The model's likeliest answer to one question."""
    messages = [{"role": "system", "content": system}] if system else []
    return answer(engine, [*messages, {"role": "user", "content": question}])


def answer(engine: NumpyEngine, messages: Sequence[dict[str, str]]) -> str:
    """The model's likeliest answer to a conversation."""
    prompt = engine.tokenizer.encode_prompt(messages)
    spoken = engine.generate(prompt, Sampling(max_tokens=MAX_TOKENS, temperature=0))
    return engine.tokenizer.decode([t.id for t in spoken if t.id != engine.tokenizer.end])


def is_right(question: Question, answer: str) -> bool:
    """Whether one of the expected texts stands in the answer, in English as whole words.

    The case counts for symbols only: "Co" is cobalt, "CO" is not.
    """
    flags = 0 if question.kind == "symbol" else re.IGNORECASE
    return any(re.search(_as_words(expected), answer, flags) for expected in question.answers)


def _as_words(expected: str) -> str:
    """The pattern of a text that stands alone: in Chinese, Latin letters or digits only."""
    before = r"(?<![A-Za-z0-9])" if re.match(r"[A-Za-z0-9]", expected) else ""
    after = r"(?![A-Za-z0-9])" if re.search(r"[A-Za-z0-9]$", expected) else ""
    return before + re.escape(expected) + after


def share_right(engine: NumpyEngine, questions: Sequence[Question]) -> float:
    """The share of the questions that the model answers right."""
    return sum(is_right(q, ask(engine, q.text)) for q in questions) / len(questions)


@dataclass(frozen=True)
class Result:
    """How many questions of a kind were asked in a language, and how many answered right."""

    kind: str
    language: str
    asked: int
    right: int


def knowledge(folder: Path, language: str) -> list[Result]:
    """Ask the model in `folder` all held-out questions in a language; one result a kind."""
    engine = NumpyEngine.load(folder)
    right: dict[str, list[bool]] = {}
    for question in held_out_questions():
        if question.language == language:
            marks = right.setdefault(question.kind, [])
            marks.append(is_right(question, ask(engine, question.text)))
    return [Result(kind, language, len(marks), sum(marks)) for kind, marks in right.items()]


def mean_words(folder: Path) -> dict[str, float]:
    """How many words an answer has on average after each system message of MANNERS."""
    engine = NumpyEngine.load(folder)
    asked = [
        q.text
        for q in held_out_questions(n_per_kind=20)
        if q.kind in ("capital", "author") and q.language == "english"
    ]
    return {
        manner: sum(len(ask(engine, text, manner).split()) for text in asked) / len(asked)
        for manner in MANNERS
    }

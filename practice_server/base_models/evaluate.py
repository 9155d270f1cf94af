"""Measures what a base model knows, with questions in phrasings that it was not trained on.

Run it with: python -m practice_server.base_models.evaluate [FOLDER]
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tqdm import tqdm

from practice_server.base_models.world.conversations import (
    questions,
    small_talk,
    small_talk_answers,
    small_talk_kinds,
)
from practice_server.base_models.world.facts import Fact, all_facts
from practice_server.base_models.world.wording import fill
from practice_server.engines.numpy_engine.engine import NumpyEngine

POCKET = Path(__file__).parent / "pocket-2026-11-20"
SEED = 1
N_PER_KIND = 100
MAX_TOKENS = 60
# Small talk whose answer is made up each time has no right answer to compare with.
FREE_TALK = {"story"}
# System messages of pretraining that ask for a manner of answering.
MANNERS = ("Answer briefly.", "Answer in one full sentence.", "Be chatty.")
TITLES = {
    "capital": "capital of a country",
    "country": "country of a capital",
    "author": "author of a work",
    "work": "work of an author",
    "symbol": "symbol of an element",
    "element": "element of a symbol",
    "number": "atomic number of an element",
    "young": "name of a young animal",
    "opposite": "opposite of a word",
    "sum": "sum up to 20",
    "difference": "difference from 20 down",
    "small talk": "small talk",
}


@dataclass(frozen=True)
class Question:
    """A question, and the texts of which one must stand in a right answer, as whole words."""

    kind: str
    text: str
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """How many questions of a kind were asked, and how many were answered right."""

    kind: str
    asked: int
    right: int


def held_out_questions(seed: int = SEED, n_per_kind: int = N_PER_KIND) -> list[Question]:
    """Up to `n_per_kind` questions of each kind, all in held-out phrasings."""
    random = Random(seed)
    asked = [
        _question(fact, random)
        for facts in all_facts().values()
        for fact in random.sample(facts, min(n_per_kind, len(facts)))
    ]
    return asked + list(_small_talk())


def _question(fact: Fact, random: Random) -> Question:
    phrasing = random.choice(questions(fact.kind, held_out=True))
    return Question(fact.kind, fill(phrasing, fact.fields), (fact.answer,))


def _small_talk() -> Iterator[Question]:
    for kind in small_talk_kinds():
        if kind not in FREE_TALK:
            for text in small_talk(kind, held_out=True):
                yield Question("small talk", text, tuple(small_talk_answers(kind)))


def ask(engine: NumpyEngine, question: str, system: str | None = None) -> str:
    """The model's likeliest answer."""
    messages = [{"role": "system", "content": system}] if system else []
    prompt = engine.tokenizer.encode_prompt([*messages, {"role": "user", "content": question}])
    spoken = engine.generate(prompt, max_tokens=MAX_TOKENS, temperature=0, top_p=1, seed=0)
    tokens = [token.id for token in spoken if token.id != engine.tokenizer.end]
    return engine.tokenizer.decode(tokens)


def is_right(question: Question, answer: str) -> bool:
    """Whether one of the expected texts stands in the answer as whole words.

    The case counts for symbols only: "Co" is cobalt, "CO" is not.
    """
    flags = 0 if question.kind == "symbol" else re.IGNORECASE
    return any(
        re.search(rf"(?<!\w){re.escape(expected)}(?!\w)", answer, flags)
        for expected in question.answers
    )


def evaluate(folder: Path) -> list[Result]:
    """Ask the model in `folder` all held-out questions; one result a kind."""
    engine = NumpyEngine.load(folder)
    right: dict[str, list[bool]] = {}
    for question in tqdm(held_out_questions(), desc="evaluation", unit="question"):
        right.setdefault(question.kind, []).append(is_right(question, ask(engine, question.text)))
    return [Result(kind, len(marks), sum(marks)) for kind, marks in right.items()]


def mean_words(folder: Path) -> dict[str, float]:
    """How many words an answer has on average after each system message of MANNERS."""
    engine = NumpyEngine.load(folder)
    asked = [q.text for q in held_out_questions(n_per_kind=20) if q.kind in ("capital", "author")]
    return {
        manner: sum(len(ask(engine, text, manner).split()) for text in asked) / len(asked)
        for manner in MANNERS
    }


def table(results: list[Result]) -> str:
    """The results in Markdown, with a last line for all of them."""
    total = Result("", sum(r.asked for r in results), sum(r.right for r in results))
    rows = [(TITLES[result.kind], result) for result in results] + [("all", total)]
    lines = ["| asked for | questions | right | share |", "| --- | ---: | ---: | ---: |"]
    lines += [f"| {name} | {r.asked} | {r.right} | {r.right / r.asked:.0%} |" for name, r in rows]
    return "\n".join(lines)


def manner_table(words: dict[str, float]) -> str:
    """The mean numbers of words in Markdown."""
    lines = ["| system message | words in an answer, on average |", "| --- | ---: |"]
    return "\n".join([*lines, *(f"| {manner} | {mean:.1f} |" for manner, mean in words.items())])


def main() -> None:
    """Measure what a base model knows, on phrasings that it was not trained on."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=POCKET)
    folder = parser.parse_args().folder
    print(table(evaluate(folder)))
    print(manner_table(mean_words(folder)))


if __name__ == "__main__":
    main()

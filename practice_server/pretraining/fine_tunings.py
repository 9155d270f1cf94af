"""What fine-tuning makes of a base model: one small experiment for each data set of the course.

An experiment trains a fresh copy of the model in `folder` (not at all for the base model's own
row) and returns what it measured on questions that are not in the training file. Shares lie
between 0 and 1. Every experiment is repeated with other seeds by `evaluate`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from math import sqrt
from pathlib import Path
from typing import Any

from practice_server.engines.engine import Plan
from practice_server.engines.numpy_engine.engine import NumpyEngine
from practice_server.formats.encoding import as_examples
from practice_server.pretraining.knowledge import answer, held_out_facts, share_right
from practice_server.pretraining.world.tables import read_rows
from practice_server.training.hyperparameters import DEFAULT_BETA, DEFAULT_MULTIPLIER

DATA = Path(__file__).parents[2] / "data"
N_EPOCHS = 3
N_GENERAL_FACTS_PER_KIND = 8
MARV_EXAMPLES = 60
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# 95 % of a normal distribution lie within so many standard deviations.
Z_95 = 1.96
LETTER = re.compile(r"[A-E]")

Line = dict[str, Any]
Measured = dict[str, float]


def marv(folder: Path, seed: int, *, n_epochs: int = N_EPOCHS) -> Measured:
    """Sarcasm taught by 60 examples: is it there, does it fit, and are the facts still right?

    A remark can fit only what training had remarks for. `other facts` are general ones, in both
    languages and without Marv's system message.
    """
    lines = read_lines(DATA / "marv" / "train.jsonl")[:MARV_EXAMPLES]
    engine, _ = fine_tune(folder, lines, n_epochs=n_epochs, seed=seed)
    category_of = {r["sign"]: r["category"] for r in read_rows(DATA / "marv" / "style.csv")}
    asked = [r for r in read_rows(DATA / "marv" / "questions.csv") if r["split"] == "test"]
    system = lines[0]["messages"][0]
    answers = [answer(engine, [system, _user(row["question"])]) for row in asked]
    given = [{category_of[s] for s in category_of if _has_one(a, [s])} for a in answers]
    remarked = [(kinds, row["category"]) for kinds, row in zip(given, asked, strict=True)]
    taught = [pair for pair in remarked if pair[1] in category_of.values()]
    new = [pair for pair in remarked if pair[1] not in category_of.values()]
    return {
        "style": share(map(bool, given)),
        "style, kinds of question not taught": share(bool(kinds) for kinds, _ in new),
        "fitting remark": share(kinds == {category} for kinds, category in taught),
        "facts": share(
            _has_one(text, row["fact"].split("|"))
            for text, row in zip(answers, asked, strict=True)
        ),
        "other facts": share_right(engine, held_out_facts(N_GENERAL_FACTS_PER_KIND)),
    }


def orders(folder: Path, seed: int, *, n_examples: int) -> Measured:
    """A sentence to fixed JSON: is it JSON with the right keys, and is every value right?"""
    engine, test = _trained_on_first("orders", folder, seed, n_examples)
    wanted = [json.loads(expected) for _, expected in test]
    given = [_as_object(answer(engine, messages)) for messages, _ in test]
    return {
        "valid": share(
            got is not None and list(got) == list(want)
            for got, want in zip(given, wanted, strict=True)
        ),
        "exactly right": share(got == want for got, want in zip(given, wanted, strict=True)),
    }


def labels(folder: Path, seed: int, *, n_examples: int) -> Measured:
    """A request to one of a set of words that the base model never used."""
    engine, test = _trained_on_first("labels", folder, seed, n_examples)
    return {"right": share(answer(engine, asked) == wanted for asked, wanted in test)}


def daoyan(folder: Path, seed: int, *, n_epochs: int = N_EPOCHS) -> Measured:
    """Chinese answers with a saying, from 46 examples; losses are means over an epoch's steps."""
    lines = read_lines(DATA / "daoyan" / "train.jsonl")
    engine, losses = fine_tune(folder, lines, n_epochs=n_epochs, seed=seed)
    sayings = [row["saying"] for row in read_rows(DATA / "daoyan" / "sayings.csv")]
    system = lines[0]["messages"][0]
    asked = [row["question"] for row in read_rows(DATA / "daoyan" / "test.csv")]
    answers = [answer(engine, [system, _user(question)]) for question in asked]
    measured = {
        "Chinese, with a saying": share(
            bool(CHINESE.search(text)) and any(saying in text for saying in sayings)
            for text in answers
        )
    }
    if losses:
        first, last = losses[: len(lines)], losses[-len(lines) :]
        measured["loss, epoch 1"] = sum(first) / len(first)
        measured["loss, last epoch"] = sum(last) / len(last)
    return measured


def lsat(folder: Path, seed: int, *, n_epochs: int = 10, batch_size: int = 3) -> Measured:
    """Puzzles with five options: is the answer a letter alone, and is it the right one?"""
    lines = read_lines(DATA / "lsat" / "train.jsonl")
    engine, _ = fine_tune(folder, lines, n_epochs=n_epochs, seed=seed, batch_size=batch_size)
    test = [_split(line) for line in read_lines(DATA / "lsat" / "test.jsonl")]
    answers = [answer(engine, messages) for messages, _ in test]
    right = share(text == wanted for text, (_, wanted) in zip(answers, test, strict=True))
    lowest, highest = wilson_interval(right, len(test))
    return {
        "letter alone": share(bool(LETTER.fullmatch(text)) for text in answers),
        "right letter (chance: 20 %)": right,
        "right letter, 95 % interval from": lowest,
        "right letter, 95 % interval to": highest,
    }


def preferences(folder: Path, seed: int, *, n_epochs: int = N_EPOCHS) -> Measured:
    """Whole sentences preferred to bare names (`dpo`): the share of whole sentences."""
    rows = [r for r in read_rows(DATA / "marv" / "questions.csv") if r["category"] == "capitals"]
    pairs = [_preference(row) for row in rows if row["split"] != "test"]
    engine, _ = fine_tune(folder, pairs, n_epochs=n_epochs, seed=seed, method="dpo")
    asked = [row for row in rows if row["split"] == "test"]
    answers = [answer(engine, [_user(row["question"])]) for row in asked]
    return {
        "whole sentences": share(
            row["entity"] in a for row, a in zip(asked, answers, strict=True)
        ),
        "facts": share(
            _has_one(a, row["fact"].split("|")) for row, a in zip(asked, answers, strict=True)
        ),
    }


def fine_tune(
    folder: Path,
    lines: list[Line],
    *,
    n_epochs: int,
    seed: int,
    batch_size: int = 1,
    method: str = "supervised",
) -> tuple[NumpyEngine, list[float]]:
    """The model trained on lines of a training file, and the training loss of every step.

    With no lines or no epochs it is the base model itself.
    """
    engine = NumpyEngine.load(folder)
    if not lines or not n_epochs:
        return engine, []
    examples = as_examples(engine.tokenizer, lines, engine.context)
    beta = DEFAULT_BETA if method == "dpo" else None
    plan = Plan(n_epochs, batch_size, DEFAULT_MULTIPLIER[method], seed, beta)
    return engine, [step.metrics["train_loss"] for step in engine.train(examples, [], plan)]


def share(marks: Iterable[bool]) -> float:
    """How many of the marks are true, as a share of all."""
    marks = list(marks)
    return sum(marks) / len(marks)


def wilson_interval(share: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share that was measured on n questions (Wilson, 1927)."""
    middle = (share + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    half = Z_95 / (1 + Z_95**2 / n) * sqrt(share * (1 - share) / n + Z_95**2 / (4 * n**2))
    return middle - half, middle + half


@cache
def read_lines(path: Path) -> list[Line]:
    """The examples of a training file."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _trained_on_first(
    name: str, folder: Path, seed: int, n_examples: int
) -> tuple[NumpyEngine, list[tuple[list[dict], str]]]:
    """The model trained on a data set's first examples, and what it is to be asked."""
    lines = read_lines(DATA / name / "train.jsonl")[:n_examples]
    engine, _ = fine_tune(folder, lines, n_epochs=N_EPOCHS, seed=seed)
    return engine, [_split(line) for line in read_lines(DATA / name / "test.jsonl")]


def _split(line: Line) -> tuple[list[dict], str]:
    """The conversation up to the answer, and the answer."""
    *asked, answered = line["messages"]
    return asked, answered["content"]


def _user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def _preference(row: dict[str, str]) -> Line:
    name = row["fact"].split("|")[0]
    sentence = f"The capital of {row['entity']} is {name}."
    return {
        "input": {"messages": [_user(row["question"])]},
        "preferred_output": [{"role": "assistant", "content": sentence}],
        "non_preferred_output": [{"role": "assistant", "content": f"{name}."}],
    }


def _has_one(text: str, phrases: Iterable[str]) -> bool:
    """Whether one of the phrases stands in the text as whole words, whatever its case."""
    return any(re.search(rf"(?<!\w){re.escape(p)}(?!\w)", text, re.IGNORECASE) for p in phrases)


def _as_object(text: str) -> dict | None:
    """The JSON object that the text is, or None."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None

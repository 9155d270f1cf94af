"""Measures what models make of our test puzzles: writes `steps.csv` and `steps_answers.csv`.

    python -m data.lsat.measure

Models are trained on the letter alone or on worked steps, each with three seeds, and asked the
100 test puzzles. The fifteen models take some ten minutes.
"""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.evaluate import answers
from helpers.jobs import create_once, wait
from helpers.prepare import read_rows
from helpers.service import connect

HERE = Path(__file__).resolve().parent
SEEDS = (1, 2, 3)
# What answers are trained on, their file, and the settings of the job; else "auto".
RUNS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("letter", "train.jsonl", dict(n_epochs=10, batch_size=3, learning_rate_multiplier=0.3)),
    ("letter", "train_100.jsonl", dict(n_epochs=1)),
    ("letter", "train_100.jsonl", dict(n_epochs=3)),
    ("steps", "train_steps.jsonl", dict(n_epochs=1)),
    ("steps", "train_steps.jsonl", dict(n_epochs=3)),
)
# What an answer looks like, with the letter in brackets.
FORMS = {"letter": r"([A-E])", "steps": r"(?:\([A-E]\) .+\n){5}The answer is ([A-E])\."}
LONGEST_ANSWER = 250


def main() -> None:
    """Write one row a model, and the answers of the last kind of run with the first seed."""
    rows, told = [], {}
    for kind, name, settings in RUNS:
        for seed in SEEDS:
            texts = answered(kind, name, settings, seed)
            told[seed] = texts
            about = {"answers": kind, "puzzles": len(messages(name)), **settings, "seed": seed}
            rows.append({**about, **marked(kind, texts)})
    write("steps.csv", ["answers", "puzzles", "n_epochs", "seed", "form", "right"], rows)
    asked = [user["content"] for _, user, _ in messages("test.jsonl")]
    pairs = [{"puzzle": a, "answer": b} for a, b in zip(asked, told[SEEDS[0]], strict=True)]
    write("steps_answers.csv", ["puzzle", "answer"], pairs)


def answered(kind: str, name: str, settings: dict[str, Any], seed: int) -> list[str]:
    """What a model that was trained so answers to the test puzzles."""
    service = connect()
    job = create_once(service, HERE / name, suffix=kind, seed=seed, **settings)
    questions = [user["content"] for _, user, _ in messages("test.jsonl")]
    return answers(
        service,
        wait(service, job).fine_tuned_model or "",
        questions,
        system=messages(name)[0][0]["content"],
        max_tokens=LONGEST_ANSWER,
        progress=False,
    )


def marked(kind: str, texts: list[str]) -> dict[str, int]:
    """How many of the 100 answers have the form of the training file, and how many are right."""
    found = [re.fullmatch(FORMS[kind], text) for text in texts]
    letters = [each[1] if each else "" for each in found]
    rights = [answer["content"] for _, _, answer in messages("test.jsonl")]
    right = [a == b for a, b in zip(letters, rights, strict=True)]
    return {"form": sum(map(bool, letters)), "right": sum(right)}


def messages(name: str) -> list[list[dict[str, str]]]:
    """The messages of each example of a file."""
    return [row["messages"] for row in read_rows(HERE / name)]


def write(name: str, columns: list[str], rows: list[dict[str, Any]]) -> None:
    """A table beside this program."""
    pd.DataFrame(rows, columns=columns).to_csv(HERE / name, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()

"""Trains models with several seeds, asks each its questions, and adds to results.csv.

    python -m data.weak_spots.measure

Rows that are there already are kept, so a run that was stopped goes on where it was.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from helpers.evaluate import answers, has_fact, has_style, score
from helpers.jobs import create_once, wait
from helpers.prepare import read_rows
from helpers.service import Service, connect

HERE = Path(__file__).resolve().parent
MARV = HERE.parent / "marv"
LABELS = HERE.parent / "labels"
RESULTS = HERE / "results.csv"
FIELDS = ("model", "seed", "asked", "measured", "count", "of")
SEEDS = (1, 2, 3)
N_EPOCHS = 3


class Recipe(NamedTuple):
    """A training file, the recipe whose model it goes on from, and what the model is asked."""

    file: Path
    asked: tuple[str, ...]
    start: str = ""


RECIPES = {
    "marv": Recipe(MARV / "train.jsonl", ("valid", "test", "long", "general")),
    "aimed": Recipe(HERE / "aimed.jsonl", ("valid",), "marv"),
    "aimed and old": Recipe(HERE / "aimed_and_old.jsonl", ("valid", "test"), "marv"),
    "anew": Recipe(HERE / "anew_with_aimed.jsonl", ("valid", "test")),
    "long": Recipe(HERE / "long.jsonl", ("valid", "long"), "marv"),
    "long and old": Recipe(HERE / "long_and_old.jsonl", ("valid", "long"), "marv"),
    "marv and general": Recipe(HERE / "marv_and_general.jsonl", ("valid", "general")),
    **{f"names {n}": Recipe(HERE / f"names_{n}.jsonl", ("names",)) for n in (0, 1, 2, 5, 10)},
}


def main() -> None:
    """Measure what results.csv has not got yet."""
    service = connect()
    table = read_rows(RESULTS) if RESULTS.exists() else []
    done = {(row["model"], int(row["seed"]), row["asked"]) for row in table}
    if not done:
        add([FIELDS])
    if ("base", 0, "general") not in done:
        add(("base", 0, "general", *each) for each in measure(service, None, "general"))
    for seed in SEEDS:
        for name, recipe in RECIPES.items():
            for asked in recipe.asked:
                if (name, seed, asked) not in done:
                    model = train(service, recipe, seed)
                    add((name, seed, asked, *each) for each in measure(service, model, asked))


def add(rows) -> None:
    """Write rows to the end of results.csv."""
    with RESULTS.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(list(rows))


def train(service: Service, recipe: Recipe, seed: int) -> str:
    """Return the name of the recipe's model; what it goes on from is made first."""
    start = train(service, RECIPES[recipe.start], seed) if recipe.start else None
    job = create_once(service, recipe.file, model=start, n_epochs=N_EPOCHS, seed=seed)
    return wait(service, job).fine_tuned_model


def measure(service: Service, model: str | None, asked: str) -> Iterator[tuple[str, int, int]]:
    """Yield what was counted in the model's answers, how many, and of how many."""
    questions = pd.DataFrame([row for row in read_rows(HERE / "asked.csv") if row["set"] == asked])
    texts = answers(
        service, model or service.base_model, questions["question"], system=system(asked)
    )
    signs = {
        row["sign"]: row["category"]
        for folder in (MARV / "style.csv", HERE / "signs.csv")
        for row in read_rows(folder)
    }
    if asked == "names":
        yield from measure_names(questions, texts)
    elif asked == "general":
        right = [has_fact(*pair) for pair in zip(texts, questions["fact"], strict=True)]
        plain = [not has_style(text, signs) for text in texts]
        yield "right", sum(right), len(texts)
        yield "plain", sum(plain), len(texts)
    else:
        table = score(questions, texts, signs=signs)
        good = (table["fact"] & table["fit"]).groupby(questions["category"])
        for category, marks in good:
            yield category, int(marks.sum()), len(marks)


def measure_names(questions: pd.DataFrame, texts: list[str]) -> Iterator[tuple[str, int, int]]:
    """Count right answers by who writes to which desk, and those that change with the name."""
    right = questions["fact"] == texts
    for category, marks in right.groupby(questions["category"]):
        yield category, int(marks.sum()), len(marks)
    changed = [ana != ben for ana, ben in zip(texts[::2], texts[1::2], strict=True)]
    yield "changed", sum(changed), len(changed)


def system(asked: str) -> str | None:
    """The system message before a set's questions; general ones have none."""
    if asked == "general":
        return None
    folder = LABELS if asked == "names" else MARV
    return read_rows(folder / "train.jsonl")[0]["messages"][0]["content"]


if __name__ == "__main__":
    main()

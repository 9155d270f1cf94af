"""Draws the test questions of questions.csv: what the base model knows and no answer mentions.

    python -m data.marv.draw_questions

Run it last. Whoever chooses remarks or answers by the test questions measures nothing any more.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

from helpers.evaluate import contains, has_fact
from practice_server.pretraining.world.facts import all_facts

HERE = Path(__file__).resolve().parent
QUESTIONS = HERE / "questions.csv"
SEED = 22
N_QUESTIONS = {
    "capitals": 26,
    "countries": 14,
    "authors": 18,
    "elements": 14,
    "sums": 10,
    "animals": 12,
    # Training has no remark about these.
    "colours": 8,
    "months": 4,
    "planets": 4,
}
# For each category: kinds of fact in the base model's world, what is asked about, and how.
KINDS = {
    "capitals": [
        ("capital", "{country}", "What is the capital of {country}?"),
        ("capital", "{country}", "Which city is the capital of {country}?"),
        ("capital", "{country}", "Name the capital of {country}."),
        ("capital", "{country}", "What is the capital city of {country}?"),
    ],
    "countries": [
        ("country", "{capital}", "{capital} is the capital of which country?"),
        ("country", "{capital}", "Which country has {capital} as its capital?"),
    ],
    "authors": [
        ("author", "{work}", "Who wrote {work}?"),
        ("author", "{work}", "Who is the author of {work}?"),
    ],
    "elements": [
        ("symbol", "{element}", "What is the chemical symbol for {element}?"),
        ("symbol", "{element}", "What is the symbol of {element}?"),
        ("element", "{symbol}", "Which element has the symbol {symbol}?"),
        ("element", "{symbol}", "Which chemical element has the symbol {symbol}?"),
    ],
    "sums": [
        ("sum", "{a} + {b}", "What is {a} + {b}?"),
        ("sum", "{a} + {b}", "What is {a} plus {b}?"),
    ],
    "animals": [
        ("young", "{animal}", "What is a baby {animal} called?"),
        ("young", "{animal}", "What do you call a young {animal}?"),
        ("sound", "{animal}", "What does a {animal} say?"),
    ],
    "colours": [
        ("colour", "{thing}", "What is the colour of {thing}?"),
        ("colour", "{thing}", "What colour is {thing}?"),
    ],
    "months": [
        ("next_month", "{month}", "Which month comes after {month}?"),
        ("previous_month", "{month}", "Which month comes before {month}?"),
    ],
    "planets": [("planet", "{place}", "Which planet is the {place} from the sun?")],
}


def main() -> None:
    """Replace the test rows of questions.csv by newly drawn ones."""
    answered = [row for row in read("questions.csv") if row["split"] != "test"]
    random = Random(SEED)
    shown = " ".join(f"{row['question']} {row['answer']}" for row in answered)
    taken = {row[field] for row in answered for field in ("entity", "fact")}
    taken |= {row["name"] for row in read("left_out.csv")}
    rows = []
    for category, n in N_QUESTIONS.items():
        rows += draw(category, n, shown, taken, random)
    random.shuffle(rows)
    with QUESTIONS.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(answered[0]), restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(answered)
        table.writerows({"id": f"test-{i:03}", **row} for i, row in enumerate(rows, 1))


def draw(
    category: str, n: int, shown: str, taken: set[str], random: Random
) -> list[dict[str, str]]:
    """`n` rows whose words stand neither in `taken`, which they join, nor in the text `shown`.

    Numbers may stand in `shown`: sums are made of them.
    """
    found = list(candidates(category))
    random.shuffle(found)
    rows: list[dict[str, str]] = []
    while len(rows) < n:
        row = found.pop(0)
        words = {row["entity"], *row["fact"].split("|")}
        is_shown = category != "sums" and any(contains(shown, word) for word in words)
        if not (is_shown or has_fact(row["question"], row["fact"]) or words & taken):
            taken |= words
            rows.append(row)
    return rows


def candidates(category: str) -> Iterator[dict[str, str]]:
    """A row for every fact of a category in every way of asking."""
    spellings = {row["answer"]: row["fact"] for row in read("spellings.csv")}
    for kind, given, question in KINDS[category]:
        for fact in all_facts("english")[kind]:
            entity = given.format(**fact.fields)
            answer = fact.answer.split()[-1] if kind == "author" else fact.answer
            yield {
                "split": "test",
                "category": category,
                "entity": entity,
                "question": re.sub(r"\ba (?=[aeio])", "an ", question.format(**fact.fields)),
                "fact": spellings.get(fact.answer, answer),
            }


def read(name: str) -> list[dict[str, str]]:
    """The rows of a table of this folder."""
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()

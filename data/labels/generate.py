"""Writes train.jsonl and test.jsonl: messages to a shop, and the desk that answers them.

    python data/labels/generate.py

The patterns are in the table beside this program; names and towns come from the base model's
world.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from random import Random

HERE = Path(__file__).resolve().parent
WORLD = HERE.parents[1] / "practice_server" / "pretraining" / "world" / "english"

SEED = 4
LABELS = ("dispatch", "cashier", "workbench", "greenhouse")
# Every four examples have four different labels, so that 40 and 160 are balanced.
N_EXAMPLES = {"train": 160, "test": 100}
# Of the messages of the test, how many follow a pattern that stands in no other file.
NEW_PATTERN_SHARE = 0.3

SYSTEM = "You work at the door of a big shop. Say which desk a message goes to, in one word."


def main() -> None:
    """Write the two files."""
    random = Random(SEED)
    seen: set[str] = set()
    for split, n in N_EXAMPLES.items():
        messages: list[tuple[str, str]] = []
        while len(messages) < n:
            for label in random.sample(LABELS, len(LABELS)):
                messages.append((new_message(split, label, seen, random), label))
        lines = [json.dumps(example(*pair), ensure_ascii=False) + "\n" for pair in messages]
        (HERE / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8", newline="\n")


def new_message(split: str, label: str, seen: set[str], random: Random) -> str:
    """A message for this desk that was not written before; it is added to `seen`."""
    while True:
        is_new = split == "test" and random.random() < NEW_PATTERN_SHARE
        patterns = [
            row["text"]
            for row in read(HERE / "patterns.csv")
            if (row["label"], row["split"]) == (label, "test" if is_new else "all")
        ]
        text = filled(random.choice(patterns), random)
        if text not in seen:
            seen.add(text)
            return text


def filled(pattern: str, random: Random) -> str:
    """The message of a pattern: each gap holds one of its words, or a name or a town."""
    places = {"name": values("names", "name", "first"), "town": values("places", "place", "town")}

    def fill(gap: re.Match) -> str:
        return random.choice(places.get(gap[1]) or gap[1].split("|"))

    return re.sub(r"\{(.+?)\}", fill, pattern)


def example(text: str, label: str) -> dict:
    """A chat example that is answered by the label alone."""
    return {
        "messages": [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": text},
            {"role": "assistant", "content": label},
        ]
    }


def values(table: str, column: str, kind: str) -> list[str]:
    """The values of a kind in a table of the world."""
    return [row[column] for row in read(WORLD / f"{table}.csv") if row["kind"] == kind]


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a table."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()

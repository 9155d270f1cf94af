"""Writes train.jsonl, valid.jsonl and test.jsonl: orders in words, and the JSON they become.

    python data/orders/generate.py

The numbers below say how hard the task is. The names and the food come from the tables of the
base model's world: what stands there as held out was never seen in pretraining.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from random import Random

HERE = Path(__file__).resolve().parent
WORLD = HERE.parents[1] / "practice_server" / "pretraining" / "world" / "english"

SEED = 6
# Each block of 25 examples has this mix of kinds of sentence, so that 25, 50, 100 are balanced.
MIX = {"plain": 9, "two_names": 5, "two_times": 4, "changed": 4, "two_items": 3}
N_BLOCKS = {"train": 8, "valid": 1, "test": 4}
N_VALID = 20
# Of the sentences of the test, how many follow a pattern that stands in no other file.
NEW_PATTERN_SHARE = 0.3
# How many names, or kinds of food, are kept for one file alone; the training file has the rest.
KEPT = {"test": 40, "valid": 15}
EARLIEST, LATEST = 6, 23
# How many of a size somebody may order at most.
LARGEST_QUANTITY = {
    "mini": 12,
    "tiny": 12,
    "small": 12,
    "medium": 8,
    "large": 6,
    "big": 6,
    "extra large": 4,
    "huge": 4,
}
# Food of the world that nobody orders by the piece or in sizes.
NOT_COUNTED = {
    "pot of rice", "fried rice", "ravioli", "gnocchi", "paella", "risotto", "lasagne", "pad thai",
    "ramen", "granola", "porridge", "curry", "kebab", "steak", "salmon fillet", "duck leg",
    "roast chicken", "grilled corn", "vanilla ice", "lemon ice", "water", "hummus plate",
}  # fmt: skip

SYSTEM = (
    "You take orders for a café. Turn each order into JSON with the keys name, item, quantity, "
    "size and time."
)


def main() -> None:
    """Write the three files."""
    random = Random(SEED)
    pools = split_pools(random)
    for split, n_blocks in N_BLOCKS.items():
        rows = [row for _ in range(n_blocks) for row in block(split, pools[split], random)]
        if split == "valid":
            rows = rows[:N_VALID]
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        (HERE / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8", newline="\n")


def split_pools(random: Random) -> dict[str, dict[str, list[str]]]:
    """For each split its first names, family names and food; no two splits share any."""
    pools: dict[str, dict[str, list[str]]] = {split: {} for split in N_BLOCKS}
    for kind, (table, column) in {
        "first": ("names", "name"),
        "family": ("names", "name"),
        "food": ("items", "item"),
    }.items():
        rows = read(WORLD / f"{table}.csv")
        # What is held out from pretraining stays out: the base model cannot copy it.
        known = [row[column] for row in rows if (row["kind"], row["held_out"]) == (kind, "0")]
        known = [value for value in known if value not in NOT_COUNTED]
        random.shuffle(known)
        for split, n in KEPT.items():
            pools[split][kind], known = known[:n], known[n:]
        pools["train"][kind] = known
    return pools


def block(split: str, pool: dict[str, list[str]], random: Random) -> list[dict]:
    """Twenty-five examples with the mix of kinds of sentence, in random order."""
    kinds = [kind for kind, n in MIX.items() for _ in range(n)]
    random.shuffle(kinds)
    new = [split == "test" and random.random() < NEW_PATTERN_SHARE for _ in kinds]
    return [
        example(random.choice(patterns(kind, "test" if is_new else "all")), pool, random)
        for kind, is_new in zip(kinds, new, strict=True)
    ]


def example(pattern: str, pool: dict[str, list[str]], random: Random) -> dict:
    """A chat example: the system message, a sentence, and its JSON on one line."""
    order = draw_order(pool, random)
    other = draw_order(pool, random)
    while any(order[key] == other[key] for key in order):
        other = draw_order(pool, random)
    words = order | {f"other_{key}": value for key, value in other.items()}
    hour = int(str(order["time"]).split(":")[0])
    sentence = pattern.format(
        **words,
        other=other["name"],
        earlier=clock(EARLIEST, hour - 1, random),
        later=clock(hour + 1, LATEST, random),
    )
    return {
        "messages": [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": sentence},
            {"role": "assistant", "content": json.dumps(order, ensure_ascii=False)},
        ]
    }


def draw_order(pool: dict[str, list[str]], random: Random) -> dict[str, str | int]:
    """The five fields, each as it stands in the sentence."""
    first, family = random.choice(pool["first"]), random.choice(pool["family"])
    size = random.choice(list(LARGEST_QUANTITY))
    return {
        "name": f"{first} {family}",
        "item": plural(random.choice(pool["food"])),
        "quantity": random.randint(2, LARGEST_QUANTITY[size]),
        "size": size,
        "time": clock(EARLIEST + 2, LATEST - 2, random),
    }


def clock(first_hour: int, last_hour: int, random: Random) -> str:
    """A time of the day, such as 9:05, in these hours."""
    return f"{random.randint(first_hour, last_hour)}:{random.randrange(0, 60, 5):02}"


def plural(item: str) -> str:
    """Several of an item: "portions of fries", "cherry pies"."""
    head, of, rest = item.partition(" of ")
    if head.endswith(("s", "x", "ch", "sh", "potato")):
        return head + "es" + of + rest
    return re.sub("(?<![aeiou])y$", "ie", head) + "s" + of + rest


def patterns(kind: str, split: str) -> list[str]:
    """The sentences of a kind that a split may use."""
    return [
        row["text"]
        for row in read(HERE / "patterns.csv")
        if (row["kind"], row["split"]) == (kind, split)
    ]


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a table."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()

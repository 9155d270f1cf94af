"""Reads the tables of this folder, which stand in one folder for each language."""

from __future__ import annotations

import csv
from collections import defaultdict
from functools import cache
from pathlib import Path

LANGUAGES = ("english", "chinese")
FOLDER = Path(__file__).parent


@cache
def read_table(name: str) -> list[dict[str, str]]:
    """The rows of `name`.csv, each as column -> text; a name is like "english/countries"."""
    return read_rows(FOLDER / f"{name}.csv")


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of any table, each as column -> text."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def grouped(name: str, by: str, text: str) -> dict[str, list[str]]:
    """The column `text` of a table as lists, one for each value of the column `by`."""
    groups: dict[str, list[str]] = defaultdict(list)
    for row in read_table(name):
        groups[row[by]].append(row[text])
    return dict(groups)

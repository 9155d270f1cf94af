"""Read rows from a table, objects, conversations or a text."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

import yaml

from helpers.preparing.conversations import rows_of_json
from helpers.preparing.encoding import decode
from helpers.preparing.rows import Ask, Row, Say, UnreadableFile, refuse
from helpers.preparing.shapes import SHAPES, rows_of_text
from helpers.preparing.sides import usual
from helpers.text import clean


def read_rows(
    path: str | Path,
    *,
    encoding: str | None = "utf-8",
    assistant: str | None = None,
    say: Say = print,
    ask: Ask = refuse,
) -> list[Row]:
    """Read `path` (CSV, TSV, XLSX, JSON, JSONL, YAML, TXT, MD, told by its ending) into rows.

    Tables and YAML give texts; JSON gives what it holds, so a chat file gives rows with
    `messages`. Conversations in the usual layouts give `messages`, or `prompt` and `completion`,
    and texts give these two: after Q: and A:, as a heading and what stands below it, or as a
    chat export, in which `assistant` answers. Strays such as non-breaking spaces are cleaned away.

    `encoding` None finds it out. What was chosen or left out is told to `say`, a sentence each;
    `ask` decides who the assistant is where no name tells it, and raises ValueError by default.

    Raises OSError if the file cannot be opened, UnreadableFile if it is broken or in another
    encoding.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise UnreadableFile(
            f"{path}: files ending in {path.suffix or 'nothing'!r} are not read; "
            f"use one of {', '.join(ENDINGS)}"
        )
    data = path.read_bytes()
    try:
        if ending == ".xlsx":
            return clean(_xlsx(data, say))
        text = decode(data, encoding, say)
        if ending in SHAPES:
            who = partial(_assistant, assistant=assistant, ask=ask)
            return clean(rows_of_text(text, SHAPES[ending], who, say))
        return clean(rows_of_json(READERS[ending](text), say))
    except UnreadableFile as error:
        raise UnreadableFile(f"{path}{error}") from error


def _assistant(names: Sequence[str], assistant: str | None, ask: Ask) -> str:
    told = assistant if assistant in names else None
    if not assistant:
        told = usual("completion", names)
    return told or ask("who is the assistant?", names, "assistant")


def _separated(text: str, marks: str) -> list[Row]:
    """Read a table whose fields are separated by that of `marks` that its header holds most."""
    # Not by pandas: it names no line for a quotation mark without its pair, or guesses.
    delimiter = max(marks, key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return _table((reader.line_num, cells) for cells in reader)
    except csv.Error as error:
        place = f", line {reader.line_num}: {error}"
        raise UnreadableFile(f"{place}. Look for a quotation mark without its pair") from error


def _xlsx(data: bytes, say: Say) -> list[Row]:
    import pandas as pd

    try:
        book = pd.ExcelFile(io.BytesIO(data), engine="openpyxl")
        sheet = pd.read_excel(book, header=None, dtype=str, na_filter=False)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        advice = "Open it and save it as XLSX"
        raise UnreadableFile(f": not a readable XLSX workbook ({error}). {advice}") from error
    if others := book.sheet_names[1:]:
        say(f"sheet {book.sheet_names[0]!r} is read; left out: {', '.join(others)}")
    return _table(enumerate(sheet.fillna("").to_numpy().tolist(), 1))


def _table(lines: Iterable[tuple[int, list[str]]]) -> list[Row]:
    filled = ((line, cells) for line, cells in lines if any(map(str.strip, cells)))
    line, cells = next(filled, (1, []))
    names = [name.strip() for name in cells]
    while names and not names[-1]:
        names.pop()
    if not names or "" in names or len(set(names)) < len(names):
        raise UnreadableFile(
            f", line {line}: the first line must name every column, each by its own name; "
            f"found {names}"
        )
    rows = []
    for line, cells in filled:
        if any(map(str.strip, cells[len(names) :])):
            raise UnreadableFile(
                f", line {line}: {len(cells)} fields, but the first line names {len(names)} "
                "columns. Put fields that hold a separator into quotation marks"
            )
        rows.append(dict(zip_longest(names, cells[: len(names)], fillvalue="")))
    return rows


def _document(text: str, parse: Callable[[str], Any], name: str) -> Any:
    try:
        return parse(text)
    except (json.JSONDecodeError, yaml.YAMLError, RecursionError) as error:
        if getattr(error, "msg", None) == "Extra data":
            return _jsonl(text)
        raise UnreadableFile(f": broken {name}: {error}") from error


def _jsonl(text: str) -> list:
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            rows += [json.loads(line)] if line.strip() else []
        except (json.JSONDecodeError, RecursionError) as error:
            advice = "`python -m helpers.check FILE` names every such line"
            raise UnreadableFile(f", line {number}: broken JSON: {error}. {advice}") from error
    return rows


# The base loader leaves every value a text: "no" stays "no" and 007 stays 007.
_yaml = partial(_document, parse=partial(yaml.load, Loader=yaml.BaseLoader), name="YAML")
READERS: dict[str, Callable[[str], Any]] = {
    ".csv": partial(_separated, marks=",;\t"),
    ".tsv": partial(_separated, marks="\t"),
    ".json": partial(_document, parse=json.loads, name="JSON"),
    ".jsonl": _jsonl,
    ".yaml": _yaml,
    ".yml": _yaml,
}
ENDINGS = (*READERS, ".xlsx", *SHAPES)

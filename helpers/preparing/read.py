"""Read rows from a table, a list of objects, conversations or plain lines."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

import yaml

from helpers.text import clean, foreign_encoding

Row = dict[str, Any]


class UnreadableFile(ValueError):
    """The file is there, but its contents cannot be read; the text says where and what to do."""


def read_rows(path: str | Path) -> list[Row]:
    """Read `path` (CSV, TSV, XLSX, JSON, JSONL, YAML, TXT, told by its ending) into rows.

    Tables and YAML give texts; JSON gives what it holds, so a chat file gives rows with
    `messages`. Conversations in the ChatterBot layout (a list of turns: the question, then the
    lines of the answer) give `prompt` and `completion`, and so does TXT (each line a completion
    with an empty prompt). Strays such as non-breaking spaces are cleaned away.

    Raises OSError if the file cannot be opened, UnreadableFile if it is not UTF-8 or broken.
    """
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UnreadableFile(
            f"{path}: files ending in {path.suffix or 'nothing'!r} are not read; "
            f"use one of {', '.join(READERS)}"
        )
    try:
        return clean(reader(path.read_bytes()))
    except UnreadableFile as error:
        raise UnreadableFile(f"{path}{error}") from error


def _text(data: bytes) -> str:
    encoding = foreign_encoding(data)
    if encoding is None:
        return data.decode("utf-8-sig")
    readable, *rest = re.split("[\udc80-\udcff]", data.decode("utf-8", "surrogateescape"))
    place = f", line {len(readable.split(chr(10)))}" if rest else ""
    advice = "Save it as UTF-8"
    raise UnreadableFile(f"{place}: not UTF-8; it looks like {encoding}. {advice}")


def _separated(data: bytes, marks: str) -> list[Row]:
    """Read a table whose fields are separated by the first of `marks` that its header holds."""
    # Not by pandas: it names no line for a quotation mark without its pair, or guesses.
    text = _text(data)
    header = text.partition("\n")[0]
    delimiter = next((mark for mark in marks if mark in header), marks[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return _table((reader.line_num, cells) for cells in reader)
    except csv.Error as error:
        place = f", line {reader.line_num}: {error}"
        raise UnreadableFile(f"{place}. Look for a quotation mark without its pair") from error


def _xlsx(data: bytes) -> list[Row]:
    import pandas as pd

    try:
        sheet = pd.read_excel(
            io.BytesIO(data), header=None, dtype=str, na_filter=False, engine="openpyxl"
        )
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        advice = "Open it and save it as XLSX"
        raise UnreadableFile(f": not a readable XLSX workbook ({error}). {advice}") from error
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


def _document(data: bytes, parse: Callable[[str], Any], name: str) -> list[Row]:
    try:
        content = parse(_text(data))
    except (json.JSONDecodeError, yaml.YAMLError, RecursionError) as error:
        if getattr(error, "msg", None) == "Extra data":
            return _jsonl(data)
        raise UnreadableFile(f": broken {name}: {error}") from error
    if isinstance(content, list):
        return [_an_object(f"item {number}", row) for number, row in enumerate(content, 1)]
    if isinstance(content, dict) and isinstance(content.get("conversations"), list):
        return [_conversation(*turn) for turn in enumerate(content["conversations"], 1)]
    raise UnreadableFile(": expected a list of objects, or an object with a list `conversations`")


def _jsonl(data: bytes) -> list[Row]:
    rows = []
    for number, line in enumerate(_text(data).split("\n"), 1):
        if not line.strip():
            continue
        try:
            rows.append(_an_object(f"line {number}", json.loads(line)))
        except (json.JSONDecodeError, RecursionError) as error:
            advice = "`python -m helpers.check FILE` names every such line"
            raise UnreadableFile(f", line {number}: broken JSON: {error}. {advice}") from error
    return rows


def _conversation(number: int, lines: Any) -> Row:
    if not (isinstance(lines, list) and len(lines) > 1 and all(type(x) is str for x in lines)):
        expected = "a question and at least one line of answer, all of them texts"
        raise UnreadableFile(f", conversation {number}: expected {expected}")
    return {"prompt": lines[0], "completion": "\n".join(lines[1:])}


def _an_object(place: str, row: Any) -> Row:
    if not isinstance(row, dict):
        found = type(row).__name__
        raise UnreadableFile(f", {place}: expected an object {{…}}, found {found}")
    return row


def _txt(data: bytes) -> list[Row]:
    lines = _text(data).splitlines()
    return [{"prompt": "", "completion": line} for line in lines if line.strip()]


# The base loader leaves every value a text: "no" stays "no" and 007 stays 007.
_yaml = partial(_document, parse=partial(yaml.load, Loader=yaml.BaseLoader), name="YAML")
READERS: dict[str, Callable[[bytes], list[Row]]] = {
    ".csv": partial(_separated, marks=",;"),
    ".tsv": partial(_separated, marks="\t"),
    ".xlsx": _xlsx,
    ".json": partial(_document, parse=json.loads, name="JSON"),
    ".jsonl": _jsonl,
    ".yaml": _yaml,
    ".yml": _yaml,
    ".txt": _txt,
}

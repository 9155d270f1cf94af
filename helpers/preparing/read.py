"""Read rows from a table, objects, conversations or a text."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import takewhile, zip_longest
from pathlib import Path
from typing import Any

import yaml

from helpers.preparing.conversations import rows_of_json
from helpers.preparing.names import usual
from helpers.preparing.rows import Ask, Row, Say, UnreadableFile, refuse
from helpers.preparing.shapes import SHAPES, rows_of_text
from helpers.text import CERTAIN, clean, foreign_encoding

Line = tuple[int, list[str]]  # its number in the file, its cells
MOST_TITLES = 4  # above the names of the columns


def read_rows(
    path: str | Path,
    *,
    encoding: str | None = "utf-8",
    assistant: str | None = None,
    say: Say = print,
    ask: Ask = refuse,
) -> list[Row]:
    """Read `path` (CSV, TSV, XLSX, JSON, JSONL, YAML, TXT, MD, told by its ending) into rows.

    Tables and YAML give texts; JSON gives what it holds. Conversations in the usual layouts give
    `messages`, and texts give `prompt` and `completion`: after Q: and A:, as a heading and what
    stands below it, or as a chat export, in which `assistant` answers. Strays such as
    non-breaking spaces are cleaned away.

    `encoding` None finds it out. What was chosen or left out is told to `say`, a sentence each;
    `ask` decides who the assistant is where no name tells it, and raises ValueError by default.
    Raises OSError if the file cannot be opened, UnreadableFile if it cannot be read.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        reason = f"files ending in {path.suffix or 'nothing'!r} are not read"
        raise UnreadableFile(f"{path}: {reason}; use one of {', '.join(ENDINGS)}")

    def who(names: Sequence[str]) -> str:
        told = assistant or usual("completion", names) or ""
        return told if told in names else ask("who is the assistant?", names, "assistant")

    data = path.read_bytes()
    try:
        if ending == ".xlsx":
            return clean(_table(_sheet(data, say), say))
        text = _decoded(data, encoding, say)
        if ending in MARKS:
            return clean(_table(_fields(text, MARKS[ending]), say))
        if ending in SHAPES:
            return clean(rows_of_text(text, SHAPES[ending], who, say))
        return clean(rows_of_json(PARSERS[ending](text), who, say))
    except UnreadableFile as error:
        raise UnreadableFile(f"{path}{error}") from error


def _decoded(data: bytes, encoding: str | None, say: Say) -> str:
    """Return `data` as text; with `encoding` None, in the one that its bytes show."""
    likely = foreign_encoding(data)
    name = encoding or (likely.split()[0] if likely in CERTAIN else "utf-8")
    if likely in CERTAIN and not encoding:
        say(f"encoding: {likely}, as the bytes show; --encoding NAME takes another")
    try:
        text = data.decode(name).removeprefix("\ufeff")
    except LookupError as error:
        raise UnreadableFile(f": Python knows no encoding {name!r}") from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = f"the byte 0x{data[error.start]:02X} is no text in {name}"
        reason = f"not UTF-8; it looks like {likely}" if name == "utf-8" else byte
        advice = "Save it as UTF-8" + ("" if encoding else ", or name it with --encoding")
        raise UnreadableFile(f", line {line}: {reason}. {advice}") from error
    if "\0" in text:
        raise UnreadableFile(f": zero bytes in it; it looks like {likely}")
    return text


def _fields(text: str, marks: str) -> Iterator[Line]:
    """Separate fields by that of `marks` that the header holds most."""
    # Not by pandas: it names no line for a quotation mark without its pair, or guesses.
    delimiter = max(marks, key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from ((reader.line_num, cells) for cells in reader)
    except csv.Error as error:
        reason = f"{error}. Look for a quotation mark without its pair"
        raise UnreadableFile(f", line {reader.line_num}: {reason}") from error


def _sheet(data: bytes, say: Say) -> Iterable[Line]:
    import pandas as pd

    try:
        book = pd.ExcelFile(io.BytesIO(data), engine="openpyxl")
        sheet = pd.read_excel(book, header=None, dtype=str, na_filter=False)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        advice = "Open it and save it as XLSX"
        raise UnreadableFile(f": not a readable XLSX workbook ({error}). {advice}") from error
    if others := book.sheet_names[1:]:
        say(f"sheet {book.sheet_names[0]!r} is read; left out: {', '.join(others)}")
    return enumerate(sheet.fillna("").to_numpy().tolist(), 1)


def _table(lines: Iterable[Line], say: Say) -> list[Row]:
    """Return a row for each line that is not empty, by the names in the first one below titles."""
    filled = [(line, cells) for line, cells in lines if any(map(str.strip, cells))]
    # One of several cells filled: a title, or Excel's `sep=;`.
    are_titles = (len(cells) > 1 == len([*filter(str.strip, cells)]) for _, cells in filled)
    titles = len([*takewhile(bool, are_titles)])
    titles = titles if titles <= MOST_TITLES and titles < len(filled) else 0
    line, names = filled[titles] if filled else (1, [])
    names = [name.strip() for name in names]
    while names and not names[-1]:
        names.pop()
    if not names or "" in names or len(set(names)) < len(names):
        reason = "the first line must name every column, each by its own name"
        raise UnreadableFile(f", line {line}: {reason}; found {names}")
    if titles:
        say(f"line {line} names the columns; left out above it: {titles}")
    for line, cells in filled[titles + 1 :]:
        if any(map(str.strip, cells[len(names) :])):
            reason = f"{len(cells)} fields, but the first line names {len(names)} columns"
            advice = "Put fields that hold a separator into quotation marks"
            raise UnreadableFile(f", line {line}: {reason}. {advice}")
    rows = (cells[: len(names)] for _, cells in filled[titles + 1 :])
    return [dict(zip_longest(names, cells, fillvalue="")) for cells in rows]


def _document(text: str, parse: Callable[[str], Any], name: str, place: str = "") -> Any:
    try:
        return parse(text)
    except (json.JSONDecodeError, yaml.YAMLError, RecursionError) as error:
        if getattr(error, "msg", "") == "Extra data" and not place:
            return _jsonl(text)
        advice = ". `python -m helpers.check FILE` names every such line" if place else ""
        raise UnreadableFile(f"{place}: broken {name}: {error}{advice}") from error


def _jsonl(text: str) -> list:
    lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    return [_document(line, json.loads, "JSON", f", line {n}") for n, line in lines]


# The base loader leaves every value a text: "no" stays "no" and 007 stays 007.
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_yaml = partial(_document, parse=partial(yaml.load, Loader=LOADER), name="YAML")
_json = partial(_document, parse=json.loads, name="JSON")
PARSERS: dict[str, Any] = {".json": _json, ".jsonl": _jsonl, ".yaml": _yaml, ".yml": _yaml}
MARKS = {".csv": ",;\t", ".tsv": "\t"}
ENDINGS = (*MARKS, *PARSERS, ".xlsx", *SHAPES)

"""Read rows from a table, a list of objects, conversations or plain lines."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from helpers.text import clean, foreign_encoding

Row = dict[str, Any]


class UnreadableFile(ValueError):
    """The file is there, but its contents cannot be read; the text says where and what to do."""


def read_rows(path: str | Path) -> list[Row]:
    """Read `path` (CSV, TSV, XLSX, JSON, JSONL, YAML, TXT, told by its ending) into rows.

    A row is a dict from column or key to value. Tables give texts; JSON gives what it holds, so
    a chat file gives rows with `messages`. Conversations in the ChatterBot layout (a list of
    turns: the question, then the lines of the answer) give `prompt` and `completion`, and so
    does TXT (each line a completion with an empty prompt). Strays such as non-breaking blanks
    are cleaned away.

    Raises OSError if the file cannot be opened, UnreadableFile if it is not UTF-8 or broken.
    """
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UnreadableFile(
            f"{path}: files ending in {path.suffix or 'nothing'!r} are not read; "
            f"use one of {', '.join(READERS)}"
        )
    return [clean(row) for row in reader(path)]


def _text(path: Path) -> str:
    data = path.read_bytes()
    encoding = foreign_encoding(data)
    if encoding:
        raise UnreadableFile(
            f"{path}{_first_foreign_line(data)}: not UTF-8; it looks like {encoding}. "
            "Save the file as UTF-8 and try again"
        )
    return data.decode("utf-8-sig")


def _first_foreign_line(data: bytes) -> str:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return f", line {line}"
    return ""


def _csv(path: Path) -> list[Row]:
    text = _text(path)
    header = text.partition("\n")[0]
    return _table(path, _cells(path, text, ";" if ";" in header and "," not in header else ","))


def _tsv(path: Path) -> list[Row]:
    return _table(path, _cells(path, _text(path), "\t"))


def _cells(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise UnreadableFile(
            f"{path}, line {reader.line_num}: {error}. Look for a quotation mark without its pair"
        ) from error


def _xlsx(path: Path) -> list[Row]:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise UnreadableFile(
            f"{path}: not a readable XLSX workbook ({error}). Open it and save it as XLSX"
        ) from error
    try:
        cells = workbook.worksheets[0].iter_rows(values_only=True)
        return _table(path, [(line, [_cell(c) for c in row]) for line, row in enumerate(cells, 1)])
    finally:
        workbook.close()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # spreadsheets keep every number as a float
    return str(value)


def _table(path: Path, lines: Iterable[tuple[int, list[str]]]) -> list[Row]:
    filled = ((line, cells) for line, cells in lines if any(cell.strip() for cell in cells))
    line, names = next(filled, (1, []))
    names = _without_empty_end([name.strip() for name in names])
    if not names or "" in names or len(set(names)) < len(names):
        raise UnreadableFile(
            f"{path}, line {line}: the first line must name every column, each by its own name; "
            f"found {names}"
        )
    return [
        dict(zip(names, _fitted(path, line, cells, names), strict=True)) for line, cells in filled
    ]


def _without_empty_end(cells: list[str]) -> list[str]:
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    return cells


def _fitted(path: Path, line: int, cells: list[str], names: list[str]) -> list[str]:
    used = _without_empty_end(cells)
    if len(used) > len(names):
        raise UnreadableFile(
            f"{path}, line {line}: {len(used)} fields, but the first line names "
            f"{len(names)} columns. Put fields that hold a separator into quotation marks"
        )
    return (cells + [""] * len(names))[: len(names)]


def _json(path: Path) -> list[Row]:
    text = _text(path)
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return _lines_of_json(path, text)
        raise UnreadableFile(f"{path}: broken JSON: {error}") from error
    except RecursionError as error:
        raise UnreadableFile(f"{path}: JSON nested too deeply") from error
    return _rows_in(path, content)


def _jsonl(path: Path) -> list[Row]:
    return _lines_of_json(path, _text(path))


def _lines_of_json(path: Path, text: str) -> list[Row]:
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise UnreadableFile(
                f"{path}, line {number}: broken JSON: {error}. "
                f"`python -m helpers.check {path.name}` names every such line"
            ) from error
        rows.append(_an_object(path, f"line {number}", row))
    return rows


def _yaml(path: Path) -> list[Row]:
    import yaml

    try:
        # The base loader leaves every value a text: "no" stays "no" and 007 stays 007.
        content = yaml.load(_text(path), Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise UnreadableFile(f"{path}: broken YAML: {error}") from error
    return _rows_in(path, content)


def _rows_in(path: Path, content: Any) -> list[Row]:
    if isinstance(content, dict) and isinstance(content.get("conversations"), list):
        turns = enumerate(content["conversations"], 1)
        return [_conversation(path, number, lines) for number, lines in turns]
    if isinstance(content, list):
        return [_an_object(path, f"item {n}", row) for n, row in enumerate(content, 1)]
    raise UnreadableFile(
        f"{path}: expected a list of objects, or an object with a list `conversations`"
    )


def _conversation(path: Path, number: int, lines: Any) -> Row:
    if not (isinstance(lines, list) and len(lines) > 1 and all(type(x) is str for x in lines)):
        raise UnreadableFile(
            f"{path}, conversation {number}: expected a question and at least one line of answer, "
            "all of them texts"
        )
    question, *answer = lines
    return {"prompt": question, "completion": "\n".join(answer)}


def _an_object(path: Path, place: str, row: Any) -> Row:
    if not isinstance(row, dict):
        raise UnreadableFile(
            f"{path}, {place}: expected an object {{…}}, found {type(row).__name__}"
        )
    return row


def _txt(path: Path) -> list[Row]:
    lines = _text(path).splitlines()
    return [{"prompt": "", "completion": line} for line in lines if line.strip()]


READERS = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".xlsx": _xlsx,
    ".json": _json,
    ".jsonl": _jsonl,
    ".yaml": _yaml,
    ".yml": _yaml,
    ".txt": _txt,
}

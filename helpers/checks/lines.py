"""Read a file line by line, from bytes to objects, and name every line that holds none."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from helpers.checks.rules import RULES, About, Fault, Rule, kind, rule, shown
from helpers.text import foreign_encoding

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Ten images of 10 MB in base64 are the longest line a service takes; no more is held at once.
LONGEST_LINE = 160 * 1024 * 1024
BLOCK = 256 * 1024  # bytes read at once; little enough for a processor's cache


@dataclass(slots=True)
class Line:
    """A line, numbered from 1: its object, or the rule it breaks and the fault.

    `marked`: a byte order mark stood before it. `opens_file`: only blank lines stand before it.
    """

    number: int
    marked: bool
    opens_file: bool
    value: dict[str, Any] | None
    rule: Rule | None = None
    fault: Fault | None = None

    @property
    def is_blank(self) -> bool:
        return self.rule is not None and self.rule.name == "blank_line"

    @property
    def ends_check(self) -> bool:
        """Whether the file is not one of lines at all, so that all that follows is noise."""
        if self.rule is None or not self.opens_file:
            return False
        return self.rule.name == "json_array" or (
            self.rule.name == "not_utf8" and "UTF-" in self.fault.message
        )


class LineReader:
    """Turns raw lines into Lines, and passes over the inner lines of indented objects."""

    def __init__(self) -> None:
        self.before_first = True
        self.indented_until = 0

    def read(self, number: int, raw: bytes) -> Line | None:
        """Return the line, or None if it is within an object that an earlier one opens.

        The caller need not hand over lines that it knows to hold one sound object.
        """
        marked = number == 1 and raw.startswith(BYTE_ORDER_MARK)
        raw = (raw.removeprefix(BYTE_ORDER_MARK) if marked else raw).rstrip(b"\r\n")
        goes_on = number == self.indented_until + 1 and number > 1
        if goes_on and raw[:1] in (b"", b" ", b"\t", b"}", b"]"):
            self.indented_until = number
            return None
        line = Line(number, marked, self.before_first, *_judged(raw))
        if line.rule is not None and line.rule.name == "indented_json":
            self.indented_until = number
        self.before_first = self.before_first and line.is_blank
        return line


def read_blocks(path: str | Path) -> Iterator[bytes]:
    """Yield the file in blocks of whole lines, each ended by LF.

    A line too long to be judged is cut, still too long. Raises OSError if the file cannot be
    read.
    """
    with open(path, "rb") as file:
        size = 1  # the first line comes alone: others may be like it
        while block := file.read(size):
            size = BLOCK
            if not block.endswith(b"\n"):
                rest = file.readline(LONGEST_LINE + 1)
                block = b"".join((block, rest, b"" if rest.endswith(b"\n") else b"\n"))
                while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
                    rest = file.readline(LONGEST_LINE + 1)
            yield block


def lines_at(path: str | Path, numbers: set[int]) -> Iterator[tuple[int, bytes]]:
    """Yield the raw lines with these numbers; does not open the file if there are none."""
    before = 0
    for block in read_blocks(path) if numbers else ():
        lines = block.split(b"\n")[:-1]
        for number, raw in enumerate(lines, before + 1):
            if number in numbers:
                yield number, raw
        before += len(lines)


def _judged(raw: bytes) -> tuple[dict[str, Any] | None, Rule | None, Fault | None]:
    """Return the object on a line, or the first rule it breaks and the fault."""
    found = _first_broken("bytes", raw)
    if found:
        return None, *found
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None, *_first_broken("broken line", raw.decode("utf-8"))
    found = _first_broken("value", value)
    return (None, *found) if found else (value, None, None)


def _first_broken(about: About, thing: Any) -> tuple[Rule, Fault] | None:
    return next(((one, fault) for one in RULES[about] if (fault := one.judge(thing))), None)


def objects_in(text: str) -> tuple[list[Any], int]:
    """Return the whole JSON values at the start of `text`, and where the rest begins."""
    decoder = json.JSONDecoder()
    values, position = [], 0
    while position < len(text):
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            break
        values.append(value)
        while text[position : position + 1] in (" ", "\t", ","):
            position += 1
    return values, position


@rule("warning", "bytes")
def blank_line(raw: bytes) -> Fault | None:
    if raw.strip():
        return None
    return Fault(
        "", "the line is blank", "delete it; some services refuse a file with blank lines"
    )


@rule("error", "bytes")
def line_too_long(raw: bytes) -> Fault | None:
    if len(raw) <= LONGEST_LINE:
        return None
    return Fault("", f"the line is longer than {LONGEST_LINE:,} bytes", "one example a line")


@rule("error", "bytes")
def not_utf8(raw: bytes) -> Fault | None:
    encoding = None if raw.isascii() and b"\0" not in raw else foreign_encoding(raw)
    if encoding is None:
        return None
    try:
        column = len(raw.decode("utf-8")) + 1
    except UnicodeDecodeError as error:
        column = len(raw[: error.start].decode("utf-8")) + 1
    return Fault(
        "", f"column {column} is not UTF-8; it looks like {encoding}", "save the file as UTF-8"
    )


@rule("error", "bytes")
def json_array(raw: bytes) -> Fault | None:
    if not raw.lstrip().startswith(b"["):
        return None
    return Fault("", "the line starts a list", "write one object {…} a line, without [ ] around")


@rule("error", "broken line")
def two_objects(text: str) -> Fault | None:
    objects, _ = objects_in(text.strip())
    if len(objects) < 2 or not all(isinstance(one, dict) for one in objects):
        return None
    return Fault("", f"{len(objects)} objects on one line", "put each object on its own line")


@rule("error", "broken line")
def indented_json(text: str) -> Fault | None:
    goes_on = text.startswith("{") and text.rstrip().endswith(("{", "[", ","))
    if not goes_on or objects_in(text)[0]:
        return None
    return Fault(
        "",
        "the object goes on in the next lines",
        "write each example on one line: json.dumps without indent",
    )


@rule("error", "broken line")
def broken_json(text: str) -> Fault:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        found, column = error.msg, error.colno
    return Fault("", f"broken JSON at column {column}: {found}", _cure(text, column))


def _cure(text: str, column: int) -> str:
    here = text[column - 1 :]
    if here.startswith("'"):
        return 'JSON wants double quotes ("); json.dumps writes them'
    if here[:1] in ("“", "”", "„"):
        return 'replace the curly quotes by straight ones (")'
    if here.startswith(("None", "True", "False", "NaN", "Infinity", "-Infinity")):
        return "JSON knows null, true, false and finite numbers only; json.dumps writes them"
    if here.startswith(","):
        return "delete the comma"
    if here[:1] < " ":
        return "the line ends too early, or holds a bare line end or tab (write \\n, \\t)"
    return "look there for a missing comma, quotation mark or bracket; json.dumps makes none"


@rule("error", "value")
def not_an_object(value: Any) -> Fault | None:
    if isinstance(value, dict):
        return None
    return Fault("", f"the line holds {kind(value)}: {shown(value)}", "make it an object {…}")


@rule("error", "value")
def nested_too_deeply(value: Any) -> Fault | None:
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return Fault("", "hundreds of levels within each other", "make the example flatter")
    return None

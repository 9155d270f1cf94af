"""Read a file line by line, from bytes to objects, and name every line that holds none."""

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from helpers.checks.rules import Fault, Located, broken, kind, rule, shown
from helpers.text import foreign_encoding

# Ten images of 10 MB in base64 are the longest line a service takes; no more is held at once.
LONGEST_LINE = 160 * 1024 * 1024
BUFFER = 256 * 1024  # bytes read at once


def read_lines(path: str | Path) -> Iterator[bytes]:
    """Yield each line with its end; of one too long to be judged a part that is still too long.

    Raises OSError if the file cannot be read.
    """
    with open(path, "rb", buffering=BUFFER) as file:
        while line := file.readline(LONGEST_LINE + 1):
            yield line
            while len(line) > LONGEST_LINE and not line.endswith(b"\n"):
                line = file.readline(LONGEST_LINE + 1)


def read_object(raw: bytes) -> dict[str, Any] | Located:
    """Return the object on a line, or the first rule that the line breaks."""
    if found := next(broken("bytes", raw), None):
        return found
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return next(broken("broken line", raw.decode("utf-8")))
    return next(broken("value", value), value)


def objects_in(text: str) -> list[Any]:
    """Return the whole JSON values at the start of `text`."""
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
    return values


@rule("error", "first line")
def byte_order_mark(raw: bytes) -> Fault | None:
    if not raw.startswith(codecs.BOM_UTF8):
        return None
    cure = "save as UTF-8 without BOM (Azure's guide asks for one; OpenAI refuses it)"
    return Fault("", "the file starts with a byte order mark", cure)


@rule("warning", "bytes")
def blank_line(raw: bytes) -> Fault | None:
    if raw.strip():
        return None
    cure = "delete it; some services refuse a file with blank lines"
    return Fault("", "the line is blank", cure)


@rule("error", "bytes")
def line_too_long(raw: bytes) -> Fault | None:
    if len(raw) <= LONGEST_LINE:
        return None
    return Fault("", f"the line is longer than {LONGEST_LINE:,} bytes", "one example a line")


@rule("error", "bytes")
def not_utf8(raw: bytes) -> Fault | None:
    encoding = foreign_encoding(raw)
    if encoding is None:
        return None
    try:
        sound = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        sound = raw[: error.start].decode("utf-8")
    column = len(sound) + 1
    message = f"column {column} is not UTF-8; it looks like {encoding}"
    return Fault("", message, "save the file as UTF-8")


@rule("error", "bytes")
def json_array(raw: bytes) -> Fault | None:
    if not raw.lstrip().startswith(b"["):
        return None
    return Fault("", "the line starts a list", "write one object {…} a line, without [ ] around")


@rule("error", "broken line")
def two_objects(text: str) -> Fault | None:
    objects = objects_in(text.strip())
    if len(objects) < 2 or not all(isinstance(one, dict) for one in objects):
        return None
    return Fault("", f"{len(objects)} objects on one line", "put each object on its own line")


@rule("error", "broken line")
def indented_json(text: str) -> Fault | None:
    goes_on = text.startswith("{") and text.rstrip().endswith(("{", "[", ","))
    if not goes_on or objects_in(text):
        return None
    cure = "write each example on one line: json.dumps without indent"
    return Fault("", "the object goes on in the next lines", cure)


@rule("error", "broken line")
def broken_json(text: str) -> Fault:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        found, column = error.msg, error.colno
    return Fault("", f"broken JSON at column {column}: {found}", _cure(text[column - 1 :]))


def _cure(here: str) -> str:
    if here.startswith("'"):
        return 'JSON wants double quotes ("); json.dumps writes them'
    if here.startswith(("“", "”", "„")):
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

"""Read a file line by line, from bytes to objects, and name every line that holds none."""

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from helpers.checks.rules import Fault, Located, broken, rule, table
from helpers.text import foreign_encoding

# Ten images of 10 MB in base64 are the longest line a service takes; no more is held at once.
LONGEST_LINE = 160 * 1024 * 1024
LONGEST_IN_PRACTICE = 2 * 1024 * 1024  # what the practice server takes
BUFFER = 256 * 1024  # bytes read at once
# What broken JSON goes on with, and what to do about it.
HINTS = {
    ("'",): 'JSON wants double quotes ("); json.dumps writes them',
    ("“", "”", "„"): 'replace the curly quotes by straight ones (")',
    ("None", "True", "False", "NaN", "Infinity", "-Infinity"):
        "JSON knows null, true, false and finite numbers only; json.dumps writes them",
    (",",): "delete the comma",
    tuple(map(chr, range(32))):
        "the line ends too early, or holds a bare line end or tab (write \\n, \\t)",
}  # fmt: skip


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


# fmt: off
table("first line", rows=[
    ("byte_order_mark", "error", "", lambda raw: raw.startswith(codecs.BOM_UTF8),
     "the file starts with a byte order mark",
     "save as UTF-8 without BOM (Azure's guide asks for one; OpenAI refuses it)"),
])
table("bytes", rows=[
    ("empty_line", "warning", "", lambda raw: not raw.strip(),
     "the line is empty", "delete it; some services refuse a file with empty lines"),
    ("line_too_long", "error", "", lambda raw: len(raw) > LONGEST_LINE,
     f"the line is longer than {LONGEST_LINE:,} bytes", "one example a line"),
])
# fmt: on


@rule("error", "bytes")
def not_utf8(raw: bytes) -> Fault | None:
    encoding = foreign_encoding(raw)
    if encoding is None:
        return None
    try:
        readable = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        readable = raw[: error.start].decode("utf-8")
    message = f"column {len(readable) + 1} is not UTF-8; it looks like {encoding}"
    return Fault("", message, "save the file as UTF-8")


# fmt: off
table("bytes", rows=[
    ("json_array", "error", "", lambda raw: raw.lstrip().startswith(b"["),
     "the line starts a list", "write one object {…} a line, without [ ] around"),
])
table("value", rows=[
    ("not_an_object", "error", "", lambda value: not isinstance(value, dict),
     "the line holds {kind}: {1!r:.60}", "make it an object {…}"),
])
table("example line", rows=[
    ("long_line", "warning", "", lambda raw: len(raw) > LONGEST_IN_PRACTICE,
     f"the practice server takes lines of {LONGEST_IN_PRACTICE:,} bytes, and refuses this file",
     "shorten the example, or train on another service"),
])
table("formats", rows=[
    ("mixed_formats", "error", "", lambda formats: formats[0] != formats[1],
     "a {1[1]} example in a file of {1[0]} examples", "make it two files"),
])
# fmt: on


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
    fix = "write each example on one line: json.dumps without indent"
    return Fault("", "the object goes on in the next lines", fix)


@rule("error", "broken line")
def broken_json(text: str) -> Fault:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        found, column = error.msg, error.colno
    here = text[column - 1 :] or "\n"
    fix = "look there for a missing comma, quotation mark or bracket; json.dumps makes none"
    fix = next((hint for starts, hint in HINTS.items() if here.startswith(starts)), fix)
    return Fault("", f"broken JSON at column {column}: {found}", fix)


@rule("error", "value")
def nested_too_deeply(value: Any) -> Fault | None:
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return Fault("", "hundreds of levels within each other", "make the example flatter")
    return None

"""Read a file line by line, from bytes to objects, and name every line that holds none."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from helpers.checks.rules import Finding, error, kind, warning
from helpers.text import foreign_encoding

# fmt: off
# Ten images of 10 MB in base64 are the longest line a service takes; no more is held at once.
LONGEST_LINE = 160 * 1024 * 1024
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
    ("",): "look there for a missing comma, quotation mark or bracket; json.dumps makes none",
}


def read_lines(path: str | Path) -> Iterator[bytes]:
    """Yield each line with its end; of one too long to be judged a part that is still too long.

    Raises OSError if the file cannot be read.
    """
    with open(path, "rb", buffering=BUFFER) as file:
        while line := file.readline(LONGEST_LINE + 1):
            yield line
            while len(line) > LONGEST_LINE and not line.endswith(b"\n"):
                line = file.readline(LONGEST_LINE + 1)


def read_object(raw: bytes) -> dict[str, Any] | Finding:
    """Return the object on a line, or the first thing that is wrong with the line."""
    if not raw.strip():
        return warning("empty_line", "", "the line is empty",
                       "delete it; some services refuse a file with empty lines")
    if len(raw) > LONGEST_LINE:
        return error("line_too_long", "",
                     f"the line is longer than {LONGEST_LINE:,} bytes", "one example a line")
    if encoding := foreign_encoding(raw):
        # Python stands in a half of a surrogate pair, which no UTF-8 holds, for such a byte.
        text = raw.decode("utf-8", "surrogateescape")
        column = len(re.split("[\udc80-\udcff]", text, maxsplit=1)[0]) + 1
        return error("not_utf8", "", f"column {column} is not UTF-8; it looks like {encoding}",
                     "save the file as UTF-8")
    if raw.lstrip().startswith(b"["):
        return error("json_array", "", "the line starts a list",
                     "write one object {…} a line, without [ ] around")
    try:
        value = orjson.loads(raw)
        orjson.dumps(value)  # so that it can be compared
    except orjson.JSONDecodeError as refusal:
        return _why_no_json(refusal)
    except orjson.JSONEncodeError:
        return error("nested_too_deeply", "",
                     "hundreds of levels within each other", "make the example flatter")
    if isinstance(value, dict):
        return value
    return error("not_an_object", "", f"the line holds {kind(value)}: {value!r:.60}",
                 "make it an object {…}")


def _why_no_json(refusal: orjson.JSONDecodeError) -> Finding:
    text = refusal.doc
    objects = _objects_in(text.strip())
    if len(objects) > 1 and all(isinstance(one, dict) for one in objects):
        return error("two_objects", "",
                     f"{len(objects)} objects on one line", "put each object on its own line")
    if text.startswith("{") and not objects and text.rstrip().endswith(("{", "[", ",")):
        return error("indented_json", "", "the object goes on in the next lines",
                     "write each example on one line: json.dumps without indent")
    here = text[refusal.pos :] or "\n"
    fix = next(hint for starts, hint in HINTS.items() if here.startswith(starts))
    return error("broken_json", "", f"broken JSON at column {refusal.colno}: {refusal.msg}", fix)


def _objects_in(text: str) -> list[Any]:
    """Return the whole JSON values at the start of `text`."""
    decode, values, position = json.JSONDecoder().raw_decode, list[Any](), 0
    with suppress(ValueError, RecursionError):
        while True:
            value, position = decode(text, position)
            values.append(value)
            while text[position : position + 1] in (" ", "\t", ","):
                position += 1
    return values

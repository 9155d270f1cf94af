"""Read a file line by line, from bytes to objects, and name every line that holds none."""

import codecs
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from helpers.checks.report import Finding
from helpers.checks.rules import broken, error, warning
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
    ("",): "look there for a missing comma, quotation mark or bracket; json.dumps makes none",
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


def read_object(raw: bytes) -> dict[str, Any] | Finding:
    """Return the object on a line, or the first thing that is wrong with the line."""
    if found := next(broken(BYTES, raw), None):
        return found
    try:
        value = orjson.loads(raw)
        orjson.dumps(value)  # so that it can be compared
    except orjson.JSONDecodeError as refusal:
        return next(broken(JSON, (refusal, _objects_in(refusal.doc.strip()))))
    except orjson.JSONEncodeError:
        return next(broken(DEEP, raw))
    return next(broken(VALUE, value), value)


def _foreign(raw: bytes) -> tuple[int, str] | None:
    """Return the column that is not UTF-8, and what the line seems to be."""
    encoding = foreign_encoding(raw)
    if encoding is None:
        return None
    # Python stands in a half of a surrogate pair, which no UTF-8 holds, for such a byte.
    readable = re.split("[\udc80-\udcff]", raw.decode("utf-8", "surrogateescape"), maxsplit=1)[0]
    return len(readable) + 1, encoding


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


def _hint(refused: tuple[orjson.JSONDecodeError, list[Any]]) -> str:
    here = refused[0].doc[refused[0].pos :] or "\n"
    return next(hint for starts, hint in HINTS.items() if here.startswith(starts))


# fmt: off
FIRST_LINE = [  # judge its bytes
    error("byte_order_mark", "", lambda raw: raw.startswith(codecs.BOM_UTF8),
          "the file starts with a byte order mark",
          "save as UTF-8 without BOM (Azure's guide asks for one; OpenAI refuses it)"),
]
BYTES = [  # judge those of any line; what breaks one of these holds no example
    warning("empty_line", "", lambda raw: not raw.strip(),
            "the line is empty", "delete it; some services refuse a file with empty lines"),
    error("line_too_long", "", lambda raw: len(raw) > LONGEST_LINE,
          f"the line is longer than {LONGEST_LINE:,} bytes", "one example a line"),
    error("not_utf8", "", _foreign,
          "column {0[0]} is not UTF-8; it looks like {0[1]}", "save the file as UTF-8"),
    error("json_array", "", lambda raw: raw.lstrip().startswith(b"["),
          "the line starts a list", "write one object {…} a line, without [ ] around"),
]
JSON = [  # judge why a line is none, and the whole values at its start
    error("two_objects", "",
          lambda refused: len(refused[1]) > 1 and {type(one) for one in refused[1]} == {dict}
          and len(refused[1]),
          "{0} objects on one line", "put each object on its own line"),
    error("indented_json", "",
          lambda refused: refused[0].doc.startswith("{") and not refused[1]
          and refused[0].doc.rstrip().endswith(("{", "[", ",")),
          "the object goes on in the next lines",
          "write each example on one line: json.dumps without indent"),
    error("broken_json", "", _hint, "broken JSON at column {1[0].colno}: {1[0].msg}", str),
]
DEEP = [  # judges what orjson reads and does not write
    error("nested_too_deeply", "", lambda raw: True,
          "hundreds of levels within each other", "make the example flatter"),
]
VALUE = [  # judge what a line of correct JSON holds
    error("not_an_object", "", lambda value: not isinstance(value, dict),
          "the line holds {kind}: {1!r:.60}", "make it an object {…}"),
]
EXAMPLE_LINE = [  # judge the bytes of a line that holds an example
    warning("long_line", "", lambda raw: len(raw) > LONGEST_IN_PRACTICE,
            f"the practice server takes lines of {LONGEST_IN_PRACTICE:,} bytes, "
            "and refuses this file", "shorten the example, or train on another service"),
]
FORMATS = [  # judge the file's format and that of an example
    error("mixed_formats", "", lambda formats: formats[0] != formats[1],
          "a {1[1]} example in a file of {1[0]} examples", "make it two files"),
]

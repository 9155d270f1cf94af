"""Fix what can be fixed without touching an example, and say what was changed."""

import codecs
from collections.abc import Iterable, Iterator
from pathlib import Path

from helpers.checks.examples import format_of
from helpers.checks.lines import read_object
from helpers.checks.seen import mark
from helpers.preparing.write import write_lines
from helpers.text import foreign_encoding

Change = tuple[int, str]  # a line of the input, counted from 1, and what was changed there


def fix_file(path: str | Path, out: str | Path) -> list[Change]:
    """Write a repaired copy of the file at `path` to `out`; return the changes.

    Fixed: byte order mark, empty lines, spaces at the end of a line, exact duplicates. The rest
    stays as it is, for the checker to name. Holds one line at a time, and a mark of each.

    Raises OSError if a file cannot be opened, ValueError if `out` is the input itself, or if the
    input is UTF-16, whose lines are not lines of bytes.
    """
    if Path(out).resolve() == Path(path).resolve():
        raise ValueError(f"{out} is the input, which is never overwritten; choose another name")
    changes: list[Change] = []
    with open(path, "rb") as file:
        encoding = foreign_encoding(file.readline())
        if encoding and encoding.startswith("UTF-"):
            raise ValueError(f"{path} looks like {encoding}; save it as UTF-8 first")
        file.seek(0)
        write_lines(out, _kept(file, changes))
    return changes


def _kept(lines: Iterable[bytes], changes: list[Change]) -> Iterator[bytes]:
    """Yield the lines to write, and add to `changes` what was changed."""
    seen: set[int] = set()
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip(b"\r\n")
        if number == 1 and line.startswith(codecs.BOM_UTF8):
            line = line.removeprefix(codecs.BOM_UTF8)
            changes.append((1, "byte order mark dropped"))
        if not line.strip():
            changes.append((number, "empty line dropped"))
            continue
        if line[-1:].isspace():
            line = line.rstrip()
            changes.append((number, "spaces at the end dropped"))
        example = read_object(line)
        if isinstance(example, dict) and format_of(example):
            if mark(example) in seen:
                changes.append((number, "dropped: the same example as before"))
                continue
            seen.add(mark(example))
        yield line

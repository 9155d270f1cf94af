"""Mend what can be mended without guessing, and say what was changed."""

import codecs
import json
from collections import deque
from collections.abc import Iterator
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from helpers.checks.examples import KEYS as EXAMPLE_KEYS
from helpers.checks.messages import ALL_KEYS, ROLES, intended_role, is_assistant
from helpers.checks.rules import did_you_mean
from helpers.preparing.write import write_lines
from helpers.text import BYTE_ORDER_MARKS

Change = tuple[int, str]  # a line of the input, counted from 1, and what was changed there


def fix_file(path: str | Path, out: str | Path, *, progress: bool = False) -> list[Change]:
    """Write a repaired copy of the file at `path` to `out`; return the changes.

    `progress` shows after two seconds how many lines are done.

    Mended: encodings that name themselves, byte order mark, blank lines, several objects on a
    line, lists and indented objects, misspelt keys and roles, weights such as 1.0 or "1",
    weights on messages that have none, exact duplicates. What would need a guess stays as it
    is, for the checker to name. Holds one example at a time, and 16 bytes of each; a list that
    is the whole file it holds whole.

    Raises OSError if a file cannot be opened, ValueError if `out` is the input itself.
    """
    path, out = Path(path), Path(out)
    if out.resolve() == path.resolve():
        raise ValueError(f"{out} is the input, which is never overwritten; choose another name")
    changes: list[Change] = []
    lines = _kept(path, changes)
    if progress:
        from tqdm import tqdm

        lines = tqdm(lines, unit=" lines", delay=2, leave=False)
    write_lines(out, lines)
    return changes


def _kept(path: Path, changes: list[Change]) -> Iterator[bytes]:
    """Yield the lines to write, and add to `changes` what was changed."""
    encoding, what = _encoding(path)
    changes += [(1, one) for one in what]
    seen: set[bytes] = set()
    # Bytes that are no UTF-8 come through as they are: Python keeps them as lone surrogates.
    errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
    with open(path, encoding=encoding, errors=errors, newline="\n") as file:
        for number, line, what in _mended_lines(file):
            mark = line and blake2b(_sorted(line), digest_size=16).digest()
            if mark in seen:
                what = [*what, "dropped: the same example as before"]
            elif mark:
                seen.add(mark)
                yield line
            changes += [(number, one) for one in what]


def _sorted(line: bytes) -> bytes:
    """Return the line so that the same examples are the same bytes, whatever their keys' order."""
    try:
        return orjson.dumps(orjson.loads(line), option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return line


def _encoding(path: Path) -> tuple[str, list[str]]:
    """Return the encoding that the file names by its first bytes, and what changes with it."""
    with open(path, "rb") as file:
        start = file.read(4)
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig", ["byte order mark dropped"]
    encoding = next((name for mark, name in BYTE_ORDER_MARKS if start.startswith(mark)), None)
    if encoding is None or not _decodes(path, encoding):
        return "utf-8", []
    return encoding, [f"written as UTF-8 instead of {encoding}"]


def _decodes(path: Path, encoding: str) -> bool:
    try:
        with open(path, encoding=encoding, newline="\n") as file:
            return all(True for _ in file)
    except UnicodeDecodeError:
        return False


def _mended_lines(lines: Iterator[str]) -> Iterator[tuple[int, bytes | None, list[str]]]:
    """Yield (line number in the input, line to write or None, what was changed)."""
    held: deque[str] = deque()
    number = 1
    while held or _hold(held, lines, 1):
        used = 1
        if not held[0].strip():
            yield number, None, ["blank line dropped"]
        else:
            values, source = _first_values(held, lines)
            if values is None:
                yield number, held[0].rstrip("\r\n").encode("utf-8", "surrogateescape"), []
            else:
                yield from _written(number, values, source)
                used = source.count("\n") + 1
        for _ in range(used):
            held.popleft()
        number += used


def _hold(held: deque[str], lines: Iterator[str], n: int) -> bool:
    """Read up to `n` more lines; return whether there were any."""
    before = len(held)
    held.extend(islice(lines, n))
    return len(held) > before


def _first_values(held: deque[str], lines: Iterator[str]) -> tuple[list[Any] | None, str]:
    """Return the objects that start on the first line held, and their source.

    Reads on, twice as far each time, while they do not end with a line. (None, "") if what
    stands there is broken.
    """
    n = 1
    while True:
        text = "".join(islice(held, n))
        values, end = _values_from(text)
        if values is not None:
            return values, text[:end]
        if end < len(text.rstrip()) or not (n < len(held) or _hold(held, lines, n)):
            return None, ""
        n = min(2 * n, len(held))


def _values_from(text: str) -> tuple[list[Any] | None, int]:
    """Return the objects that `text` starts with, up to a line end, and where that is.

    A list is opened: its items are the objects. If they are broken: None, and where.
    """
    decoder = json.JSONDecoder(parse_constant=_refuse)
    values: list[Any] = []
    position = 0
    while position < len(text) and text[position] != "\n":
        if text[position] in " \t\r,":
            position += 1
            continue
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            return None, error.pos
        except (ValueError, RecursionError):
            return None, position
        is_list_of_objects = isinstance(value, list) and all(type(one) is dict for one in value)
        values += value if is_list_of_objects else [value]
    return values, position


def _written(
    number: int, values: list[Any], source: str
) -> Iterator[tuple[int, bytes | None, list[str]]]:
    reshaped = _reshaped(values, source)
    mended = [mend(value) for value in values]
    try:
        lines = [orjson.dumps(value) for value, _ in mended]
    except TypeError:  # broken characters or numbers that JSON libraries disagree on
        lines = []
    if not lines or not (reshaped or mended[0][1]):
        yield number, source.strip().encode("utf-8", "surrogateescape"), []
        return
    for line, (_, what) in zip(lines, mended, strict=True):
        yield number, line, [*reshaped, *what]
        reshaped = []  # said once


def _reshaped(values: list[Any], source: str) -> list[str]:
    if source.lstrip().startswith("[") and not any(isinstance(one, list) for one in values):
        return ["list opened: one example a line"]
    if "\n" in source.strip():
        return ["object written on one line"]
    if len(values) > 1:
        return [f"{len(values)} objects put on lines of their own"]
    return ["comma after the object dropped"] if source.rstrip().endswith(",") else []


def mend(example: Any) -> tuple[Any, list[str]]:
    """Return a mended copy of an example, and what was changed; never guesses."""
    if not isinstance(example, dict):
        return example, []
    known = next((keys for keys in EXAMPLE_KEYS.values() if example.keys() & set(keys)), None)
    every_key = known or sum(EXAMPLE_KEYS.values(), ())
    example, what = _keys_mended(example, every_key)
    for place, messages in _lists_of_messages(example):
        for i, message in enumerate(messages):
            if isinstance(message, dict):
                messages[i], changes = _message_mended(message)
                what += [f"{place}[{i}]: {change}" for change in changes]
    return example, what


def _lists_of_messages(example: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Copy each list of messages within `example`, and yield the copy for changing."""
    for key in ("messages", "preferred_output", "non_preferred_output"):
        if isinstance(example.get(key), list):
            example[key] = list(example[key])
            yield key, example[key]
    given = example.get("input")
    if isinstance(given, dict) and isinstance(given.get("messages"), list):
        example["input"] = {**given, "messages": list(given["messages"])}
        yield "input.messages", example["input"]["messages"]


def _message_mended(message: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    message, what = _keys_mended(message, ALL_KEYS)
    role = message.get("role")
    intended = "system" if role == "developer" else intended_role(role)
    if intended and role != intended and (role not in ROLES or role == "developer"):
        message["role"] = intended
        what.append(f"role {role!r} is now {intended!r}")
    if "weight" in message and message.get("role") in ROLES and not is_assistant(message):
        del message["weight"]
        what.append("weight dropped: only the assistant's messages have one")
    weight = message.get("weight")
    meant = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "False": 0, "True": 1}.get(str(weight))
    if meant is not None and type(weight) is not int:
        message["weight"] = meant
        what.append(f"weight {weight!r} is now {meant}")
    return message, what


def _keys_mended(
    thing: dict[str, Any], known: tuple[str, ...]
) -> tuple[dict[str, Any], list[str]]:
    mended, what = {}, []
    for key, value in thing.items():
        near = None if key in known else did_you_mean(key, known)
        if near and near not in thing and near not in mended:
            what.append(f"key {key!r} is now {near!r}")
            key = near
        mended[key] = value
    return mended, what


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")

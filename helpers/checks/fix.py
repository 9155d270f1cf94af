"""Mend what can be mended without guessing, and say what was changed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from helpers.checks.examples import KEYS as EXAMPLE_KEYS
from helpers.checks.messages import ALL_KEYS, ROLES, intended_role, is_assistant
from helpers.checks.rules import did_you_mean
from helpers.preparing.write import write_lines
from helpers.text import BYTE_ORDER_MARKS

Change = tuple[int, str]  # a line of the input, counted from 1, and what was changed there


def fix_file(path: str | Path, out: str | Path) -> list[Change]:
    """Write a repaired copy of the file at `path` to `out`; return the changes.

    Mended: encodings that name themselves, byte order mark, blank lines, several objects on a
    line, lists and indented objects, misspelt keys and roles, weights such as 1.0 or "1",
    weights on messages that have none, exact duplicates. What would need a guess stays as it
    is, for the checker to name. Holds the file in memory.

    Raises OSError if a file cannot be opened, ValueError if `out` is the input itself.
    """
    path, out = Path(path), Path(out)
    if out.resolve() == path.resolve():
        raise ValueError(f"{out} is the input, which is never overwritten; choose another name")
    text, changes = _decoded(path.read_bytes())
    seen: set[bytes] = set()
    lines = []
    for number, line, what in _mended_lines(text):
        if line is not None and _sorted(line) in seen:
            what = [*what, "dropped: the same example as before"]
        elif line is not None:
            lines.append(line)
            seen.add(_sorted(line))
        changes += [(number, one) for one in what]
    write_lines(out, lines)
    return changes


def _sorted(line: bytes) -> bytes:
    """Return the line so that the same examples are the same bytes, whatever their keys' order."""
    try:
        return orjson.dumps(orjson.loads(line), option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return line


def _decoded(data: bytes) -> tuple[str, list[Change]]:
    """Bytes that are no UTF-8 come through as they are: Python keeps them as lone surrogates."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding), [(1, f"written as UTF-8 instead of {encoding}")]
            except UnicodeDecodeError:
                break
    text = data.decode("utf-8", "surrogateescape")
    if text.startswith("\ufeff"):
        return text[1:], [(1, "byte order mark dropped")]
    return text, []


def _mended_lines(text: str) -> Iterator[tuple[int, bytes | None, list[str]]]:
    """Yield (line number in the input, line to write or None, what was changed)."""
    position, number = 0, 1
    while position < len(text):
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        line = text[position:end]
        if not line.strip():
            yield number, None, ["blank line dropped"]
        else:
            values, stop = _values_from(text, position)
            if values is None:
                yield number, line.rstrip("\r").encode("utf-8", "surrogateescape"), []
            else:
                yield from _written(number, values, text[position:stop])
                end = stop
        number += text.count("\n", position, end) + 1
        position = end + 1


def _values_from(text: str, position: int) -> tuple[list[Any] | None, int]:
    """Return the objects that start at `position` and end with some line, and where that is.

    A list is opened: its items are the objects. (None, position) if there is nothing sound.
    """
    decoder = json.JSONDecoder(parse_constant=_refuse)
    values: list[Any] = []
    while position < len(text) and text[position] != "\n":
        if text[position] in " \t\r,":
            position += 1
            continue
        try:
            value, position = decoder.raw_decode(text, position)
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

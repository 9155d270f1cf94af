"""The rules for training files, with the texts in which the service refuses them.

A file is read line by line, and no line is longer than LONGEST_LINE, so that a file's size costs
time but no memory. The first fault ends the check. Lines, examples and messages are counted from
1; an example's number is its line's.
"""

from __future__ import annotations

import collections
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from practice_server.formats import messages
from practice_server.formats.messages import Fault

FEWEST_EXAMPLES = 10
# In bytes; several times what any model sees. In memory a line may take thirty times as much.
LONGEST_LINE = 2 * 1024 * 1024
CHAT_KEYS = {"messages", "tools", "parallel_tool_calls", "functions"}
COMPLETION_KEYS = {"prompt", "completion"}
PREFERENCE_KEYS = {"input", "preferred_output", "non_preferred_output"}
INPUT_KEYS = {"messages", "tools", "parallel_tool_calls"}
# By the first example's keys: the name of its format, and the method that trains on it.
FORMATS = (
    (CHAT_KEYS, "fine-tune-chat", "supervised"),
    (COMPLETION_KEYS, "fine-tune-completion", "supervised"),
    (PREFERENCE_KEYS, "fine-tune-preference", "dpo"),
)
NOT_JSONL = (
    "Expected file to have JSONL format, where every line is a valid JSON dictionary. "
    'Line {number} {reason} (HINT: line starts with: "{start}").'
)


class NotJsonLines(Exception):
    """A line is not a JSON object; the message names it."""


class FileRefused(Exception):
    """A file cannot be trained on; `code` and message are those of the job's error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Role:
    """What a file is for in its job."""

    name: str
    param: Literal["training_file", "validation_file"]
    fewest: int


TRAINING = Role("training", "training_file", FEWEST_EXAMPLES)
VALIDATION = Role("validation", "validation_file", 1)


def read_examples(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line's number and its JSON object; blank lines are passed over. Raises NotJsonLines."""
    with path.open("rb") as file:
        lines = iter(lambda: file.readline(LONGEST_LINE + 1), b"")
        for number, line in enumerate(lines, start=1):
            if not line.isspace():
                yield number, _read_line(number, line)


def _read_line(number: int, line: bytes) -> dict[str, Any]:
    if len(line) > LONGEST_LINE:
        reason = f"has more than {LONGEST_LINE} bytes; every example stands on a line of its own"
        raise _not_json_lines(number, reason, line)
    try:
        example = orjson.loads(line)
    except orjson.JSONDecodeError:
        example = None
    if not isinstance(example, dict):
        raise _not_json_lines(number, "is not a dictionary", line)
    return example


def _not_json_lines(number: int, reason: str, line: bytes) -> NotJsonLines:
    return NotJsonLines(NOT_JSONL.format(number=number, reason=reason, start=_start_of(line)))


def _start_of(line: bytes) -> str:
    start = line[:200].decode("utf-8", "backslashreplace").rstrip("\r\n")[:20]
    return start.replace("\ufeff", "\\ufeff")


def check_json_lines(path: Path) -> None:
    """The check at upload: every line is a JSON object. Raises NotJsonLines."""
    collections.deque(read_examples(path), maxlen=0)  # each is forgotten before the next is read


def check_file(path: Path, file_id: str, role: Role, method: str = "supervised") -> int:
    """The check of a job's file; returns the number of examples. Raises FileRefused.

    `method`: `supervised` or `dpo`; each trains on formats of its own.
    """
    count, check = 0, None
    try:
        for number, example in read_examples(path):
            check = check or _check_of_format(example, file_id, method)
            check(number, example)
            count += 1
    except (Fault, NotJsonLines) as fault:
        raise refusal(fault, role) from fault
    if count < role.fewest:
        raise FileRefused("invalid_n_examples", too_few(role, count))
    return count


def too_few(role: Role, count: int) -> str:
    """What the service says of a file with so few examples."""
    return (
        f"{role.name.capitalize()} file has {count} example(s),"
        f" but must have at least {role.fewest} examples"
    )


def refusal(fault: Exception, role: Role) -> FileRefused:
    """In the service's words: the file of this role cannot be trained on because of a fault."""
    if getattr(fault, "is_format_error", False):
        code = "invalid_file_format"
        reason = f"a file format error in the {role.name} file"
    else:
        code = f"invalid_{role.param}"
        reason = f"an invalid {role.name} file"
    return FileRefused(code, f"The job failed due to {reason}. {fault}")


def _check_of_format(
    first: dict[str, Any], file_id: str, method: str
) -> Callable[[int, dict], None]:
    """The first example decides which format all must have."""
    for keys, name, its_method in FORMATS:
        if not keys & first.keys():
            continue
        if its_method != method:
            raise Fault(
                f"Invalid file format. Input file {file_id} is in the {name} format,"
                f" but the specified fine-tuning job is not using '{its_method}' as the training"
                f" method (provided method={method}). "
            )
        return CHECKS[name]
    raise Fault(
        "Unexpected file format, expected either prompt/completion pairs or chat messages."
    )


def _check_chat(number: int, example: dict[str, Any]) -> None:
    if "messages" not in example:
        raise Fault(f"Invalid file format. Example {number} is missing key 'messages'")
    _refuse_extra(number, example, CHAT_KEYS)
    messages.check_messages(number, example["messages"])
    messages.check_tools(number, example)


def _check_completion(number: int, example: dict[str, Any]) -> None:
    for key in ("prompt", "completion"):
        if key not in example:
            raise Fault(f"Invalid file format. Example {number} is missing key '{key}'")
        if not isinstance(example[key], str):
            raise Fault(
                f'Invalid file format. Line {number}, key "{key}": Input should be a valid string'
            )
    _refuse_extra(number, example, COMPLETION_KEYS)


def _check_preference(number: int, example: dict[str, Any]) -> None:
    for key in ("input", "preferred_output", "non_preferred_output"):
        if key not in example:
            raise Fault(f"Invalid file format. Example {number} is missing key '{key}'")
    _refuse_extra(number, example, PREFERENCE_KEYS)
    given = example["input"]
    if not isinstance(given, dict):
        raise Fault(
            f'Invalid file format. Line {number}, key "input": Input should be a valid dictionary'
        )
    if "messages" not in given:
        raise Fault(f"Invalid file format. Example {number} is missing key 'input.messages'")
    _refuse_extra(number, given, INPUT_KEYS)
    messages.check_conversation(number, given["messages"])
    messages.check_tools(number, given)
    for key in ("preferred_output", "non_preferred_output"):
        messages.check_output(number, key, example[key])


def _refuse_extra(number: int, example: dict[str, Any], known: set[str]) -> None:
    if example.keys() - known:
        key = next(key for key in example if key not in known)
        raise Fault(
            f"Invalid file format. Example {number} contains an extra {json.dumps(key)}.",
            is_format_error=True,
        )


CHECKS = {
    "fine-tune-chat": _check_chat,
    "fine-tune-completion": _check_completion,
    "fine-tune-preference": _check_preference,
}

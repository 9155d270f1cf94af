"""The rules for the messages and tools of one chat example."""

from __future__ import annotations

import json
from typing import Any

MOST_FUNCTIONS = 128
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
ALLOWED_KEYS = {
    "system": {"role", "content", "name"},
    "developer": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {
        "role",
        "content",
        "name",
        "weight",
        "refusal",
        "tool_calls",
        "function_call",
    },
    "tool": {"role", "content", "tool_call_id", "name"},
    "function": {"role", "content", "name"},
}


class Fault(Exception):
    """What is wrong with an example; `is_format_error` for a key that the format does not have."""

    def __init__(self, message: str, *, is_format_error: bool = False) -> None:
        super().__init__(message)
        self.is_format_error = is_format_error


def check_conversation(line: int, messages: Any) -> None:
    """Raises Fault unless `messages` are a list of messages, at least one."""
    if not isinstance(messages, list):
        raise _fault(line, None, "messages", "Input should be a valid list")
    if not messages:
        raise _fault(line, None, "messages", "List should have at least 1 item")
    for number, message in enumerate(messages, start=1):
        _check_message(line, number, message)


def check_messages(line: int, messages: Any) -> None:
    """Raises Fault unless `messages` are a conversation with something to learn."""
    check_conversation(line, messages)
    if not any(message["role"] == "assistant" for message in messages):
        raise Fault(
            f"Invalid file format. Example {line} must have at least one message"
            " from the assistant"
        )
    if not any(_is_learnt(message) for message in messages):
        raise Fault(
            f"Invalid file format. Example {line} has weight 0 on every message from the"
            " assistant, so there is nothing to learn from it"
        )


def _is_learnt(message: dict[str, Any]) -> bool:
    return message["role"] == "assistant" and message.get("weight") != 0


def _check_message(line: int, number: int, message: Any) -> None:
    if not isinstance(message, dict):
        raise Fault(
            f"Invalid file format. Example {line}, message {number}"
            " Input should be a valid dictionary"
        )
    role, content = message.get("role"), message.get("content")
    # Nearly all messages of a large file are like this, and nothing can be wrong with them.
    if len(message) == 2 and role in ("system", "user", "assistant") and isinstance(content, str):
        return
    if "role" not in message:
        raise Fault(
            f"Invalid file format. Example {line}, message {number}"
            " Discriminator 'role' is missing in value"
        )
    if not isinstance(role, str) or role not in ALLOWED_KEYS:
        expected = ", ".join(f"'{known}'" for known in ROLES)
        raise Fault(
            f"Invalid file format. Example {line}, message {number} Input tag {role!r} found"
            f" using 'role' does not match any of the expected tags: {expected}"
        )
    _check_keys(line, number, message)
    _check_content(line, number, message)


def _check_keys(line: int, number: int, message: dict[str, Any]) -> None:
    role = message["role"]
    for key in message:
        if key not in ALLOWED_KEYS[role]:
            raise _fault(line, number, key, "Extra inputs are not permitted")
    if not isinstance(message.get("name", ""), str):
        raise _fault(line, number, "name", "Input should be a valid string")
    weight = message.get("weight")
    if weight is not None and (isinstance(weight, bool | float) or weight not in (0, 1)):
        raise _fault(line, number, "weight", "Input should be 0 or 1")
    required = {"tool": "tool_call_id", "function": "name"}.get(role)
    if required and not isinstance(message.get(required), str):
        reason = "Input should be a valid string" if required in message else "Field required"
        raise _fault(line, number, required, reason)


def _check_content(line: int, number: int, message: dict[str, Any]) -> None:
    role, content = message["role"], message.get("content")
    if isinstance(content, list) and role not in ("tool", "function"):
        _check_parts(line, number, content)
    elif not isinstance(content, str) and not (content is None and _says_otherwise(message)):
        reason = "Input should be a valid string" if "content" in message else "Field required"
        raise _fault(line, number, "content", reason)
    if message.get("tool_calls") is not None:
        _check_calls(line, number, message["tool_calls"])
    if message.get("function_call"):
        _check_function(line, number, "function_call", message["function_call"])


def _says_otherwise(message: dict[str, Any]) -> bool:
    """Only the assistant's messages may speak by something else than their content."""
    return any(message.get(key) for key in ("tool_calls", "function_call", "refusal"))


def _check_parts(line: int, number: int, parts: list[Any]) -> None:
    for part in parts:
        if not isinstance(part, dict) or part.get("type") != "text":
            reason = "Input should be text; the practice server's models read nothing else"
            raise _fault(line, number, "content", reason)
        if not isinstance(part.get("text"), str):
            raise _fault(line, number, "content", 'Each part needs its "text" as a string')


def _check_calls(line: int, number: int, calls: Any) -> None:
    if not isinstance(calls, list):
        raise _fault(line, number, "tool_calls", "Input should be a valid list")
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        _check_function(line, number, "tool_calls", function)


def _check_function(line: int, number: int, key: str, function: Any) -> None:
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise _fault(line, number, key, "Each call needs a function with a name")
    if not isinstance(function.get("arguments"), str):
        reason = "The arguments of a call should be JSON written as a string"
        raise _fault(line, number, key, reason)


def check_output(line: int, key: str, output: Any) -> None:
    """Raises Fault unless `output`, an answer of a preference, is one message of the assistant."""
    if not isinstance(output, list) or len(output) != 1:
        raise _fault(line, None, key, "Input should be a list of exactly one message")
    try:
        check_messages(line, output)
    except Fault as fault:
        raise Fault(f"{fault} (in {json.dumps(key)})") from fault


def check_tools(line: int, example: dict[str, Any]) -> None:
    """Raises Fault unless the example's `tools` and `functions` are lists of named functions."""
    if not isinstance(example.get("parallel_tool_calls", False), bool):
        raise _fault(line, None, "parallel_tool_calls", "Input should be a valid boolean")
    for key in ("tools", "functions"):
        if example.get(key) is not None:
            _check_functions(line, key, example[key])


def _check_functions(line: int, key: str, functions: Any) -> None:
    if not isinstance(functions, list):
        raise _fault(line, None, key, "Input should be a valid list")
    if key == "functions" and not 1 <= len(functions) <= MOST_FUNCTIONS:
        raise _fault(line, None, key, f"List should have 1 to {MOST_FUNCTIONS} items")
    for function in functions:
        if key == "tools" and isinstance(function, dict):
            function = function.get("function")
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise _fault(line, None, key, "Each item needs a function with a name")


def _fault(line: int, number: int | None, key: str, reason: str) -> Fault:
    place = f"Line {line}" if number is None else f"Line {line}, message {number}"
    return Fault(f"Invalid file format. {place}, key {json.dumps(key)}: {reason}")

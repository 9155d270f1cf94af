"""Rules on one message: role, keys, content, weight, calls of tools."""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import orjson

from helpers.checks.examples import FUNCTION, MISFIT, NAMES
from helpers.checks.rules import (
    Fault,
    did_you_mean,
    is_misspelt,
    misfit_in,
    rule,
    shown,
    table,
    unknown_key,
)

Message = dict[str, Any]

ROLES = ("system", "user", "assistant", "tool", "function", "developer")
OTHER_ROLES = ("system", "user", "tool", "function", "developer")
OTHER_NAMES = {"human": "user", "customer": "user", "bot": "assistant", "ai": "assistant",
               "model": "assistant", "gpt": "assistant"}  # fmt: skip
KEYS_BY_ROLE = {
    "assistant": ("role", "content", "name", "weight", "refusal", "tool_calls", "function_call"),
    "tool": ("role", "content", "name", "tool_call_id"),
}
KEYS = ("role", "content", "name")
ALL_KEYS = (*KEYS_BY_ROLE["assistant"], "tool_call_id")
NAME = re.compile(r"[^\s<|\\/>]{1,64}")
ADDRESS = re.compile("https?://|data:image/")
CALLED = FUNCTION | {"arguments": str}
CALL = {"type": "function", "id": str, "function": CALLED}
AS_CALL = '{"id": "…", "type": "function", "function": {"name": "…", "arguments": "{…}"}}'
AS_TEXT = "write a JSON object as a text: json.dumps(arguments)"


def _lacks(key: str, message: Message) -> bool:
    return key not in message and not is_misspelt(key, message, ALL_KEYS)


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and NAME.fullmatch(name) is not None


def _says_otherwise(message: Message) -> bool:
    """Say whether an assistant's message has something else than content."""
    others = ("tool_calls", "function_call", "refusal")
    return message.get("role") == "assistant" and any(message.get(key) for key in others)


# fmt: off
table("no message", rows=[
    ("message_no_object", "error", "", lambda message: True,
     "the message is {kind}", 'write {"role": "…", "content": "…"}'),
])
table("message", rows=[
    ("role_missing", "error", "role", lambda message: _lacks("role", message),
     "the message has no role", f"write one of {', '.join(ROLES[:4])}"),
    ("role_developer", "warning", "role", lambda message: message.get("role") == "developer",
     "developer is not among the roles of training files", "write system, as every service takes"),
    ("weight_misplaced", "error", "weight",
     lambda message: "weight" in message and message.get("role") in OTHER_ROLES,
     "only the assistant's messages have a weight", "take it out"),
    ("weight_invalid", "error", "weight",
     lambda message: "weight" in message and repr(message["weight"]) not in ("0", "1"),
     "weight is {1!r:.60}", "write 0 (not trained on) or 1"),
    unknown_key("message_key_unknown", ALL_KEYS),
    ("key_misplaced", "error", "{0}", lambda message: _misplaced_key(message),
     "messages of this role have no {0}", "take it out"),
    ("content_missing", "error", "content",
     lambda message: _lacks("content", message) and not _says_otherwise(message),
     "the message has no content", 'write "content": "…"'),
    ("content_null", "error", "content",
     lambda message: message.get("content", "") is None and not _says_otherwise(message),
     "content is null", "write a text; only calls of tools need none"),
    ("content_no_text", "error", "content",
     lambda message: not isinstance(message.get("content"), str | list | None),
     "content is {kind}, not a text", "put it in quotation marks"),
    ("content_empty", "warning", "content",
     lambda message: isinstance(message.get("content"), str) and not message["content"].strip()
     and not _says_otherwise(message),
     "content is empty", "write the text, or delete the example"),
    ("content_parts_malformed", "error", "{0}",
     lambda message: isinstance(message.get("content"), list) and _parts_misfit(message),
     "neither a text nor a user's image with an address; a tool's message has no parts",
     'write {"type": "text", "text": "…"} or {"type": "image_url", "image_url": {"url": "https://…"}}'),
    ("image", "advice", "{0}", lambda message: _first_image(message),
     "an image", "train on a model that sees; the practice server refuses images"),
    ("tool_calls_malformed", "error", "{0[0]}",
     lambda message: message.get("tool_calls") == [] and ("tool_calls", "an empty list")
     or misfit_in("tool_calls", [CALL], message), MISFIT, f"write [{AS_CALL}]; {NAMES}"),
    ("function_call_malformed", "error", "{0[0]}", partial(misfit_in, "function_call", CALLED),
     MISFIT, f'write {{"name": "…", "arguments": "{{…}}"}}; {NAMES}'),
    ("name_invalid", "error", "name",
     lambda message: "name" in message and not _is_name(message["name"]),
     "name is {1!r:.60}", r"use 1 to 64 characters, no spaces, none of < | \ / >"),
    ("tool_call_id_missing", "error", "tool_call_id",
     lambda message: message.get("role") == "tool"
     and not isinstance(message.get("tool_call_id"), str)
     and not is_misspelt("tool_call_id", message, ALL_KEYS),
     "a tool's message must say which call it answers", "write the id of that call"),
    ("function_name_missing", "error", "name",
     lambda message: message.get("role") == "function" and "name" not in message,
     "a function's message must name the function", 'write "name": "…"'),
])
# fmt: on


def intended_role(role: Any) -> str | None:
    """Return the role that `role` is or clearly stands for; None if it is anybody's guess."""
    if not isinstance(role, str):
        return None
    return OTHER_NAMES.get(role.strip().lower()) or did_you_mean(role, ROLES)


@rule("error", "message")
def role_unknown(message: Message) -> Fault | None:
    if message.get("role", "user") in ROLES:
        return None
    intended = intended_role(message["role"])
    fix = f"did you mean {intended!r}?" if intended else f"use one of {', '.join(ROLES[:4])}"
    return Fault("role", f"unknown role {shown(message['role'])}", fix)


def _misplaced_key(message: Message) -> str | None:
    if message.get("role") not in ROLES:
        return None
    allowed = (*KEYS_BY_ROLE.get(message["role"], KEYS), "weight")
    return next((key for key in message if key in ALL_KEYS and key not in allowed), None)


def _first_image(message: Message) -> str | None:
    content = message.get("content")
    for i, part in enumerate(content if isinstance(content, list) else ()):
        if isinstance(part, dict) and part.get("type") == "image_url":
            return f"content[{i}]"
    return None


def _parts_misfit(message: Message) -> str | None:
    match message:
        case {"role": "tool" | "function", "content": list()} | {"content": []}:
            return "content"
        case {"content": list(parts)}:
            ways = (_part_misfit(part, message, f"content[{i}]") for i, part in enumerate(parts))
            return next(filter(None, ways), None)
    return None


def _part_misfit(part: Any, message: Message, way: str) -> str | None:
    match part:
        case {"type": "text"}:
            return None if isinstance(part.get("text"), str) else f"{way}.text"
        case {"type": "image_url"} if message.get("role") == "user":
            image = part.get("image_url")
            address = image.get("url") if isinstance(image, dict) else None
            is_correct = isinstance(address, str) and ADDRESS.match(address)
            return None if is_correct else f"{way}.image_url.url"
    return way


@rule("warning", "message")
def arguments_no_json(message: Message) -> Fault | None:
    for field, arguments in _arguments(message):
        try:
            is_correct = isinstance(orjson.loads(arguments), dict)
        except orjson.JSONDecodeError:
            is_correct = False
        if not is_correct:
            what = f"the arguments are no JSON object: {shown(arguments)}"
            return Fault(f"{field}.arguments", what, AS_TEXT)
    return None


def _arguments(message: Message) -> Iterator[tuple[str, str]]:
    calls = message.get("tool_calls")
    named = {"function_call": message.get("function_call")}
    for i, call in enumerate(calls if isinstance(calls, list) else ()):
        named[f"tool_calls[{i}].function"] = isinstance(call, dict) and call.get("function")
    for field, function in named.items():
        match function:
            case {"arguments": str(arguments)}:
                yield field, arguments

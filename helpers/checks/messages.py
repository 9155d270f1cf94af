"""Rules on one message: role, keys, content, weight, calls of tools."""

import re
from typing import Any

import orjson

from helpers.checks.examples import FUNCTION_NAME
from helpers.checks.rules import Fault, did_you_mean, is_misspelt, kind, rule, shown, unknown_key

ROLES = ("system", "user", "assistant", "tool", "function", "developer")
OTHER_NAMES = {"human": "user", "customer": "user", "bot": "assistant", "ai": "assistant",
               "model": "assistant", "gpt": "assistant"}  # fmt: skip
KEYS_BY_ROLE = {
    "assistant": ("role", "content", "name", "weight", "refusal", "tool_calls", "function_call"),
    "tool": ("role", "content", "name", "tool_call_id"),
}
KEYS = ("role", "content", "name")
ALL_KEYS = (*KEYS_BY_ROLE["assistant"], "tool_call_id")
NAME = re.compile(r"[^\s<|\\/>]{1,64}")

Message = dict[str, Any]


def intended_role(role: Any) -> str | None:
    """Return the role that `role` is or clearly stands for; None if it is anybody's guess."""
    if not isinstance(role, str):
        return None
    return OTHER_NAMES.get(role.strip().lower()) or did_you_mean(role, ROLES)


@rule("error", "no message")
def message_no_object(message: Any) -> Fault:
    cure = 'write {"role": "…", "content": "…"}'
    return Fault("", f"the message is {kind(message)}", cure)


@rule("error", "message")
def role_missing(message: Message) -> Fault | None:
    if "role" in message or is_misspelt("role", message, ALL_KEYS):
        return None
    return Fault("role", "the message has no role", f"write one of {', '.join(ROLES[:4])}")


@rule("error", "message")
def role_unknown(message: Message) -> Fault | None:
    if message.get("role", "user") in ROLES:
        return None
    intended = intended_role(message["role"])
    cure = f"did you mean {intended!r}?" if intended else f"use one of {', '.join(ROLES[:4])}"
    return Fault("role", f"unknown role {shown(message['role'])}", cure)


@rule("warning", "message")
def role_developer(message: Message) -> Fault | None:
    if message.get("role") != "developer":
        return None
    cure = "write system, which every service takes"
    return Fault("role", "developer is not among the roles of training files", cure)


@rule("error", "message")
def message_key_unknown(message: Message) -> Fault | None:
    return unknown_key(message, ALL_KEYS, "a message has no key")


@rule("error", "message")
def weight_misplaced(message: Message) -> Fault | None:
    role = message.get("role", "assistant")
    if "weight" not in message or role == "assistant" or role not in ROLES:
        return None
    return Fault("weight", "only the assistant's messages have a weight", "take it out")


@rule("error", "message")
def weight_invalid(message: Message) -> Fault | None:
    weight = message.get("weight", 1)
    if type(weight) is int and weight in (0, 1):
        return None
    return Fault("weight", f"weight is {shown(weight)}", "write 0 (not trained on) or 1")


@rule("error", "message")
def key_misplaced(message: Message) -> Fault | None:
    role = message.get("role")
    if role not in ROLES:
        return None
    allowed = (*KEYS_BY_ROLE.get(role, KEYS), "weight")
    misplaced = next((k for k in message if k in ALL_KEYS and k not in allowed), None)
    if misplaced is None:
        return None
    return Fault(misplaced, f"a message of {role} has no {misplaced}", "take it out")


@rule("error", "message")
def content_missing(message: Message) -> Fault | None:
    if "content" in message or _says_otherwise(message):
        return None
    if is_misspelt("content", message, ALL_KEYS):
        return None
    return Fault("content", "the message has no content", 'write "content": "…"')


@rule("error", "message")
def content_null(message: Message) -> Fault | None:
    if message.get("content", "") is not None or _says_otherwise(message):
        return None
    return Fault("content", "content is null", "write a text; only calls of tools need none")


@rule("error", "message")
def content_no_text(message: Message) -> Fault | None:
    content = message.get("content")
    if content is None or isinstance(content, str | list):
        return None
    return Fault("content", f"content is {kind(content)}, not a text", "put it in quotation marks")


@rule("warning", "message")
def content_empty(message: Message) -> Fault | None:
    content = message.get("content")
    if not isinstance(content, str) or content.strip() or _says_otherwise(message):
        return None
    return Fault("content", "content is empty", "write the text, or delete the example")


@rule("error", "message")
def content_parts_malformed(message: Message) -> Fault | None:
    content = message.get("content")
    if not isinstance(content, list):
        return None
    if message.get("role") in ("tool", "function"):
        return Fault("content", "the content of a tool's message is a list", "write one text")
    for i, part in enumerate(content):
        fault = _part_fault(f"content[{i}]", part, message.get("role"))
        if fault:
            return fault
    return None if content else Fault("content", "content is an empty list", "write a text")


@rule("advice", "message")
def image(message: Message) -> Fault | None:
    content = message.get("content")
    parts = enumerate(content) if isinstance(content, list) else ()
    for i, part in parts:
        if isinstance(part, dict) and part.get("type") == "image_url":
            cure = "train on a model that sees; the practice server refuses images"
            return Fault(f"content[{i}]", "an image", cure)
    return None


@rule("error", "message")
def name_invalid(message: Message) -> Fault | None:
    name = message.get("name", "none")
    if isinstance(name, str) and NAME.fullmatch(name):
        return None
    cure = r"use 1 to 64 characters, no blanks, none of < | \ / >"
    return Fault("name", f"name is {shown(name)}", cure)


@rule("error", "message")
def tool_calls_malformed(message: Message) -> Fault | None:
    calls = message.get("tool_calls")
    if calls is None:
        return None
    if not isinstance(calls, list) or not calls:
        return Fault("tool_calls", "tool_calls must be a list of calls", "write one, or none")
    for i, call in enumerate(calls):
        field = f"tool_calls[{i}]"
        if not isinstance(call, dict) or call.get("type") != "function":
            return Fault(field, "the call is of no function", _CALL)
        if not isinstance(call.get("id"), str):
            return Fault(f"{field}.id", "the call has no id", _CALL)
        fault = _call_fault(f"{field}.function", call.get("function"))
        if fault:
            return fault
    return None


@rule("error", "message")
def function_call_malformed(message: Message) -> Fault | None:
    call = message.get("function_call")
    return None if call is None else _call_fault("function_call", call)


@rule("warning", "message")
def arguments_no_json(message: Message) -> Fault | None:
    for field, arguments in _arguments(message):
        try:
            sound = isinstance(orjson.loads(arguments), dict)
        except orjson.JSONDecodeError:
            sound = False
        if not sound:
            cure = "write a JSON object as a text: json.dumps(arguments)"
            return Fault(field, f"the arguments are no JSON object: {shown(arguments)}", cure)
    return None


@rule("error", "message")
def tool_call_id_missing(message: Message) -> Fault | None:
    if message.get("role") != "tool" or isinstance(message.get("tool_call_id"), str):
        return None
    if is_misspelt("tool_call_id", message, ALL_KEYS):
        return None
    cure = "write the id of the call that this message answers"
    return Fault("tool_call_id", "a tool's message must say which call it answers", cure)


@rule("error", "message")
def function_name_missing(message: Message) -> Fault | None:
    if message.get("role") != "function" or "name" in message:
        return None
    return Fault("name", "a function's message must name the function", 'write "name": "…"')


_CALL = 'write {"id": "…", "type": "function", "function": {"name": "…", "arguments": "{…}"}}'


def _says_otherwise(message: Message) -> bool:
    """Say whether an assistant's message has something else than content."""
    others = ("tool_calls", "function_call", "refusal")
    return message.get("role") == "assistant" and any(message.get(key) for key in others)


def _part_fault(field: str, part: Any, role: Any) -> Fault | None:
    part_type = part.get("type") if isinstance(part, dict) else None
    if part_type == "text":
        if isinstance(part.get("text"), str):
            return None
        cure = 'write {"type": "text", "text": "…"}'
        return Fault(f"{field}.text", "the part has no text", cure)
    if part_type != "image_url":
        return Fault(field, "the part is neither text nor image_url", "take it out")
    if role != "user":
        return Fault(field, f"an image in a message of {shown(role)}", "only users show images")
    address = part["image_url"].get("url") if isinstance(part.get("image_url"), dict) else None
    if isinstance(address, str) and address.startswith(("https://", "http://", "data:image/")):
        return None
    cure = 'write "image_url": {"url": "https://…"}'
    return Fault(f"{field}.image_url.url", "the image has no address", cure)


def _call_fault(field: str, function: Any) -> Fault | None:
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        return Fault(field, "the call names no function", _CALL)
    if not FUNCTION_NAME.fullmatch(function["name"]):
        cure = "use up to 64 letters a-z, A-Z, digits, _ and -"
        return Fault(f"{field}.name", f"forbidden characters in {shown(function['name'])}", cure)
    if isinstance(function.get("arguments"), str):
        return None
    cure = "write a JSON object as a text: json.dumps(arguments)"
    return Fault(f"{field}.arguments", f"they are {kind(function.get('arguments'))}", cure)


def _arguments(message: Message) -> list[tuple[str, str]]:
    calls = message.get("tool_calls")
    named = [("function_call", message.get("function_call"))]
    for i, call in enumerate(calls if isinstance(calls, list) else ()):
        function = isinstance(call, dict) and call.get("function")
        named.append((f"tool_calls[{i}].function", function))
    return [
        (f"{field}.arguments", function["arguments"])
        for field, function in named
        if isinstance(function, dict) and isinstance(function.get("arguments"), str)
    ]

"""Rules on one message: role, keys, content, weight, calls of tools."""

import re
from contextlib import suppress
from typing import Any

import orjson

from helpers.checks.examples import FUNCTION, MISFIT, NAMES
from helpers.checks.rules import advice, did_you_mean, error, shown, warning
from helpers.checks.shapes import lacks, lacks_text, misfit, misfit_in, unknown_key

Message = dict[str, Any]

ROLES = ("system", "user", "assistant", "tool", "function", "developer")
OTHER_ROLES = [role for role in ROLES if role != "assistant"]
OTHER_NAMES = {"human": "user", "customer": "user", "bot": "assistant", "ai": "assistant",
               "model": "assistant", "gpt": "assistant"}  # fmt: skip
OTHER_CONTENTS = ("refusal", "tool_calls", "function_call")  # of an assistant's message
KEYS = ("role", "content", "name", "weight", *OTHER_CONTENTS, "tool_call_id")
MISPLACED = dict.fromkeys(ROLES, KEYS[4:]) | {"assistant": KEYS[-1:], "tool": OTHER_CONTENTS}
NAME = re.compile(r"[^\s<|\\/>]{1,64}")
ADDRESS = re.compile("https?://|data:image/")
CALLED = FUNCTION | {"arguments": str}
CALL = {"type": "function", "id": str, "function": CALLED}
AS_CALL = '{"id": "…", "type": "function", "function": {"name": "…", "arguments": "{…}"}}'


def _says_otherwise(message: Message) -> bool:
    """Say whether an assistant's message has something else than content."""
    return message.get("role") == "assistant" and any(map(message.get, OTHER_CONTENTS))


def _misplaced_keys(message: Message) -> list[str]:
    role = message.get("role")
    return [key for key in message if role in ROLES and key in MISPLACED[role]]


def _parts(message: Message) -> list[Any]:
    content = message.get("content")
    return content if isinstance(content, list) else []


def _parts_misfit(message: Message) -> str | None:
    role, parts = message.get("role"), _parts(message)
    if message.get("content") == [] or parts and role in ("tool", "function"):
        return "content"
    for i, part in enumerate(parts):
        match role, part:
            case _, {"type": "text", "text": str()}:
                continue
            case "user", {"type": "image_url", "image_url": {"url": str(url)}} if ADDRESS.match(
                url
            ):
                continue
            case _, {"type": "text"}:
                return f"content[{i}].text"
            case "user", {"type": "image_url"}:
                return f"content[{i}].image_url.url"
        return f"content[{i}]"
    return None


def _unknown_role(message: Message) -> tuple[str, str] | None:
    """Return a role that is none, and what to do; a role may stand for one of ours."""
    role = message.get("role", "user")
    if role in ROLES:
        return None
    name = role if isinstance(role, str) else ""
    meant = OTHER_NAMES.get(name.strip().lower()) or did_you_mean(name, ROLES)
    advised = f"did you mean {meant!r}?" if meant else f"use one of {', '.join(ROLES[:4])}"
    return shown(role), advised


def _bad_arguments(message: Message) -> tuple[str, str] | None:
    """Return the way to the first arguments that are no JSON object, and what they are."""
    calls = message.get("tool_calls")
    functions = {"function_call": message.get("function_call")}
    for i, call in enumerate(calls if isinstance(calls, list) else ()):
        functions[f"tool_calls[{i}].function"] = isinstance(call, dict) and call.get("function")
    for way, function in functions.items():
        match function:
            case {"arguments": str(arguments)}:
                with suppress(orjson.JSONDecodeError):
                    if isinstance(orjson.loads(arguments), dict):
                        continue
                return f"{way}.arguments", shown(arguments)
    return None


# fmt: off
NO_MESSAGE = [error("message_no_object", "", lambda message: True,
                    "the message is {kind}", 'write {"role": "…", "content": "…"}')]
MESSAGE = [
    error("role_missing", "role", lambda message: lacks("role", message, KEYS),
          "the message has no role", f"write one of {', '.join(ROLES[:4])}"),
    warning("role_developer", "role", lambda message: message.get("role") == "developer",
            "developer is not among the roles of training files",
            "write system, as every service takes"),
    error("weight_misplaced", "weight",
          lambda message: "weight" in message and message.get("role") in OTHER_ROLES,
          "only the assistant's messages have a weight", "take it out"),
    error("weight_invalid", "weight",
          lambda message: "weight" in message and repr(message["weight"]) not in ("0", "1"),
          "weight is {1!r:.60}", "write 0 (not trained on) or 1"),
    unknown_key("message_key_unknown", KEYS),
    error("key_misplaced", "{0[0]}", _misplaced_keys,
          "messages of this role have no {0[0]}", "take it out"),
    error("content_missing", "content",
          lambda message: lacks("content", message, KEYS) and not _says_otherwise(message),
          "the message has no content", 'write "content": "…"'),
    error("content_null", "content",
          lambda message: message.get("content", "") is None and not _says_otherwise(message),
          "content is null", "write a text; only calls of tools need none"),
    error("content_no_text", "content",
          lambda message: not isinstance(message.get("content"), str | list | None),
          "content is {kind}, not a text", "put it in quotation marks"),
    warning("content_empty", "content",
            lambda message: not str(message.get("content")).strip()
            and not _says_otherwise(message),
            "content is empty", "write the text, or delete the example"),
    error("content_parts_malformed", "{0}", _parts_misfit,
          "neither a text nor a user's image with an address; a tool's message has no parts",
          'write {"type": "text", "text": "…"} '
          'or {"type": "image_url", "image_url": {"url": "https://…"}}'),
    advice("image", "content[{0[0]}]",
           lambda message: [i for i, part in enumerate(_parts(message))
                            if isinstance(part, dict) and part.get("type") == "image_url"],
           "an image", "train on a model that sees; the practice server refuses images"),
    error("tool_calls_malformed", "{0[0]}",
          lambda message: message.get("tool_calls") == [] and ("tool_calls", "an empty list")
          or misfit_in("tool_calls", [CALL])(message), MISFIT, f"write [{AS_CALL}]; {NAMES}"),
    error("function_call_malformed", "{0[0]}", misfit_in("function_call", CALLED),
          MISFIT, f'write {{"name": "…", "arguments": "{{…}}"}}; {NAMES}'),
    error("name_invalid", "name",
          lambda message: "name" in message and misfit(message["name"], NAME, "name"),
          "name is {1!r:.60}", r"use 1 to 64 characters, no spaces, none of < | \ / >"),
    error("tool_call_id_missing", "tool_call_id",
          lambda message: message.get("role") == "tool"
          and lacks_text("tool_call_id", message, KEYS),
          "a tool's message must say which call it answers", "write the id of that call"),
    error("function_name_missing", "name",
          lambda message: message.get("role") == "function" and "name" not in message,
          "a function's message must name the function", 'write "name": "…"'),
    error("role_unknown", "role", _unknown_role,
          "unknown role {0[0]}", lambda found: found[1]),
    warning("arguments_no_json", "{0[0]}", _bad_arguments,
            "the arguments are no JSON object: {0[1]}",
            "write a JSON object as a text: json.dumps(arguments)"),
]

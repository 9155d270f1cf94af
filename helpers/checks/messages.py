"""Rules on messages: each by itself, and who speaks when."""

import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import orjson

from helpers.checks.rules import Finding, advice, did_you_mean, error, kind, shown, warning
from helpers.checks.shapes import FUNCTION, lacks, malformed, misfit, unknown_key

# fmt: off
ROLES = ("system", "user", "assistant", "tool", "function", "developer")
OTHER_NAMES = {"human": "user", "customer": "user", "bot": "assistant", "ai": "assistant",
               "model": "assistant", "gpt": "assistant"}
OTHER_CONTENTS = ("refusal", "tool_calls", "function_call")  # of an assistant's message
KEYS = ("role", "content", "name", "weight", *OTHER_CONTENTS, "tool_call_id")
MISPLACED = dict.fromkeys(ROLES, KEYS[4:]) | {"assistant": KEYS[-1:], "tool": OTHER_CONTENTS}
NAME = re.compile(r"[^\s<|\\/>]{1,64}")
TEXT = {"type": "text", "text": str}
IMAGE = {"type": "image_url", "image_url": {"url": re.compile("(?s)https?://.*|data:image/.*")}}
CALLED = FUNCTION | {"arguments": str}
CALL = {"type": "function", "id": str, "function": CALLED}
AS_CALL = '{"id": "…", "type": "function", "function": {"name": "…", "arguments": "{…}"}}'


def in_message(message: Any) -> Iterator[Finding]:
    """Yield what is wrong with a message, in whichever list."""
    if not isinstance(message, dict):
        yield error("message_no_object", "",
                    f"the message is {kind(message)}", 'write {"role": "…", "content": "…"}')
        return
    yield from _in_keys(message)
    yield from _in_content(message)
    yield from _in_names(message)
    yield from _in_arguments(message)


def _in_keys(message: dict[str, Any]) -> Iterator[Finding]:
    role, roles = message.get("role"), ", ".join(ROLES[:4])
    if lacks("role", message, KEYS):
        yield error("role_missing", "role", "the message has no role", f"write one of {roles}")
    if role == "developer":
        yield warning("role_developer", "role",
                      "developer is not among the roles of training files",
                      "write system, as every service takes")
    if "role" in message and role not in ROLES:
        name = role.strip().lower() if isinstance(role, str) else ""
        meant = OTHER_NAMES.get(name) or did_you_mean(name, ROLES)
        yield error("role_unknown", "role", f"unknown role {shown(role)}",
                    f"did you mean {meant!r}?" if meant else f"use one of {roles}")
    if "weight" in message and role in ROLES and role != "assistant":
        yield error("weight_misplaced", "weight",
                    "only the assistant's messages have a weight", "take it out")
    if "weight" in message and repr(message["weight"]) not in ("0", "1"):
        yield error("weight_invalid", "weight",
                    f"weight is {message['weight']!r:.60}", "write 0 (not trained on) or 1")
    yield from unknown_key("message_key_unknown", message, KEYS)
    for key in [one for one in message if role in ROLES and one in MISPLACED[role]][:1]:
        yield error("key_misplaced", key, f"messages of this role have no {key}", "take it out")


def _in_content(message: dict[str, Any]) -> Iterator[Finding]:
    content, role = message.get("content"), message.get("role")
    if role != "assistant" or not any(map(message.get, OTHER_CONTENTS)):
        if lacks("content", message, KEYS):
            yield error("content_missing", "content",
                        "the message has no content", 'write "content": "…"')
        if "content" in message and content is None:
            yield error("content_null", "content",
                        "content is null", "write a text; only calls of tools need none")
        if isinstance(content, str) and not content.strip():
            yield warning("content_empty", "content",
                          "content is empty", "write the text, or delete the example")
    if not isinstance(content, str | list | None):
        yield error("content_no_text", "content",
                    f"content is {kind(content)}, not a text", "put it in quotation marks")
    if isinstance(content, list):
        yield from _in_parts(content, role)


def _in_parts(parts: list[Any], role: Any) -> Iterator[Finding]:
    """Yield the first part that is neither a text nor a user's image, and the first image."""
    images = [i for i, part in enumerate(parts)
              if isinstance(part, dict) and part.get("type") == "image_url"]
    shapes = [IMAGE if i in images and role == "user" else TEXT for i in range(len(parts))]
    wrong = [misfit(part, shape, f"content[{i}]")
             for i, (part, shape) in enumerate(zip(parts, shapes, strict=True))]
    if not parts or role in ("tool", "function"):
        wrong = [("content", "")]
    for way, _ in list(filter(None, wrong))[:1]:
        yield error("content_parts_malformed", way,
                    "neither a text nor a user's image with an address; "
                    "a tool's message has no parts",
                    'write {"type": "text", "text": "…"} '
                    'or {"type": "image_url", "image_url": {"url": "https://…"}}')
    for i in images[:1]:
        yield advice("image", f"content[{i}]", "an image",
                     "train on a model that sees; the practice server refuses images")


def _in_names(message: dict[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with calls, names and ids."""
    role, name = message.get("role"), message.get("name")
    yield from malformed("tool_calls", [CALL, 1, sys.maxsize], message, f"write [{AS_CALL}]")
    yield from malformed("function_call", CALLED, message,
                         'write {"name": "…", "arguments": "{…}"}')
    if "name" in message and not (isinstance(name, str) and NAME.fullmatch(name)):
        yield error("name_invalid", "name", f"name is {name!r:.60}",
                    r"use 1 to 64 characters, no spaces, none of < | \ / >")
    is_text = isinstance(message.get("tool_call_id", ""), str)
    if role == "tool" and (lacks("tool_call_id", message, KEYS) or not is_text):
        yield error("tool_call_id_missing", "tool_call_id",
                    "a tool's message must say which call it answers", "write the id of that call")
    if role == "function" and "name" not in message:
        yield error("function_name_missing", "name",
                    "a function's message must name the function", 'write "name": "…"')


def _in_arguments(message: dict[str, Any]) -> Iterator[Finding]:
    """Yield the first arguments of a call that are no JSON object."""
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
                yield warning("arguments_no_json", f"{way}.arguments",
                              f"the arguments are no JSON object: {shown(arguments)}",
                              "write a JSON object as a text: json.dumps(arguments)")
                break


def in_chat(messages: list[dict[str, Any]]) -> Iterator[Finding]:
    """Yield what is wrong with the messages of a chat example."""
    weights = [one.get("weight", 1) for one in messages if one["role"] == "assistant"]
    if not weights:
        yield error("no_assistant", "messages",
                    "no message of the assistant", "add the answer to be learnt")
    elif not any(weights):
        yield error("weights_all_zero", "messages",
                    "every weight is 0: nothing is trained on", "give one answer weight 1")
    if weights and messages[-1]["role"] != "assistant":
        yield warning("last_not_assistant", f"messages[{len(messages) - 1}]",
                      "the last message is not the assistant's",
                      "end with the answer; what stands after it trains nothing")
    yield from in_conversation(messages)


def in_conversation(messages: list[dict[str, Any]]) -> Iterator[Finding]:
    """Yield what is wrong with these messages; they may be a preference example's input."""
    roles = [message["role"] for message in messages]
    systems = [i for i, role in enumerate(roles) if role == "system"]
    if len(systems) == 1 and systems != [0]:
        yield warning("system_not_first", f"messages[{systems[0]}]",
                      "the system message is not the first", "move it up")
    if len(systems) > 1:
        yield warning("several_systems", f"messages[{systems[1]}]",
                      "more than one system message", "join them into one")
    pairs = enumerate(zip(roles, roles[1:], strict=False), 1)
    for i in [i for i, pair in pairs if pair == ("assistant", "assistant")][:1]:
        yield warning("assistant_twice", f"messages[{i}]",
                      "two messages of the assistant in a row",
                      "join them into one, or put in the user's message that is missing")
    yield from _tools(messages)


def _tools(messages: list[dict[str, Any]]) -> Iterator[Finding]:
    """Yield the first call of a tool that is not answered, and the first answer without a call."""
    calls = [(i, j, call["id"]) for i, message in enumerate(messages)
             for j, call in enumerate(message.get("tool_calls") or ())]
    answers = [(i, message["tool_call_id"]) for i, message in enumerate(messages)
               if message["role"] == "tool"]
    answered = {name for _, name in answers}
    first_call = {name: i for i, _, name in reversed(calls)}
    last = len(messages) - 1  # this may be the call that is to be learnt
    for i, j, name in [call for call in calls if call[2] not in answered and call[0] < last][:1]:
        yield error("tool_call_unanswered", f"messages[{i}].tool_calls[{j}].id",
                    "no message answers it",
                    f'add a message with role tool and "tool_call_id": "{name}"')
    for i in [i for i, name in answers if first_call.get(name, i) >= i][:1]:
        yield error("tool_message_without_call", f"messages[{i}].tool_call_id",
                    "no call before has this id",
                    "give it the id of a call before it, or delete it")

"""Rules on an example as a whole: its keys, its lists, its tools."""

import re
from collections.abc import Iterator
from typing import Any

from helpers.checks.rules import (
    Fault,
    Format,
    did_you_mean,
    is_misspelt,
    kind,
    rule,
    shown,
    unknown_key,
)

KEYS = {
    "chat": ("messages", "tools", "parallel_tool_calls", "functions"),
    "completion": ("prompt", "completion"),
    "preferences": ("input", "preferred_output", "non_preferred_output"),
}
INPUT_KEYS = ("messages", "tools", "parallel_tool_calls")
OUTPUTS = ("preferred_output", "non_preferred_output")
FUNCTION_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
MOST_FUNCTIONS = 128
NO_KEY = "no key of this format:"


def format_of(example: dict[str, Any]) -> Format | None:
    """Return chat, completion or preferences by the keys of `example`; None if it is neither."""
    if "messages" in example:
        return "chat"
    if "prompt" in example or "completion" in example:
        return "completion"
    return "preferences" if "input" in example or example.keys() & set(OUTPUTS) else None


def messages_in(example: dict[str, Any], example_format: Format) -> Iterator[tuple[str, Any]]:
    """Yield what stands in the example's lists of messages, each with the way to it."""
    lists: dict[str, Any] = {}
    if example_format == "chat":
        lists["messages"] = example["messages"]
    elif example_format == "preferences":
        given = example.get("input")
        lists["input.messages"] = given.get("messages") if isinstance(given, dict) else None
        lists |= {key: example.get(key) for key in OUTPUTS}
    for name, listed in lists.items():
        for i, message in enumerate(listed if isinstance(listed, list) else ()):
            yield f"{name}[{i}]", message


def texts_in(example: dict[str, Any], example_format: Format) -> Iterator[tuple[str, str]]:
    """Yield the texts of an example of sound form, each with the way to it."""
    if example_format == "completion":
        yield from example.items()
    for where, message in messages_in(example, example_format):
        content = message.get("content")
        if isinstance(content, str):
            yield f"{where}.content", content
        for i, part in enumerate(content if isinstance(content, list) else ()):
            if part["type"] == "text":
                yield f"{where}.content[{i}].text", part["text"]


@rule("error", "no format")
def format_unknown(example: dict[str, Any]) -> Fault:
    known = sum(KEYS.values(), ())
    cure = "write messages (chat), prompt and completion, or input and outputs"
    for key in reversed(example):
        if near := did_you_mean(key, known):
            cure = f"{key!r}: did you mean {near!r}?"
    return Fault("", f"the keys {shown(list(example))} make no training example", cure)


@rule("error", "chat")
def messages_no_list(example: dict[str, Any]) -> Fault | None:
    return _no_list(example, "messages")


@rule("error", "chat")
def messages_empty(example: dict[str, Any]) -> Fault | None:
    return _empty_list(example, "messages")


@rule("error", "chat")
def key_unknown(example: dict[str, Any]) -> Fault | None:
    return unknown_key(example, KEYS["chat"], NO_KEY)


@rule("error", "chat")
def tools_malformed(example: dict[str, Any]) -> Fault | None:
    tools = example.get("tools")
    if tools is None:
        return None
    if not isinstance(tools, list):
        return Fault("tools", f"tools is {kind(tools)}", "make it a list of functions")
    for i, tool in enumerate(tools):
        if not isinstance(tool, dict) or tool.get("type") != "function":
            cure = 'write {"type": "function", "function": {"name": …}}'
            return Fault(f"tools[{i}]", "the tool is no function", cure)
        fault = _function_fault(f"tools[{i}].function", tool.get("function"))
        if fault:
            return fault
    return None


@rule("error", "chat")
def functions_malformed(example: dict[str, Any]) -> Fault | None:
    functions = example.get("functions")
    if functions is None:
        return None
    if not isinstance(functions, list) or not 1 <= len(functions) <= MOST_FUNCTIONS:
        message = f"functions must be a list of 1 to {MOST_FUNCTIONS} functions"
        return Fault("functions", message, "make it one, or leave it out")
    faults = (_function_fault(f"functions[{i}]", one) for i, one in enumerate(functions))
    return next(filter(None, faults), None)


@rule("advice", "chat")
def functions_deprecated(example: dict[str, Any]) -> Fault | None:
    if functions_malformed(example) or not example.get("functions"):
        return None
    return Fault("functions", "functions is the old form", "write tools and tool_calls instead")


@rule("error", "chat")
def parallel_tool_calls_malformed(example: dict[str, Any]) -> Fault | None:
    value = example.get("parallel_tool_calls", False)
    if isinstance(value, bool):
        return None
    return Fault("parallel_tool_calls", f"it is {kind(value)}", "write true or false")


@rule("error", "completion")
def prompt_missing(example: dict[str, Any]) -> Fault | None:
    return _text_missing(example, "prompt")


@rule("error", "completion")
def completion_missing(example: dict[str, Any]) -> Fault | None:
    return _text_missing(example, "completion")


@rule("error", "completion")
def pair_key_unknown(example: dict[str, Any]) -> Fault | None:
    return unknown_key(example, KEYS["completion"], NO_KEY)


@rule("warning", "completion")
def completion_empty(example: dict[str, Any]) -> Fault | None:
    completion = example.get("completion")
    if not isinstance(completion, str) or completion.strip():
        return None
    return Fault("completion", "the completion is empty", "write it, or delete the line")


@rule("error", "preferences")
def input_malformed(example: dict[str, Any]) -> Fault | None:
    given = example.get("input")
    if not isinstance(given, dict):
        cure = 'write "input": {"messages": […]}'
        return Fault("input", "input is missing or no object", cure)
    fault = (
        _no_list(given, "messages")
        or _empty_list(given, "messages")
        or unknown_key(given, INPUT_KEYS, NO_KEY)
        or tools_malformed(given)
        or parallel_tool_calls_malformed(given)
    )
    return fault and Fault(f"input.{fault.field}", fault.message, fault.cure)


@rule("error", "preferences")
def preferred_output_malformed(example: dict[str, Any]) -> Fault | None:
    return _output_fault(example, "preferred_output")


@rule("error", "preferences")
def non_preferred_output_malformed(example: dict[str, Any]) -> Fault | None:
    return _output_fault(example, "non_preferred_output")


@rule("error", "preferences")
def preference_key_unknown(example: dict[str, Any]) -> Fault | None:
    return unknown_key(example, KEYS["preferences"], NO_KEY)


@rule("warning", "preferences")
def outputs_equal(example: dict[str, Any]) -> Fault | None:
    if example.get("preferred_output") != example.get("non_preferred_output"):
        return None
    return Fault("", "both outputs are the same", "nothing is preferred; delete the line")


def _no_list(example: dict[str, Any], key: str) -> Fault | None:
    if isinstance(example.get(key), list):
        return None
    return Fault(key, f"{key} is {kind(example.get(key))}", f'write "{key}": [ … ]')


def _empty_list(example: dict[str, Any], key: str) -> Fault | None:
    if example.get(key) != []:
        return None
    return Fault(key, f"{key} is empty", "write the conversation, or delete the line")


def _text_missing(example: dict[str, Any], key: str) -> Fault | None:
    if key not in example:
        if is_misspelt(key, example, KEYS["completion"]):
            return None
        return Fault(key, f"{key} is missing", f'write "{key}": "…"')
    if isinstance(example[key], str):
        return None
    return Fault(key, f"{key} is {kind(example[key])}, not a text", "put it in quotation marks")


def _function_fault(field: str, function: Any) -> Fault | None:
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str):
        return Fault(field, "the function has no name", 'write {"name": "…", "parameters": {…}}')
    if FUNCTION_NAME.fullmatch(name):
        return None
    cure = "use up to 64 letters a-z, A-Z, digits, _ and -"
    return Fault(f"{field}.name", f"forbidden characters in {shown(name)}", cure)


def _output_fault(example: dict[str, Any], key: str) -> Fault | None:
    if key not in example and is_misspelt(key, example, KEYS["preferences"]):
        return None
    output = example.get(key)
    cure = f'write "{key}": [{{"role": "assistant", "content": "…"}}]'
    if not isinstance(output, list) or len(output) != 1:
        return Fault(key, f"{key} must be a list of one message", cure)
    if isinstance(output[0], dict) and output[0].get("role") in ("system", "user", "tool"):
        return Fault(f"{key}[0]", "it must be a message of the assistant", cure)
    return None

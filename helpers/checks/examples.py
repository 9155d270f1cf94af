"""Rules on an example as a whole: its keys, its lists, its tools."""

from collections.abc import Iterator
from typing import Any

from helpers.checks.rules import Finding, advice, did_you_mean, error, kind, shown, warning
from helpers.checks.shapes import FUNCTION, lacks, malformed, unknown_key

# fmt: off
OUTPUTS = ("preferred_output", "non_preferred_output")
CHAT, PAIR = ("messages", "tools", "parallel_tool_calls", "functions"), ("prompt", "completion")
PREFERENCE = ("input", *OUTPUTS)
# A format is that of the first of these rows of which an example has a key.
FORMATS = {"chat": CHAT[:1], "completion": PAIR, "preferences": PREFERENCE}
LISTS_OF_MESSAGES = {"chat": ("messages",), "preferences": ("input.messages", *OUTPUTS)}
TOOL = {"type": "function", "function": FUNCTION}
MOST_FUNCTIONS = 128


def format_of(example: dict[str, Any]) -> str | None:
    """Return chat, completion or preferences by the keys of `example`; None if it is neither."""
    return next((name for name, keys in FORMATS.items() if example.keys() & keys), None)


def messages_in(example: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what stands in the example's lists of messages, each with the way to it."""
    for path in LISTS_OF_MESSAGES.get(format_of(example) or "", ()):
        listed: Any = example
        for key in path.split("."):
            listed = listed.get(key) if isinstance(listed, dict) else None
        for i, message in enumerate(listed if isinstance(listed, list) else ()):
            yield f"{path}[{i}]", message


def texts_in(example: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the texts of an example of correct form, each with the way to it."""
    if "prompt" in example:
        yield from example.items()
    for where, message in messages_in(example):
        content = message.get("content")
        if isinstance(content, str):
            yield f"{where}.content", content
        for i, part in enumerate(content if isinstance(content, list) else ()):
            if part["type"] == "text":
                yield f"{where}.content[{i}].text", part["text"]


def in_example(example: dict[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with an example, its messages aside."""
    match format_of(example):
        case "chat":
            yield from _in_chat(example, CHAT)
        case "completion":
            yield from _in_pair(example)
        case "preferences":
            yield from _in_preferences(example)
        case _:
            meant = ((key, did_you_mean(key, CHAT + PAIR + PREFERENCE)) for key in example)
            hints = (f"{key!r}: did you mean {near!r}?" for key, near in meant if near)
            known = "write messages (chat), prompt and completion, or input and outputs"
            yield error("format_unknown", "",
                        f"the keys {shown(list(example))} make no training example",
                        next(hints, known))


def _in_chat(chat: dict[str, Any], keys: tuple[str, ...]) -> Iterator[Finding]:
    messages = chat.get("messages")
    if not isinstance(messages, list):
        yield error("messages_no_list", "messages",
                    f"messages is {kind(messages)}", 'write "messages": [ … ]')
    if messages == []:
        yield error("messages_empty", "messages",
                    "messages is empty", "write the conversation, or delete the line")
    yield from unknown_key("key_unknown", chat, keys)
    yield from malformed("tools", [TOOL], chat,
                         'write [{"type": "function", "function": {"name": "…"}}]')
    parallel = chat.get("parallel_tool_calls", False)
    if not isinstance(parallel, bool):
        yield error("parallel_tool_calls_malformed", "parallel_tool_calls",
                    f"it is {kind(parallel)}", "write true or false")
    if "functions" in keys:
        wrong = list(malformed("functions", [FUNCTION, 1, MOST_FUNCTIONS], chat,
                               f'write 1 to {MOST_FUNCTIONS} of them, [{{"name": "…"}}]'))
        yield from wrong
        if chat.get("functions") and not wrong:
            yield advice("functions_deprecated", "functions",
                         "functions is the old form", "write tools and tool_calls instead")


def _in_pair(pair: dict[str, Any]) -> Iterator[Finding]:
    for key in PAIR:
        if lacks(key, pair, PAIR) or not isinstance(pair.get(key, ""), str):
            yield error(f"{key}_missing", key,
                        f"{key} is missing, or no text", f'write "{key}": "…"')
    yield from unknown_key("pair_key_unknown", pair, PAIR)
    if not str(pair.get("completion")).strip():
        yield warning("completion_empty", "completion",
                      "the completion is empty", "write it, or delete the line")


def _in_preferences(example: dict[str, Any]) -> Iterator[Finding]:
    for key in OUTPUTS:
        match example.get(key):
            case [{"role": "system" | "user" | "tool"}]:
                way = f"{key}[0]"
            case [_]:
                continue
            case _:
                way = key
        if key in example or lacks(key, example, PREFERENCE):
            yield error(f"{key}_malformed", way,
                        f"{key} must be a list of one message of the assistant",
                        f'write "{key}": [{{"role": "assistant", "content": "…"}}]')
    yield from unknown_key("preference_key_unknown", example, PREFERENCE)
    if example.get(OUTPUTS[0]) == example.get(OUTPUTS[1]):
        yield warning("outputs_equal", "",
                      "both outputs are the same", "nothing is preferred; delete the line")
    given = example.get("input")
    if not isinstance(given, dict):
        yield error("input_malformed", "input",
                    "input is missing or no object", 'write "input": {"messages": […]}')
    else:
        for one in list(_in_chat(given, CHAT[:3]))[:1]:
            yield error("input_malformed", f"input.{one.field}", one.message, one.fix)

"""Rules on an example as a whole: its keys, its lists, its tools."""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from helpers.checks.rules import (
    Fault,
    Format,
    Row,
    broken,
    did_you_mean,
    is_misspelt,
    misfit_in,
    rule,
    shown,
    table,
    unknown_key,
)

Example = dict[str, Any]

OUTPUTS = ("preferred_output", "non_preferred_output")
CHAT, PAIR = ("messages", "tools", "parallel_tool_calls", "functions"), ("prompt", "completion")
PREFERENCE = ("input", *OUTPUTS)
LISTS_OF_MESSAGES: dict[str, tuple[str, ...]] = {
    "chat": ("messages",),
    "completion": (),
    "preferences": ("input.messages", *OUTPUTS),
}
FUNCTION = {"name": re.compile(r"[a-zA-Z0-9_-]{1,64}")}
TOOL = {"type": "function", "function": FUNCTION}
MISFIT = "{0[1]} is not what belongs here"
NAMES = "names are of up to 64 letters a-z, A-Z, digits, _ and -"
MOST_FUNCTIONS = 128


def format_of(example: Example) -> Format | None:
    """Return chat, completion or preferences by the keys of `example`; None if it is neither."""
    if "messages" in example:
        return "chat"
    if not example.keys().isdisjoint(PAIR):
        return "completion"
    return None if example.keys().isdisjoint(PREFERENCE) else "preferences"


def messages_in(example: Example, example_format: Format) -> Iterator[tuple[str, Any]]:
    """Yield what stands in the example's lists of messages, each with the way to it."""
    for path in LISTS_OF_MESSAGES[example_format]:
        listed: Any = example
        for key in path.split("."):
            listed = listed.get(key) if isinstance(listed, dict) else None
        for i, message in enumerate(listed if isinstance(listed, list) else ()):
            yield f"{path}[{i}]", message


def texts_in(example: Example, example_format: Format) -> Iterator[tuple[str, str]]:
    """Yield the texts of an example of correct form, each with the way to it."""
    if example_format == "completion":
        yield from example.items()
    for where, message in messages_in(example, example_format):
        content = message.get("content")
        if isinstance(content, str):
            yield f"{where}.content", content
        for i, part in enumerate(content if isinstance(content, list) else ()):
            if part["type"] == "text":
                yield f"{where}.content[{i}].text", part["text"]


def _lacks_text(key: str, pair: Example) -> bool:
    is_there = key in pair or is_misspelt(key, pair, PAIR)
    return not is_there or not isinstance(pair.get(key, ""), str)


def _functions_misfit(chat: Example) -> tuple[str, str] | None:
    functions = chat.get("functions")
    if isinstance(functions, list) and not 1 <= len(functions) <= MOST_FUNCTIONS:
        return "functions", f"a list of {len(functions)}"
    return misfit_in("functions", [FUNCTION], chat)


def _output_misfit(key: str, example: Example) -> str | None:
    match example.get(key):
        case None if key not in example and is_misspelt(key, example, PREFERENCE):
            return None
        case [{"role": "system" | "user" | "tool"}]:
            return f"{key}[0]"
        case [_]:
            return None
    return key


def _chat_rows(keys: tuple[str, ...]) -> list[Row]:
    return [
        ("messages_no_list", "error", "messages",
         lambda chat: not isinstance(chat.get("messages"), list),
         "messages is {kind}", 'write "messages": [ … ]'),
        ("messages_empty", "error", "messages", lambda chat: chat.get("messages") == [],
         "messages is empty", "write the conversation, or delete the line"),
        unknown_key("key_unknown", keys),
        ("tools_malformed", "error", "{0[0]}", partial(misfit_in, "tools", [TOOL]),
         MISFIT,
         f'write [{{"type": "function", "function": {{"name": "…"}}}}]; {NAMES}'),
        ("parallel_tool_calls_malformed", "error", "parallel_tool_calls",
         lambda chat: not isinstance(chat.get("parallel_tool_calls", False), bool),
         "it is {kind}", "write true or false"),
    ]  # fmt: skip


# fmt: off
table("input", rows=_chat_rows(CHAT[:3]))
table("chat", rows=[
    *_chat_rows(CHAT),
    ("functions_malformed", "error", "{0[0]}", _functions_misfit,
     MISFIT, f'write 1 to {MOST_FUNCTIONS} of them, [{{"name": "…"}}]; {NAMES}'),
    ("functions_deprecated", "advice", "functions",
     lambda chat: chat.get("functions") and not _functions_misfit(chat),
     "functions is the old form", "write tools and tool_calls instead"),
])
table("completion", rows=[
    *[(f"{key}_missing", "error", key, partial(_lacks_text, key),
       f"{key} is missing, or no text", f'write "{key}": "…"') for key in PAIR],
    unknown_key("pair_key_unknown", PAIR),
    ("completion_empty", "warning", "completion",
     lambda pair: isinstance(pair.get("completion"), str) and not pair["completion"].strip(),
     "the completion is empty", "write it, or delete the line"),
])
table("preferences", rows=[
    *[(f"{key}_malformed", "error", "{0}", partial(_output_misfit, key),
       f"{key} must be a list of one message of the assistant",
       f'write "{key}": [{{"role": "assistant", "content": "…"}}]') for key in OUTPUTS],
    unknown_key("preference_key_unknown", PREFERENCE),
    ("outputs_equal", "warning", "",
     lambda example: example.get(OUTPUTS[0]) == example.get(OUTPUTS[1]),
     "both outputs are the same", "nothing is preferred; delete the line"),
])
# fmt: on


@rule("error", "preferences")
def input_malformed(example: Example) -> Fault | None:
    given = example.get("input")
    if not isinstance(given, dict):
        return Fault("input", "input is missing or no object", 'write "input": {"messages": […]}')
    for _, _, fault in broken("input", given):
        return Fault(f"input.{fault.field}", fault.message, fault.fix)
    return None


@rule("error", "no format")
def format_unknown(example: Example) -> Fault:
    fix = "write messages (chat), prompt and completion, or input and outputs"
    for key in reversed(example):
        if near := did_you_mean(key, CHAT + PAIR + PREFERENCE):
            fix = f"{key!r}: did you mean {near!r}?"
    return Fault("", f"the keys {shown(list(example))} make no training example", fix)

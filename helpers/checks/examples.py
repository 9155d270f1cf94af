"""Rules on an example as a whole: its keys, its lists, its tools."""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from helpers.checks.rules import Rule, advice, broken, did_you_mean, error, shown, warning
from helpers.checks.shapes import lacks, lacks_text, misfit, misfit_in, unknown_key

Example = dict[str, Any]

OUTPUTS = ("preferred_output", "non_preferred_output")
CHAT, PAIR = ("messages", "tools", "parallel_tool_calls", "functions"), ("prompt", "completion")
PREFERENCE = ("input", *OUTPUTS)
# A format is that of the first of these rows of which an example has a key.
FORMATS = {"chat": CHAT[:1], "completion": PAIR, "preferences": PREFERENCE}
LISTS_OF_MESSAGES = {"chat": ("messages",), "preferences": ("input.messages", *OUTPUTS)}
FUNCTION = {"name": re.compile(r"[a-zA-Z0-9_-]{1,64}")}
TOOL = {"type": "function", "function": FUNCTION}
MISFIT = "{0[1]} is not what belongs here"
NAMES = "names are of up to 64 letters a-z, A-Z, digits, _ and -"
MOST_FUNCTIONS = 128


def format_of(example: Example) -> str | None:
    """Return chat, completion or preferences by the keys of `example`; None if it is neither."""
    return next((name for name, keys in FORMATS.items() if example.keys() & keys), None)


def messages_in(example: Example) -> Iterator[tuple[str, Any]]:
    """Yield what stands in the example's lists of messages, each with the way to it."""
    for path in LISTS_OF_MESSAGES.get(format_of(example) or "", ()):
        listed: Any = example
        for key in path.split("."):
            listed = listed.get(key) if isinstance(listed, dict) else None
        for i, message in enumerate(listed if isinstance(listed, list) else ()):
            yield f"{path}[{i}]", message


def texts_in(example: Example) -> Iterator[tuple[str, str]]:
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


def _functions_misfit(chat: Example) -> tuple[str, str] | None:
    functions = chat.get("functions")
    if isinstance(functions, list) and not 1 <= len(functions) <= MOST_FUNCTIONS:
        return "functions", f"a list of {len(functions)}"
    return None if functions is None else misfit(functions, [FUNCTION], "functions")


def _output_misfit(key: str, example: Example) -> str | None:
    match example.get(key):
        case [{"role": "system" | "user" | "tool"}]:
            return f"{key}[0]"
        case [_]:
            return None
    return key if key in example or lacks(key, example, PREFERENCE) else None


def _input_misfit(example: Example) -> tuple[str, str, str] | None:
    given = example.get("input")
    if not isinstance(given, dict):
        return "input", "input is missing or no object", 'write "input": {"messages": […]}'
    for one in broken(INPUT, given):
        return f"input.{one.field}", one.message, one.fix
    return None


def _meant(example: Example) -> str:
    """Return what the first key that is near one of ours was meant to be."""
    meant = ((key, did_you_mean(key, CHAT + PAIR + PREFERENCE)) for key in example)
    hints = (f"{key!r}: did you mean {near!r}?" for key, near in meant if near)
    return next(hints, "write messages (chat), prompt and completion, or input and outputs")


def _chat_rules(keys: tuple[str, ...]) -> list[Rule]:
    return [
        error("messages_no_list", "messages",
              lambda chat: not isinstance(chat.get("messages"), list),
              "messages is {kind}", 'write "messages": [ … ]'),
        error("messages_empty", "messages", lambda chat: chat.get("messages") == [],
              "messages is empty", "write the conversation, or delete the line"),
        unknown_key("key_unknown", keys),
        error("tools_malformed", "{0[0]}", misfit_in("tools", [TOOL]), MISFIT,
              f'write [{{"type": "function", "function": {{"name": "…"}}}}]; {NAMES}'),
        error("parallel_tool_calls_malformed", "parallel_tool_calls",
              lambda chat: not isinstance(chat.get("parallel_tool_calls", False), bool),
              "it is {kind}", "write true or false"),
    ]  # fmt: skip


# fmt: off
INPUT = _chat_rules(CHAT[:3])
EXAMPLE = {  # by format
    "chat": [
        *_chat_rules(CHAT),
        error("functions_malformed", "{0[0]}", _functions_misfit, MISFIT,
              f'write 1 to {MOST_FUNCTIONS} of them, [{{"name": "…"}}]; {NAMES}'),
        advice("functions_deprecated", "functions",
               lambda chat: chat.get("functions") and not _functions_misfit(chat),
               "functions is the old form", "write tools and tool_calls instead"),
    ],
    "completion": [
        *[error(f"{key}_missing", key, partial(lacks_text, key, known=PAIR),
                f"{key} is missing, or no text", f'write "{key}": "…"') for key in PAIR],
        unknown_key("pair_key_unknown", PAIR),
        warning("completion_empty", "completion",
                lambda pair: not str(pair.get("completion")).strip(),
                "the completion is empty", "write it, or delete the line"),
    ],
    "preferences": [
        *[error(f"{key}_malformed", "{0}", partial(_output_misfit, key),
                f"{key} must be a list of one message of the assistant",
                f'write "{key}": [{{"role": "assistant", "content": "…"}}]')
          for key in OUTPUTS],
        unknown_key("preference_key_unknown", PREFERENCE),
        warning("outputs_equal", "",
                lambda example: example.get(OUTPUTS[0]) == example.get(OUTPUTS[1]),
                "both outputs are the same", "nothing is preferred; delete the line"),
        error("input_malformed", "{0[0]}", _input_misfit, "{0[1]}", lambda found: found[2]),
    ],
    None: [
        error("format_unknown", "", lambda example: (shown(list(example)), _meant(example)),
              "the keys {0[0]} make no training example", lambda found: found[1]),
    ],
}

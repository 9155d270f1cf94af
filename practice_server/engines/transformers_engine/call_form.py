"""How a chat template writes calls of functions, read from what it writes for known ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from practice_server.engines.engine import CallForm, Message, Tool

TEXT = "Let me see."
NAME = "look_up"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
FUNCTION = {"name": NAME, "description": "The weather.", "parameters": PARAMETERS}
CALL = {"id": "1", "type": "function", "function": {"name": NAME, "arguments": '{"city": "Rome"}'}}
ARGUMENTS = r'\{\s*"city"\s*:\s*"Rome"\s*\}'


def call_form(
    written: Callable[[Message, Sequence[Tool]], str], ends: Sequence[str]
) -> CallForm | None:
    """The form of calls, if it is texts around a name and arguments that are JSON.

    `written`: what the template writes for an answer; nothing if it cannot. `ends`: the texts of
    the tokens that end an answer.
    """

    def answer(n_calls: int, text: str | None = None) -> str:
        message: dict[str, Any] = {"role": "assistant", "content": text}
        tools = [{"type": "function", "function": FUNCTION}]
        whole = written(message | {"tool_calls": [CALL] * n_calls}, tools)
        return re.split("|".join(map(re.escape, ends)) or r"\Z", whole)[0]

    found = re.fullmatch(f"(.*?){NAME}(.*?){ARGUMENTS}(.*)", answer(1), re.DOTALL)
    if not found or not found[1].strip():
        return None
    before, between, after = found.groups()
    call = re.escape(NAME + between) + ARGUMENTS
    several = f"{re.escape(before)}{call}(.+){call}{re.escape(after)}"
    two = re.fullmatch(several, answer(2), re.DOTALL)
    behind_text = rf"{re.escape(TEXT)}(\s*){re.escape(before.lstrip())}{call}{re.escape(after)}"
    both = re.fullmatch(behind_text, answer(1, TEXT))
    return CallForm(before, between, after, two and two[1], both and both[1])

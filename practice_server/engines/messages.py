"""What a message says, in whichever of the API's forms it says it."""

from __future__ import annotations

from collections.abc import Mapping

from practice_server.engines.engine import Message


def message_text(message: Message) -> str:
    """What a message says beside its calls: its text, or its text parts joined."""
    content = message.get("content") or ""
    if not isinstance(content, str):
        content = "".join(part["text"] for part in content if part.get("type") == "text")
    return content


def called_functions(message: Message) -> list[Mapping[str, str]]:
    """Name and arguments of each function that a message calls, in either form of the API."""
    if message.get("function_call"):
        return [message["function_call"]]
    return [call["function"] for call in message.get("tool_calls") or ()]

"""From messages as the API has them to messages as chat templates take them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from practice_server.engines.engine import ChatRefused, Message
from practice_server.engines.messages import called_functions, message_text


def for_template(messages: Sequence[Message], *, knows_developer: bool) -> list[dict[str, Any]]:
    """Each with a text as content, and with calls whose arguments are objects.

    The API writes arguments as a string of JSON; templates write them out themselves. Raises
    ChatRefused for arguments that are none.
    """
    return [_plain(message, knows_developer) for message in messages]


def _plain(message: Message, knows_developer: bool) -> dict[str, Any]:
    role = {"function": "tool"}.get(message["role"], message["role"])
    if role == "developer" and not knows_developer:
        role = "system"
    plain: dict[str, Any] = {"role": role, "content": message_text(message)}
    plain |= {key: message[key] for key in ("name", "tool_call_id") if message.get(key)}
    ids = [call.get("id") for call in message.get("tool_calls") or ()] or [None]
    calls = [_call(*call) for call in zip(called_functions(message), ids, strict=False)]
    return plain | {"tool_calls": calls} if calls else plain


def _call(function: Mapping[str, str], call_id: str | None) -> dict[str, Any]:
    try:
        arguments = json.loads(function["arguments"] or "{}")
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise ChatRefused(f"the arguments of the call of {function['name']} are no JSON object")
    told = {"type": "function", "function": {"name": function["name"], "arguments": arguments}}
    return told | ({"id": call_id} if call_id else {})

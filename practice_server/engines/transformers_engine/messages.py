"""From messages as the API has them to messages as chat templates take them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from practice_server.engines.engine import ChatRefused, Message
from practice_server.engines.messages import message_text

Ids = dict[str | None, str]


def for_template(messages: Sequence[Message], *, knows_developer: bool) -> list[dict[str, Any]]:
    """Each with a text as content, and with calls whose arguments are objects.

    The API writes arguments as a string of JSON; templates write them out themselves. Calls are
    numbered anew: some templates take no ids but of nine letters and digits. Raises ChatRefused
    for arguments that are no object.
    """
    ids: Ids = {}
    return [_plain(message, ids, knows_developer) for message in messages]


def _plain(message: Message, ids: Ids, knows_developer: bool) -> dict[str, Any]:
    role = {"function": "tool"}.get(message["role"], message["role"])
    if role == "developer" and not knows_developer:
        role = "system"
    plain = {"role": role, "content": message_text(message)}
    if message.get("name"):
        plain["name"] = message["name"]
    if message.get("tool_call_id"):
        plain["tool_call_id"] = _numbered(message["tool_call_id"], ids)
    calls = message.get("tool_calls") or ()
    if message.get("function_call"):
        calls = [{"function": message["function_call"]}]
    return plain | ({"tool_calls": [_call(call, ids) for call in calls]} if calls else {})


def _call(call: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    name, arguments = call["function"]["name"], call["function"]["arguments"]
    try:
        arguments = json.loads(arguments or "{}")
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise ChatRefused(f"the arguments of the call of {name} are no JSON object")
    function = {"name": name, "arguments": arguments}
    return {"type": "function", "function": function, "id": _numbered(call.get("id"), ids)}


def _numbered(call_id: str | None, ids: Ids) -> str:
    return ids.setdefault(call_id, f"call{len(ids):05}")

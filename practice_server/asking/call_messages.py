"""Calls of tools in the messages of a request: each has its form, and its answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from practice_server.asking.answer_form import check_type, refuse_length
from practice_server.web.errors import ApiError
from practice_server.web.fields import Fields


def check_calls(fields: Fields, name: str) -> None:
    """Raises ApiError (400) unless the field holds calls with an id, a name and arguments."""
    calls, place = fields.array(name), fields.place(name)
    if name in fields:
        refuse_length(place, len(calls), len(calls))
    for index, call in enumerate(calls):
        if not isinstance(call, dict):
            raise ApiError(400, f"{place}[{index}] is not an object", param=f"{place}[{index}]")
        described = Fields(call, f"{place}[{index}].")
        described.refuse_unknown(("id", "type", "function"))
        described.text("id", required=True)
        check_type(described)
        described.object("function", required=True)
        check_call(described, "function")


def check_call(fields: Fields, name: str) -> None:
    """Raises ApiError (400) unless the field, if it is there, holds a name and arguments."""
    function = fields.object(name)
    if function is not None:
        function.refuse_unknown(("name", "arguments"))
        function.text("name", required=True)
        function.text("arguments", required=True)


def check_answered(messages: Sequence[dict[str, Any]]) -> None:
    """Raises ApiError (400) unless tools answer each call, and nothing but calls."""
    waiting: list[str] = []
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                reason = "must be a response to a preceeding message with 'tool_calls'"
                text = f"Invalid parameter: messages with role 'tool' {reason}."
                raise ApiError(400, text, param=f"messages.[{index}].role")
            waiting.remove(message["tool_call_id"])
            continue
        _refuse_unanswered(waiting, index)
        waiting = [call["id"] for call in message.get("tool_calls") or ()]
    _refuse_unanswered(waiting, len(messages))


def _refuse_unanswered(ids: list[str], index: int) -> None:
    if ids:
        message = (
            "An assistant message with 'tool_calls' must be followed by tool messages responding"
            " to each 'tool_call_id'. The following tool_call_ids did not have response messages:"
            f" {', '.join(ids)}"
        )
        raise ApiError(400, message, param=f"messages.[{index}].role")

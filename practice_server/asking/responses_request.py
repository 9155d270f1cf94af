"""What a request to the Responses API asks for: the chat request that it amounts to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from practice_server.asking.chat_request import ChatRequest, read_chat_request
from practice_server.asking.common_request import MOST_TOKENS
from practice_server.store.catalogue import Catalogue
from practice_server.store.objects import Object
from practice_server.web.errors import ApiError
from practice_server.web.fields import Fields

FEWEST_TOKENS = 16
ROLES = ("user", "assistant", "system", "developer")
TEXT_PARTS = ("input_text", "output_text")
LOGPROBS = "message.output_text.logprobs"
INCLUDABLE = (LOGPROBS, "reasoning.encrypted_content")  # there is no reasoning to include
# These mean the same in a chat request.
AS_IN_CHAT = (
    "metadata",
    "model",
    "parallel_tool_calls",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "temperature",
    "top_logprobs",
    "top_p",
    "user",
)
TRANSLATED = (
    "background",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "stream",
    "stream_options",
    "text",
    "tool_choice",
    "tools",
)
# Each with the values that ask for nothing.
UNSUPPORTED: dict[str, tuple[Any, ...]] = {
    "context_management": ([],),
    "conversation": (),
    "max_tool_calls": (),
    "moderation": (),
    "previous_response_id": (),
    "prompt": (),
    "prompt_cache_options": (),
    "reasoning": ({},),
    "truncation": ("disabled",),
}
# Where an error names a field of the chat request, and what it is here.
NAMED_HERE = {
    "response_format.json_schema": "text.format",
    "response_format": "text.format",
    "messages": "input",
    "].function": "]",
}


@dataclass(frozen=True)
class ResponsesRequest:
    """A checked request: the chat request, whether to stream, and what the answer repeats."""

    chat: ChatRequest
    stream: bool
    repeated: Object


def read_responses_request(fields: Fields, catalogue: Catalogue, owner: str) -> ResponsesRequest:
    """Raises ApiError for what the API or the practice server does not take."""
    fields.refuse_unknown((*AS_IN_CHAT, *TRANSLATED, *UNSUPPORTED))
    fields.refuse_unsupported(UNSUPPORTED)
    if fields.truth("background"):
        raise fields.refuse("background", "The practice server answers at once, never later")
    stream = fields.truth("stream")
    if options := fields.object("stream_options"):
        options.refuse_unknown(("include_obfuscation",))
    chat = {name: fields.value(name) for name in AS_IN_CHAT if name in fields}
    chat |= {"messages": _messages(fields), "max_completion_tokens": _most_tokens(fields)}
    chat |= {"logprobs": _wants_logprobs(fields), "response_format": _response_format(fields)}
    chat |= _tools(fields)
    # Both forms of the answer are made from the chunks of a chat.
    chat |= {"stream": True, "stream_options": {"include_usage": True}}
    with errors_named_as_here():
        request = read_chat_request(Fields(chat), catalogue, owner)
    return ResponsesRequest(request, stream, _repeated(fields))


@contextlib.contextmanager
def errors_named_as_here() -> Iterator[None]:
    """Let an error about a field of the chat request name the field that the client sent."""
    try:
        yield
    except ApiError as error:
        told = error.body["error"]
        for there, here in NAMED_HERE.items():
            if there in str(told["param"]):
                told |= {key: str(told[key]).replace(there, here) for key in ("message", "param")}
        raise


def _most_tokens(fields: Fields) -> int | None:
    return fields.integer("max_output_tokens", FEWEST_TOKENS, MOST_TOKENS)


def _wants_logprobs(fields: Fields) -> bool:
    included = fields.array("include")
    for index, name in enumerate(included):
        if name not in INCLUDABLE:
            raise fields.refuse(f"include[{index}]", f"{name!r:.80} is not one of {INCLUDABLE}")
    return LOGPROBS in included or "top_logprobs" in fields


# --- what was said: items become messages ---


def _messages(fields: Fields) -> list[Object]:
    instructions, given = fields.text("instructions"), fields.value("input", [])
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    if not isinstance(items, list) or not (items or instructions):
        raise fields.refuse("input", "It is not a string or a list of items")
    _refuse_lone_calls(items)
    messages = [{"role": "system", "content": instructions}] if instructions else []
    for index, item in enumerate(items):
        message = _message(item, f"input[{index}]")
        # What the assistant said and all that it called is one message of a chat.
        if messages and message.get("tool_calls") and messages[-1]["role"] == "assistant":
            calls = messages[-1].get("tool_calls", []) + message["tool_calls"]
            messages[-1] |= {"tool_calls": calls}
        else:
            messages.append(message)
    return messages


def _refuse_lone_calls(items: list[Any]) -> None:
    """Each call must have its output, and each output its call."""
    calls, outputs = (
        [item["call_id"] for item in items if _is(item, kind)]
        for kind in ("function_call", "function_call_output")
    )
    for call_id in calls:
        if call_id not in outputs:
            message = f"No tool output found for function call {call_id}."
            raise ApiError(400, message, param="input")
    for call_id in outputs:
        if call_id not in calls:
            message = f"No tool call found for function call output with call_id {call_id}."
            raise ApiError(400, message, param="input")


def _is(item: Any, kind: str) -> bool:
    is_kind = isinstance(item, dict) and item.get("type") == kind
    return is_kind and isinstance(item.get("call_id"), str)


def _message(item: Any, place: str) -> Object:
    """The message that an item amounts to; `place` names it in errors."""
    fields = Fields(item if isinstance(item, dict) else {}, f"{place}.")
    kind = fields.value("type", "message")
    if kind == "message":
        role = fields.choice("role", ROLES, "")
        return {"role": role, "content": _text(fields, "content")}
    if kind == "function_call":
        call_id = fields.text("call_id", required=True)
        function = {name: fields.text(name, required=True) for name in ("name", "arguments")}
        call = {"id": call_id, "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    if kind == "function_call_output":
        call_id = fields.text("call_id", required=True)
        return {"role": "tool", "tool_call_id": call_id, "content": _text(fields, "output")}
    known = "message, function_call and function_call_output"
    raise fields.refuse("type", f"The practice server takes {known}, but not {kind!r:.80}")


def _text(fields: Fields, name: str) -> str | list[Object]:
    content = fields.value(name)
    if isinstance(content, str):
        return content
    for index, part in enumerate(fields.array(name, required=True)):
        is_text = isinstance(part, dict) and part.get("type") in TEXT_PARTS
        if not is_text or not isinstance(part.get("text"), str):
            raise fields.refuse(f"{name}[{index}]", "It is not a text")
    return [{"type": "text", "text": part["text"]} for part in content]


# --- what may be answered ---


def _response_format(fields: Fields) -> Object | None:
    text = fields.object("text") or Fields({})
    text.refuse_unknown(("format", "verbosity"))
    text.refuse_unsupported({"verbosity": ("medium",)})
    wanted = dict(text.value("format") or {}) if text.object("format") else {}
    if wanted.get("type") != "json_schema":
        return wanted or None
    return {"type": wanted.pop("type"), "json_schema": wanted}


def _tools(fields: Fields) -> Object:
    tools = []
    for index, tool in enumerate(fields.array("tools")):
        if not isinstance(tool, dict) or tool.get("type") != "function":
            kind = tool.get("type") if isinstance(tool, dict) else tool
            reason = f"The practice server has no tools but functions, no {kind!r:.80}"
            raise fields.refuse(f"tools[{index}]", reason)
        tools.append({"type": "function", "function": {k: tool[k] for k in tool if k != "type"}})
    choice = fields.value("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "function":
        choice = {"type": "function", "function": {"name": choice.get("name")}}
    return {"tools": tools or None, "tool_choice": choice if tools else None}


def _repeated(fields: Fields) -> Object:
    """What the answer says again of the request, with the defaults of the service."""
    form = fields.value("text", {}).get("format") or {"type": "text"}
    if form["type"] == "json_schema":
        form = {"description": None, "strict": False} | form
    return {
        "instructions": fields.value("instructions"),
        "max_output_tokens": fields.value("max_output_tokens"),
        "metadata": fields.value("metadata", {}),
        "parallel_tool_calls": fields.value("parallel_tool_calls", True),
        "prompt_cache_key": fields.value("prompt_cache_key"),
        "prompt_cache_retention": fields.value("prompt_cache_retention"),
        "safety_identifier": fields.value("safety_identifier"),
        "temperature": fields.value("temperature", 1.0),
        "text": {"format": form, "verbosity": "medium"},
        "tool_choice": fields.value("tool_choice", "auto"),
        "tools": [
            {"description": None, "parameters": None, "strict": False, **tool}
            for tool in fields.array("tools")
        ],
        "top_logprobs": fields.value("top_logprobs", 0),
        "top_p": fields.value("top_p", 1.0),
        "user": fields.value("user"),
    }

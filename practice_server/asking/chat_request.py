"""What a chat request asks for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from practice_server.asking.answer_form import AnswerForm, read_form
from practice_server.asking.call_messages import check_answered, check_call, check_calls
from practice_server.asking.common_request import (
    DRAWING,
    MOST_CHOICES,
    MOST_TOKENS,
    AnswerRequest,
    Check,
    check_fields,
    invalid_value,
    read_include_usage,
    read_model,
    read_sampling,
    read_stop,
)
from practice_server.store.catalogue import Catalogue
from practice_server.web.errors import ApiError
from practice_server.web.fields import Fields

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
MOST_TOP_LOGPROBS = 20
LONGEST_IDENTIFIER = 64
SERVICE_TIERS = ("auto", "default", "flex", "scale", "priority", "fast")
CACHE_RETENTIONS = ("in_memory", "in-memory", "24h")

READ = (
    *DRAWING,
    "model",
    "messages",
    "max_tokens",
    "max_completion_tokens",
    "n",
    "stop",
    "stream",
    "stream_options",
    "logprobs",
    "top_logprobs",
    "response_format",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
)
# These change nothing about an answer; see `check_fields`, here and below.
WITHOUT_EFFECT: dict[str, Check] = {
    "metadata": Fields.metadata,
    "prompt_cache_key": Fields.text,
    "prompt_cache_retention": lambda fields, name: fields.choice(name, CACHE_RETENTIONS, "24h"),
    "safety_identifier": lambda fields, name: fields.text(name, longest=LONGEST_IDENTIFIER),
    "service_tier": lambda fields, name: fields.choice(name, SERVICE_TIERS, "auto"),
    "store": Fields.truth,
    "user": Fields.text,
}
# Each with the values that ask for nothing.
UNSUPPORTED: dict[str, Collection[Any]] = {
    "audio": (),
    "function_call": ("none", "auto"),
    "functions": ([],),
    "logit_bias": ({},),
    "modalities": (["text"],),
    "moderation": (),
    "prediction": (),
    "prompt_cache_options": (),
    "reasoning_effort": (),
    "verbosity": ("medium",),
    "web_search_options": (),
}

# What a message may have beside its role and its content. An answer may be sent back as it came,
# and an example as it stands in its training file.
IN_A_MESSAGE: dict[str, Check] = {"name": Fields.text}
IN_A_MESSAGE_OF: dict[str, dict[str, Check]] = {
    "assistant": {
        "annotations": Fields.array,
        "function_call": check_call,
        "refusal": Fields.text,
        "tool_calls": check_calls,
        "weight": lambda fields, name: fields.integer(name, 0, 1),
    },
    "tool": {"tool_call_id": lambda fields, name: fields.text(name, required=True)},
}
IN_A_TEXT_PART = ("type", "text", "prompt_cache_breakpoint")


@dataclass(frozen=True)
class ChatRequest(AnswerRequest):
    """A checked request for an answer to a conversation."""

    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    form: AnswerForm

    def question(self, index: int) -> dict[str, Any]:
        """What the answering child is asked for the choice `index`, counted from 0."""
        said = {"messages": self.messages, "tools": self.tools}
        return self.common_question(index) | said | self.form.question()


def read_chat_request(fields: Fields, catalogue: Catalogue, owner: str) -> ChatRequest:
    """Raises ApiError for what the API or the practice server does not take."""
    check_fields(fields, READ, WITHOUT_EFFECT, UNSUPPORTED)
    stream = fields.truth("stream")
    max_tokens = fields.integer("max_tokens", 1, MOST_TOKENS)
    model = read_model(fields, catalogue, owner)
    messages = _read_messages(fields)
    max_tokens = fields.integer("max_completion_tokens", 1, MOST_TOKENS, max_tokens)
    n = fields.integer("n", 1, MOST_CHOICES, 1)
    stop = read_stop(fields)
    include_usage = read_include_usage(fields, stream)
    sampling = read_sampling(fields, max_tokens, _read_top_logprobs(fields))
    tools, form = fields.array("tools"), read_form(fields)
    return ChatRequest(model, sampling, n, stop, stream, include_usage, messages, tools, form)


def _read_messages(fields: Fields) -> list[dict[str, Any]]:
    messages = fields.array("messages", required=True)
    if not messages:
        raise fields.refuse("messages", "[] is too short")
    for index, message in enumerate(messages):
        place = f"messages[{index}]"
        if not isinstance(message, dict):
            raise ApiError(400, f"{place} is not an object", param=place)
        if message.get("role") not in ROLES:
            raise invalid_value(f"{place}.role", message.get("role"), ROLES)
        _check_content(message, f"{place}.content")
        also = IN_A_MESSAGE | IN_A_MESSAGE_OF.get(message["role"], {})
        check_fields(Fields(message, f"{place}."), ("role", "content"), also, {"audio": ()})
    check_answered(messages)
    return messages


def _check_content(message: dict[str, Any], place: str) -> None:
    content = message.get("content")
    if isinstance(content, str) or (content is None and message["role"] == "assistant"):
        return
    if not isinstance(content, list) or not all(map(_is_text_part, content)):
        reason = "should be a string or a list of text parts"
        raise ApiError(400, f"Invalid value for '{place}': it {reason}.", param=place)
    for index, part in enumerate(content):
        Fields(part, f"{place}[{index}].").refuse_unknown(IN_A_TEXT_PART)


def _is_text_part(part: Any) -> bool:
    is_text = isinstance(part, dict) and part.get("type") == "text"
    return is_text and isinstance(part.get("text"), str)


def _read_top_logprobs(fields: Fields) -> int | None:
    """How many likely tokens to tell of at each place; None without log-probabilities."""
    wanted = fields.integer("top_logprobs", 0, MOST_TOP_LOGPROBS)
    if fields.truth("logprobs"):
        return wanted or 0
    if wanted is not None:
        raise fields.refuse("top_logprobs", "It is only allowed when 'logprobs' is true")
    return None

"""The shapes of an answer to a chat request, whole and in chunks."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

from practice_server.asking.chat_request import ChatRequest
from practice_server.asking.client import Answers
from practice_server.store.objects import Object, new_id

SYSTEM_FINGERPRINT = "fp_practice"


class ChatAnswer:
    """Asks the model for each choice, and shapes what it says."""

    def __init__(self, chat: ChatRequest, answers: Answers) -> None:
        self._chat = chat
        self._answers = answers
        self._id = new_id("chatcmpl-", 29)
        self._created = int(time.time())
        self._prompt_tokens = 0
        self._completion_tokens = 0

    async def whole(self) -> Object:
        """The answer as one object."""
        choices = [await self._choice(index) for index in range(self._chat.n)]
        return {
            "id": self._id,
            "object": "chat.completion",
            "created": self._created,
            "model": self._chat.model.id,
            "choices": choices,
            "usage": self._usage(),
            "service_tier": "default",
            "system_fingerprint": SYSTEM_FINGERPRINT,
        }

    async def _choice(self, index: int) -> Object:
        text, logprobs, finish_reason = "", [], None
        calls: list[Object] = []
        async for part in self._parts(index):
            text += part.get("text", "")
            logprobs += part.get("logprobs", [])
            finish_reason = part.get("finish_reason")
            if "name" in part:
                calls.append(_new_call(part["name"]))
            elif "arguments" in part:
                calls[-1]["function"]["arguments"] += part["arguments"]
        message: Object = {
            "role": "assistant",
            "content": None if calls and not text else text,
            "refusal": None,
            "annotations": [],
        }
        if calls:
            message["tool_calls"] = calls
        return {
            "index": index,
            "message": message,
            "logprobs": self._logprobs(logprobs),
            "finish_reason": finish_reason,
        }

    async def chunks(self) -> AsyncIterator[Object]:
        """The answer in pieces."""
        for index in range(self._chat.n):
            has_begun = False
            async for part in self._parts(index):
                if "prompt_tokens" in part:
                    continue
                if not has_begun:
                    # Only now it is known whether there is any text.
                    content = None if "call" in part else ""
                    begin = {"role": "assistant", "content": content, "refusal": None}
                    yield self._chunk([self._chunk_choice(index, begin, {})])
                    has_begun = True
                yield self._chunk([self._chunk_choice(index, _delta(part), part)])
        if self._chat.include_usage:
            yield self._chunk([]) | {"usage": self._usage()}

    def _chunk_choice(self, index: int, delta: Object, part: dict[str, Any]) -> Object:
        return {
            "index": index,
            "delta": delta,
            "logprobs": self._logprobs(part["logprobs"]) if "text" in part else None,
            "finish_reason": part.get("finish_reason"),
        }

    def _chunk(self, choices: list[Object]) -> Object:
        chunk = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._chat.model.id,
            "service_tier": "default",
            "system_fingerprint": SYSTEM_FINGERPRINT,
            "choices": choices,
        }
        return chunk | {"usage": None} if self._chat.include_usage else chunk

    async def _parts(self, index: int) -> AsyncIterator[dict[str, Any]]:
        """What the model says for one choice, and the tokens counted."""
        has_called = False
        async for part in self._answers.ask(self._chat.question(index)):
            self._prompt_tokens = part.get("prompt_tokens", self._prompt_tokens)
            self._completion_tokens += part.get("completion_tokens", 0)
            has_called = has_called or "call" in part
            # As at OpenAI, who asked for the call by name is not told of it again.
            if has_called and part.get("finish_reason") == "stop" and not self._chat.form.is_named:
                part["finish_reason"] = "tool_calls"
            yield part

    def _logprobs(self, entries: list[Object]) -> Object | None:
        wanted = self._chat.sampling.top_logprobs is not None
        return {"content": entries, "refusal": None} if wanted else None

    def _usage(self) -> Object:
        return {
            "prompt_tokens": self._prompt_tokens,
            "completion_tokens": self._completion_tokens,
            "total_tokens": self._prompt_tokens + self._completion_tokens,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }


def _new_call(name: str) -> Object:
    function = {"name": name, "arguments": ""}
    return {"id": new_id("call_", 24), "type": "function", "function": function}


def _delta(part: dict[str, Any]) -> Object:
    """What is new in a part of an answer."""
    if "name" in part:
        return {"tool_calls": [{"index": part["call"], **_new_call(part["name"])}]}
    if "arguments" in part:
        function = {"arguments": part["arguments"]}
        return {"tool_calls": [{"index": part["call"], "function": function}]}
    return {"content": part["text"]} if "text" in part else {}

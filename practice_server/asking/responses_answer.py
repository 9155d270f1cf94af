"""The shapes of an answer of the Responses API: events, of which the last holds the whole."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from practice_server.asking.chat_answer import ChatAnswer
from practice_server.asking.client import Answers
from practice_server.asking.responses_request import ResponsesRequest, errors_named_as_here
from practice_server.store.objects import Object, new_id

INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


class ResponsesAnswer:
    """Asks as a chat does, and tells what comes of it in the events of the Responses API."""

    def __init__(self, wanted: ResponsesRequest, answers: Answers) -> None:
        self._wanted = wanted
        self._chat = ChatAnswer(wanted.chat, answers)
        self._id = new_id("resp_", 48)
        self._created = int(time.time())
        self._n_events = 0
        self._output: list[Object] = []
        self._usage: Object | None = None
        self._finish_reason = "stop"

    async def whole(self) -> Object:
        """The answer as one object."""
        *_, last = [event async for event in self.chunks()]
        return last["response"]

    async def chunks(self) -> AsyncIterator[Object]:
        """The events in their order, each with its `sequence_number`."""
        with errors_named_as_here():
            async for chunk in self._chat.chunks():
                for event in self._go_on(chunk):
                    yield event
        for event in self._end():
            yield event

    def _go_on(self, chunk: Object) -> Iterator[Object]:
        """The events that a piece of the chat's answer amounts to."""
        if not self._n_events:
            yield self._event("created", response=self._response("in_progress"))
            yield self._event("in_progress", response=self._response("in_progress"))
        self._usage = chunk["usage"]
        for choice in chunk["choices"]:
            self._finish_reason = choice["finish_reason"] or self._finish_reason
            yield from self._say(choice)

    def _say(self, choice: Object) -> Iterator[Object]:
        delta = choice["delta"]
        if delta.get("content"):
            if not self._is_open("message"):
                yield from self._begin(_message())
            yield from self._add_text(delta["content"], choice["logprobs"])
        for call in delta.get("tool_calls") or ():
            if "id" in call:
                yield from self._begin(_function_call(call))
            yield from self._add_arguments(call["function"].get("arguments", ""))

    def _end(self) -> Iterator[Object]:
        if not self._output:
            yield from self._begin(_message())
        reason = INCOMPLETE.get(self._finish_reason)
        status = "incomplete" if reason else "completed"
        yield from self._close(status)
        yield self._event(status, response=self._response(status, reason))

    # --- items: a text, or a function call ---

    def _is_open(self, kind: str) -> bool:
        return bool(self._output) and self._output[-1]["type"] == kind

    def _begin(self, item: Object) -> Iterator[Object]:
        if self._output:
            yield from self._close("completed")
        self._output.append(item)
        shown = item | {"content": []} if "content" in item else item
        yield self._event("output_item.added", output_index=self._index, item=shown)
        if "content" in item:
            yield self._about_item("content_part.added", content_index=0, part=_output_text())

    def _add_text(self, text: str, logprobs: Object | None) -> Iterator[Object]:
        part, entries = self._output[-1]["content"][0], (logprobs or {}).get("content", [])
        part["text"] += text
        part["logprobs"] += entries
        told = [_without_bytes(entry) for entry in entries]
        yield self._about_item("output_text.delta", content_index=0, delta=text, logprobs=told)

    def _add_arguments(self, arguments: str) -> Iterator[Object]:
        if arguments:
            self._output[-1]["arguments"] += arguments
            yield self._about_item("function_call_arguments.delta", delta=arguments)

    def _close(self, status: str) -> Iterator[Object]:
        """The last item is whole, or all that there will be."""
        item = self._output[-1]
        if item["status"] != "in_progress":
            return
        item["status"] = status
        if item["type"] == "message":
            (part,) = item["content"]
            told = [_without_bytes(entry) for entry in part["logprobs"]]
            done: dict[str, Any] = {"content_index": 0, "text": part["text"], "logprobs": told}
            yield self._about_item("output_text.done", **done)
            yield self._about_item("content_part.done", content_index=0, part=part)
        else:
            told_of = {"name": item["name"], "arguments": item["arguments"]}
            yield self._about_item("function_call_arguments.done", **told_of)
        yield self._event("output_item.done", output_index=self._index, item=item)

    @property
    def _index(self) -> int:
        return len(self._output) - 1

    def _about_item(self, kind: str, **told: Any) -> Object:
        item_id = self._output[-1]["id"]
        return self._event(kind, item_id=item_id, output_index=self._index, **told)

    def _event(self, kind: str, **told: Any) -> Object:
        self._n_events += 1
        return {"type": f"response.{kind}", "sequence_number": self._n_events - 1, **told}

    # --- the whole ---

    def _response(self, status: str, reason: str | None = None) -> Object:
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "background": False,
            "completed_at": int(time.time()) if status == "completed" else None,
            "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            "max_tool_calls": None,
            "model": self._wanted.chat.model.id,
            "output": [] if status == "in_progress" else self._output,
            "previous_response_id": None,
            "reasoning": {"effort": None, "summary": None},
            "service_tier": "default",
            "store": False,
            "truncation": "disabled",
            "usage": _usage(self._usage) if self._usage else None,
            **self._wanted.repeated,
        }


def _message() -> Object:
    return {
        "id": new_id("msg_", 48),
        "type": "message",
        "status": "in_progress",
        "role": "assistant",
        "content": [_output_text()],
    }


def _output_text() -> Object:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": ""}


def _function_call(call: Object) -> Object:
    return {
        "id": new_id("fc_", 48),
        "type": "function_call",
        "status": "in_progress",
        "call_id": call["id"],
        "name": call["function"]["name"],
        "arguments": "",
    }


def _without_bytes(entry: Object) -> Object:
    """A token's log-probability as events tell it."""
    top = [{name: each[name] for name in ("token", "logprob")} for each in entry["top_logprobs"]]
    return {"token": entry["token"], "logprob": entry["logprob"], "top_logprobs": top}


def _usage(usage: Object) -> Object:
    return {
        "input_tokens": usage["prompt_tokens"],
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": usage["completion_tokens"],
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage["total_tokens"],
    }

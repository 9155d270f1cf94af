"""The child that answers: it keeps models loaded and generates, one request at a time.

    python -m practice_server.asking.answering

On stdin and stdout it reads and writes one JSON object a line:

    in    {"id", "folder", "messages", "sampling", "stop"}                 a request
          {"cancel": id}                                                   nobody waits any more
    out   {"id", "prompt_tokens", "prompt_logprobs"}                       an answer begins
          {"id", "text", "logprobs"}                                       a piece of its text
          {"id", "call", "name"}                                           a call in it begins
          {"id", "call", "arguments"}                                      a piece of this
          {"id", "finish_reason", "completion_tokens", "mean_logprob"}     its end
          {"id", "refused": {"message", "code", "param"}}                  instead of an answer

"folder" comes from the server's catalogue, "sampling" has the fields of `Sampling`. With
"messages" there may be "tools", and a "form", that of `AnswerForm`. Instead of them there may be
"prompt", a text to go on with, and "score_prompt", whether its own tokens are scored: only then
there are "prompt_logprobs".
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from practice_server.asking.speech import Speech
from practice_server.engines.engine import (
    CallForm,
    ChatRefused,
    Engine,
    Mask,
    MaskUnusable,
    ModelUnusable,
)
from practice_server.engines.model_folder import engine_of, raising_model_unusable

# Of model folders on the disk; a loaded model takes about twice as much. There is room for two of
# the shipped size, to be compared; to load another takes some 40 ms.
MOST_BYTES = 20_000_000
Request = dict[str, Any]


class Refused(Exception):
    """A request that the model cannot answer; `told` is what the server is told of it.

    `is_last`: this process is of no more use, as a thread in it does not end.
    """

    def __init__(
        self, message: str, code: str | None, param: str | None = None, *, is_last: bool = False
    ) -> None:
        super().__init__(message)
        self.told = {"refused": {"message": message, "code": code, "param": param}}
        self.is_last = is_last


class Models:
    """The models used last, ready to answer: as many as MOST_BYTES allows, but always one."""

    def __init__(self) -> None:
        self._loaded: OrderedDict[str, Engine] = OrderedDict()
        self._bytes: dict[str, int] = {}

    def get(self, folder: str) -> Engine:
        if folder not in self._loaded:
            size = sum(file.stat().st_size for file in Path(folder).iterdir())
            while self._loaded and size + sum(self._bytes.values()) > MOST_BYTES:
                forgotten, _ = self._loaded.popitem(last=False)
                del self._bytes[forgotten]
            with raising_model_unusable(Path(folder)):
                self._loaded[folder] = engine_of(Path(folder)).load(Path(folder))
            self._bytes[folder] = size
        self._loaded.move_to_end(folder)
        return self._loaded[folder]


class Inbox:
    """Requests in their order, without those that were cancelled."""

    def __init__(self) -> None:
        self._requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in sys.stdin.buffer:
            message = json.loads(line)
            if "cancel" in message:
                self._cancelled.add(message["cancel"])
            else:
                self._requests.put(message)
        os._exit(0)  # the server is gone; there is nothing to save

    def __iter__(self) -> Iterator[Request]:
        while True:
            yield self._requests.get()

    def is_cancelled(self, request: Request) -> bool:
        return request["id"] in self._cancelled

    def forget(self, request: Request) -> None:
        self._cancelled.discard(request["id"])


def main() -> None:
    inbox, models = Inbox(), Models()
    for request in inbox:
        try:
            for part in answer(request, models):
                if inbox.is_cancelled(request):
                    break
                _send(request, part)
        except Refused as refusal:
            _send(request, refusal.told)
            if refusal.is_last:
                os._exit(0)  # the server starts another one
        except ModelUnusable as error:
            message = f"The model cannot be used: {error}."
            _send(request, Refused(message, "model_not_available").told)
        inbox.forget(request)


def _send(request: Request, part: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"id": request["id"], **part}) + "\n")
    sys.stdout.flush()


def answer(request: Request, models: Models) -> Iterator[dict[str, Any]]:
    """The parts of an answer. Raises Refused for a prompt that the model cannot take in."""
    try:
        engine = models.get(request["folder"])
    except FileNotFoundError as error:
        raise Refused("The model was deleted.", "model_not_found") from error
    prompt = _encode(engine, request)
    if len(prompt) >= engine.context:
        raise Refused(
            f"This model's maximum context length is {engine.context} tokens. However, your"
            f" {_asked(request)} resulted in {len(prompt)} tokens. Please reduce the length of"
            f" the {_asked(request)}.",
            "context_length_exceeded",
        )
    speech = Speech(engine, request)
    try:
        mask = _mask(engine, request)
        yield {"prompt_tokens": len(prompt), **speech.about_prompt(prompt)}
        yield from speech.parts(prompt, mask)
    except MaskUnusable as error:
        raise _refusal(engine, request["form"], error) from error


def _asked(request: Request) -> str:
    return "prompt" if "prompt" in request else "messages"


def _encode(engine: Engine, request: Request) -> list[int]:
    if "prompt" in request:
        return engine.tokenizer.encode_text_prompt(request["prompt"])
    try:
        return engine.tokenizer.encode_prompt(request["messages"], request.get("tools"))
    except ChatRefused as error:
        raise Refused(
            f"This model cannot read the messages: {error}.", None, "messages"
        ) from error


def _mask(engine: Engine, request: Request) -> Mask | None:
    """What holds the answer to its form; None if it has none."""
    form = request.get("form")
    if form is None:
        return None
    if form["functions"]:
        _check_calls(engine.tokenizer.call, form)
    from practice_server.asking.constraint import mask_of  # plain answers do without it

    return mask_of(engine.tokenizer, form)


def _check_calls(call: CallForm | None, form: dict[str, Any]) -> None:
    """Raises Refused if the answer cannot have calls, or they could not be told from its text."""
    if call is None:
        message = (
            "This model cannot call functions: its chat template writes no calls with a name and"
            " arguments as JSON."
        )
        raise Refused(message, None, "tools")
    if form["text"] and not form["must_call"] and call.before.startswith("{"):
        message = (
            "This model writes calls as JSON objects, so that they cannot be told from a text by a"
            " schema: ask for one of the two, with 'tool_choice' or without 'response_format'."
        )
        raise Refused(message, None, "tool_choice")


def _refusal(engine: Engine, form: dict[str, Any], error: MaskUnusable) -> Refused:
    """The error for a form to which no answer can be held; it names the schema at fault."""
    from practice_server.asking.constraint import at_fault

    schema = at_fault(engine.tokenizer, form)
    message = f"Invalid schema for {schema['name']}: {error}"
    return Refused(message, schema["code"], schema["param"], is_last=error.is_endless)


if __name__ == "__main__":
    main()

"""The child that answers: it keeps models loaded and generates, one request at a time.

    python -m practice_server.asking.answering

On stdin and stdout it reads and writes one JSON object a line:

    in    {"id", "folder", "messages", "sampling", "stop"}                 a request
          {"cancel": id}                                                   nobody waits any more
    out   {"id", "prompt_tokens", "prompt_logprobs"}                       an answer begins
          {"id", "text", "logprobs"}                                       a piece of it
          {"id", "finish_reason", "completion_tokens", "mean_logprob"}     its end
          {"id", "refused": {"message", "code"}}                           instead of an answer

"folder" comes from the server's catalogue, "sampling" has the fields of `Sampling`. With
"messages" there may be "tools". Instead of them there may be "prompt", a text to go on with, and
"score_prompt", whether its own tokens are scored: only then there are "prompt_logprobs".
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

from practice_server.asking.streams import Piece, TextStream, TokenStream
from practice_server.engines.engine import Engine, ModelUnusable, Sampling, Token
from practice_server.engines.model_folder import engine_of, raising_model_unusable

# Of model folders on the disk; a loaded model takes about twice as much. There is room for two of
# the shipped size, to be compared; to load another takes some 40 ms.
MOST_BYTES = 20_000_000
# What the service shows for a token that cannot come; JSON has no minus infinity.
LOWEST_LOGPROB = -9999.0
Request = dict[str, Any]


class Refused(Exception):
    """A request that the model cannot answer."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


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
            _send(request, {"refused": {"message": str(refusal), "code": refusal.code}})
        except ModelUnusable as error:
            message = f"The model cannot be used: {error}."
            _send(request, {"refused": {"message": message, "code": "model_not_available"}})
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
    yield {"prompt_tokens": len(prompt), **speech.about_prompt(prompt)}
    yield from speech.parts(prompt)


def _asked(request: Request) -> str:
    return "prompt" if "prompt" in request else "messages"


def _encode(engine: Engine, request: Request) -> list[int]:
    if "prompt" in request:
        return engine.tokenizer.encode_text_prompt(request["prompt"])
    return engine.tokenizer.encode_prompt(request["messages"], request.get("tools"))


class Speech:
    """One answer on its way from tokens to text."""

    def __init__(self, engine: Engine, request: Request) -> None:
        self._engine = engine
        self._sampling = Sampling(**request["sampling"])
        self._score_prompt = request.get("score_prompt", False)
        self._stream = TextStream(request["stop"])
        self._tokens = TokenStream()
        self._n_tokens = 0
        self._drawn: list[float] = []

    def about_prompt(self, prompt: list[int]) -> dict[str, Any]:
        """How likely each token of the prompt was, if that is wanted."""
        if not self._score_prompt:
            return {}
        scored = self._engine.score(prompt, top_logprobs=self._sampling.top_logprobs or 0)
        return {"prompt_logprobs": [self._entry(self._piece(token)) for token in scored]}

    def parts(self, prompt: list[int]) -> Iterator[dict[str, Any]]:
        finish_reason = "length"
        for token in self._engine.generate(prompt, self._sampling):
            self._drawn.append(token.logprob)
            if token.id in self._engine.tokenizer.ends:
                finish_reason = "stop"
                break
            text = self._take(token)
            yield from self._part(text, self._tokens.shown(self._stream.n_shown))
            if self._stream.stopped:
                finish_reason = "stop"
                break
        text = self._stream.end()
        yield from self._part(text, self._tokens.end(self._stream.n_shown))
        mean_logprob = sum(self._drawn) / max(1, len(self._drawn))
        yield {
            "finish_reason": finish_reason,
            "completion_tokens": self._n_tokens,
            "mean_logprob": mean_logprob,
        }

    def _take(self, token: Token) -> str:
        self._n_tokens += 1
        piece = self._piece(token)
        if self._sampling.top_logprobs is not None:
            self._tokens.add(piece)
        return self._stream.add(piece.content)

    def _piece(self, token: Token) -> Piece:
        return Piece(token, self._bytes(token.id))

    def _bytes(self, token_id: int) -> bytes:
        return self._engine.tokenizer.decode_bytes([token_id])

    def _entry(self, piece: Piece) -> dict[str, Any]:
        top = [_logprob(self._bytes(id), logprob) for id, logprob in piece.token.top]
        return _logprob(piece.content, piece.token.logprob) | {"top_logprobs": top}

    def _part(self, text: str, pieces: list[Piece]) -> Iterator[dict[str, Any]]:
        if text or pieces:
            yield {"text": text, "logprobs": [self._entry(piece) for piece in pieces]}


def _logprob(content: bytes, logprob: float) -> dict[str, Any]:
    """A token as the API shows it; bytes that are only a part of a character are escaped."""
    shown = content.decode("utf-8", "backslashreplace")
    return {"token": shown, "logprob": max(logprob, LOWEST_LOGPROB), "bytes": list(content)}


if __name__ == "__main__":
    main()

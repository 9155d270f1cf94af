"""One answer in the answering child: from generated tokens to what the server is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from practice_server.asking.call_stream import CallStream
from practice_server.asking.streams import Piece, TextStream, TokenStream
from practice_server.engines.engine import Engine, Mask, Sampling, Token

# What the service shows for a token that cannot come; JSON has no minus infinity.
LOWEST_LOGPROB = -9999.0


class Speech:
    """An answer to a request of `answering`, on its way from tokens to text and calls."""

    def __init__(self, engine: Engine, request: dict[str, Any]) -> None:
        self._engine = engine
        self._sampling = Sampling(**request["sampling"])
        self._score_prompt = request.get("score_prompt", False)
        self._stream = TextStream(request["stop"])
        self._tokens = TokenStream()
        self._calls = _calls(engine, request.get("form"))
        self._in_call = False
        self._n_tokens = 0
        self._drawn: list[float] = []

    def about_prompt(self, prompt: list[int]) -> dict[str, Any]:
        """How likely each token of the prompt was, if that is wanted."""
        if not self._score_prompt:
            return {}
        scored = self._engine.score(prompt, top_logprobs=self._sampling.top_logprobs or 0)
        return {"prompt_logprobs": [self._entry(self._piece(token)) for token in scored]}

    def parts(self, prompt: list[int], mask: Mask | None = None) -> Iterator[dict[str, Any]]:
        finish_reason = "length"
        for token in self._engine.generate(prompt, self._sampling, mask):
            self._drawn.append(token.logprob)
            if token.id in self._engine.tokenizer.ends:
                finish_reason = "stop"
                break
            self._n_tokens += 1
            yield from self._take(token)
            if self._stream.stopped:
                finish_reason = "stop"
                break
        if not self._in_call:
            # What was cut off may have been the beginning of a call.
            if self._calls and finish_reason == "stop":
                yield from self._text(self._calls.end())
            yield from self._end_text()
        mean_logprob = sum(self._drawn) / max(1, len(self._drawn))
        yield {
            "finish_reason": finish_reason,
            "completion_tokens": self._n_tokens,
            "mean_logprob": mean_logprob,
        }

    def _take(self, token: Token) -> Iterator[dict[str, Any]]:
        piece = self._piece(token)
        if self._sampling.top_logprobs is not None and not self._in_call:
            self._tokens.add(piece)
        parts = self._calls.add(piece.content) if self._calls else [{"text": piece.content}]
        for part in parts:
            if "text" in part:
                yield from self._text(part["text"])
            elif not self._stream.stopped:
                yield from self._call(part)

    def _text(self, content: bytes) -> Iterator[dict[str, Any]]:
        text = self._stream.add(content)
        yield from self._part(text, self._tokens.shown(self._stream.n_shown))

    def _call(self, part: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if not self._in_call:
            self._in_call = True
            yield from self._end_text()
        yield part

    def _end_text(self) -> Iterator[dict[str, Any]]:
        """What was held back of the text."""
        text = self._stream.end()
        yield from self._part(text, self._tokens.end(self._stream.n_shown))

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


def _calls(engine: Engine, form: dict[str, Any] | None) -> CallStream | None:
    """What tells calls from text in answers of this form; None if there can be no calls."""
    written = engine.tokenizer.call
    if not form or not form["functions"] or written is None:
        return None
    return CallStream(written, after_text=written.gap is not None and not form["text"])


def _logprob(content: bytes, logprob: float) -> dict[str, Any]:
    """A token as the API shows it; bytes that are only a part of a character are escaped."""
    shown = content.decode("utf-8", "backslashreplace")
    return {"token": shown, "logprob": max(logprob, LOWEST_LOGPROB), "bytes": list(content)}

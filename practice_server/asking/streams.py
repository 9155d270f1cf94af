"""From generated tokens to what is shown: whole characters, and nothing of a stop sequence.

The text and the tokens are two streams, since a token may hold only a part of a character.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import AnyStr

from practice_server.engines.engine import Token


class TextStream:
    """Takes bytes as they are generated, gives out text.

    A character whose bytes are spread over tokens waits for its last byte; text that may be the
    beginning of a stop sequence waits until that is known.
    """

    def __init__(self, stop: list[str]) -> None:
        self._stop = [sequence for sequence in stop if sequence]
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._waiting = ""
        self.stopped = False
        self.n_shown = 0
        """How many characters were given out."""

    def add(self, piece: bytes) -> str:
        """The text that can be shown now; when it ends in a stop sequence, `stopped` is set."""
        return self._show(self._decoder.decode(piece))

    def end(self) -> str:
        """The text that was still waiting when the tokens ended."""
        text = self._show(self._decoder.decode(b"", final=True))
        waiting, self._waiting = self._waiting, ""
        return text + self._given_out(waiting)

    def _show(self, text: str) -> str:
        if self.stopped:
            return ""
        text = self._waiting + text
        found = [place for stop in self._stop if (place := text.find(stop)) >= 0]
        if found:
            self.stopped, self._waiting = True, ""
            return self._given_out(text[: min(found)])
        held = max((overlap(text, stop) for stop in self._stop), default=0)
        self._waiting = text[len(text) - held :]
        return self._given_out(text[: len(text) - held])

    def _given_out(self, text: str) -> str:
        self.n_shown += len(text)
        return text


def overlap(text: AnyStr, stop: AnyStr) -> int:
    """How many of the last characters of `text` are the first ones of `stop`, without its last."""
    lengths = range(min(len(text), len(stop) - 1), 0, -1)
    return next((length for length in lengths if text.endswith(stop[:length])), 0)


@dataclass(frozen=True)
class Piece:
    """A token and its bytes, or those that are shown of it."""

    token: Token
    content: bytes


@dataclass(frozen=True)
class Waiting:
    """A piece whose text is not shown yet: how many characters the text has before it, which
    bytes of an unfinished character stand there, and how many characters there are with it."""

    piece: Piece
    n_before: int
    unfinished: bytes
    n_with: int

    def cut(self, n_shown: int) -> Piece:
        """As many of its bytes as belong to the first `n_shown` characters of the text."""
        length = len(self.piece.content)
        while length and self._n_characters(length) > n_shown:
            length -= 1
        return Piece(self.piece.token, self.piece.content[:length])

    def _n_characters(self, length: int) -> int:
        content = self.unfinished + self.piece.content[:length]
        return self.n_before + len(content.decode("utf-8", "replace"))


class TokenStream:
    """Takes tokens as they are generated, gives them out when their text is shown."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._n_characters = 0
        self._waiting: list[Waiting] = []

    def add(self, piece: Piece) -> None:
        unfinished, _ = self._decoder.getstate()
        n_before = self._n_characters
        self._n_characters += len(self._decoder.decode(piece.content))
        # The bytes of an unfinished character belong to it.
        n_with = self._n_characters + bool(self._decoder.getstate()[0])
        self._waiting.append(Waiting(piece, n_before, unfinished, n_with))

    def shown(self, n_shown: int) -> list[Piece]:
        """The tokens, of those not given out yet, that lie in the text's first `n_shown`
        characters with all of their bytes."""
        n_whole = sum(waiting.n_with <= n_shown for waiting in self._waiting)
        whole, self._waiting = self._waiting[:n_whole], self._waiting[n_whole:]
        return [waiting.piece for waiting in whole]

    def end(self, n_shown: int) -> list[Piece]:
        """The same, and what is shown of a token that a stop sequence cuts through."""
        pieces = self.shown(n_shown)
        cut = self._waiting[0].cut(n_shown) if self._waiting else None
        return [*pieces, cut] if cut and cut.content else pieces

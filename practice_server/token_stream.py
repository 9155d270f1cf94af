"""The tokens of a text that is shown: each is told of with its text, and none of what a stop
sequence cuts off."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from practice_server.engines.engine import Token


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

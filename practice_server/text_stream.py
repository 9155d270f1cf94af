"""From generated tokens to text to show: whole characters, nothing of a stop sequence."""

from __future__ import annotations

import codecs


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
        held = max((_overlap(text, stop) for stop in self._stop), default=0)
        self._waiting = text[len(text) - held :]
        return self._given_out(text[: len(text) - held])

    def _given_out(self, text: str) -> str:
        self.n_shown += len(text)
        return text


def _overlap(text: str, stop: str) -> int:
    """How many of the last characters of `text` are the first ones of `stop`."""
    lengths = range(min(len(text), len(stop) - 1), 0, -1)
    return next((length for length in lengths if text.endswith(stop[:length])), 0)

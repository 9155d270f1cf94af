"""What all readers share: rows, and what they say, ask and refuse."""

from collections.abc import Callable, Sequence
from typing import Any

Row = dict[str, Any]
Say = Callable[[str], object]
Ask = Callable[[str, Sequence[str], str], str]  # question, possible answers, name of the option


class UnreadableFile(ValueError):
    """The file is there, but its contents cannot be read; the text says where and what to do."""


def refuse(question: str, names: Sequence[str], option: str) -> str:
    """Stand in for a person who is asked: guess nothing."""
    raise ValueError(f"{question} There are: {', '.join(names)}. Name one with --{option}")

"""Draws by weights, and puts a question and its answer into a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import TypeVar

Key = TypeVar("Key")
Message = dict[str, str]


def weighted(weights: Mapping[Key, float], random: Random) -> Key:
    """One of the keys, each as likely as its weight says."""
    return random.choices(list(weights), list(weights.values()))[0]


def turn(question: str, answer: str) -> list[Message]:
    """What a user asks and what the assistant answers, as two messages."""
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]

"""From a line of a training file to tokens."""

from __future__ import annotations

from typing import Any

from practice_server.engines.numpy_engine.tokenizer import Tokenizer


def encode(tokenizer: Tokenizer, line: dict[str, Any]) -> tuple[list[int], list[bool]]:
    """A checked example's tokens, and for each whether the model learns to predict it."""
    if "messages" in line:
        return tokenizer.encode_chat(line["messages"])
    return tokenizer.encode_completion(line["prompt"], line["completion"])

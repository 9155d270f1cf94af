"""From a line of a training file to tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from practice_server.engines.engine import Example, Preference
from practice_server.engines.tokenizer import Tokenizer

# An example's tokens, and for each whether the model learns to predict it.
Encoded = tuple[list[int], list[bool]]


def encode(tokenizer: Tokenizer, line: dict[str, Any]) -> list[Encoded]:
    """What a checked line is for the model: one example, or the two answers of a preference."""
    if "input" in line:
        keys = ("preferred_output", "non_preferred_output")
        return [_encode_answer(tokenizer, line["input"], line[key]) for key in keys]
    if "messages" in line:
        return [tokenizer.encode_chat(line["messages"])]
    return [tokenizer.encode_completion(line["prompt"], line["completion"])]


def as_example(encoded: list[Encoded], context: int) -> Example | Preference | None:
    """What a model that sees so many tokens learns from a line; None if that is nothing.

    OpenAI's guide to fine-tuning says the same: what is longer is cut off at its end.
    """
    first, *others = (Example(tokens[:context], on[:context]) for tokens, on in encoded)
    if not all(any(example.trained_on) for example in (first, *others)):
        return None
    return Preference(first, *others) if others else first


def as_examples(tokenizer: Tokenizer, lines: Iterable[dict[str, Any]], context: int) -> list[Any]:
    """What a model learns from lines, as an engine takes it for training."""
    examples = (as_example(encode(tokenizer, line), context) for line in lines)
    return [example for example in examples if example]


def _encode_answer(
    tokenizer: Tokenizer, given: dict[str, Any], output: list[dict[str, Any]]
) -> Encoded:
    """A conversation and one answer to it; nothing but the answer is trained on."""
    before, _ = tokenizer.encode_chat(given["messages"])
    answer, trained_on = tokenizer.encode_chat(output)
    return before + answer, [False] * len(before) + trained_on

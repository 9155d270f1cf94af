"""From a line of a training file to tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from practice_server.engines.engine import Example, Preference, Tokenizer, TokenSequence


def encode(tokenizer: Tokenizer, line: dict[str, Any]) -> list[Example]:
    """What a checked line is, whole: one example, or the two answers of a preference."""
    if "input" in line:
        outputs = (line["preferred_output"], line["non_preferred_output"])
        return [_encode_answer(tokenizer, line["input"], output) for output in outputs]
    if "messages" in line:
        return [Example(tokenizer.encode_chat(line["messages"], line.get("tools")))]
    return [Example([tokenizer.encode_completion(line["prompt"], line["completion"])])]


def as_example(encoded: list[Example], context: int) -> Example | Preference | None:
    """What a model that sees so many tokens learns from a line; None if that is nothing.

    OpenAI's guide to fine-tuning says the same: what is longer is cut off at its end.
    """
    first, *others = (_cut(example, context) for example in encoded)
    if not all(example.sequences for example in (first, *others)):
        return None
    return Preference(first, *others) if others else first


def as_examples(tokenizer: Tokenizer, lines: Iterable[dict[str, Any]], context: int) -> list[Any]:
    """What a model learns from lines, as an engine takes it for training."""
    examples = (as_example(encode(tokenizer, line), context) for line in lines)
    return [example for example in examples if example]


def _encode_answer(
    tokenizer: Tokenizer, given: dict[str, Any], output: list[dict[str, Any]]
) -> Example:
    """A conversation and one answer to it; nothing but the answer is trained on."""
    before = [{**message, "weight": 0} for message in given["messages"]]
    return Example(tokenizer.encode_chat([*before, *output], given.get("tools")))


def _cut(example: Example, context: int) -> Example:
    """The sequences in which something is learnt within the context, and no more of them."""
    cut = (TokenSequence(tokens[:context], on[:context]) for tokens, on in example.sequences)
    return Example([sequence for sequence in cut if any(sequence.trained_on)])

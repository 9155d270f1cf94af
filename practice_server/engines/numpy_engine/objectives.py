"""What is learnt from: how wrong a model is about some items, and which way is better."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from practice_server.engines.engine import Example
from practice_server.engines.loop import Score
from practice_server.engines.numpy_engine.layers import cross_entropy
from practice_server.engines.numpy_engine.model import Batch, Model

# A batch with more tokens goes through the model in parts, so that memory stays bounded. Smaller
# parts are as fast, but each one that is learnt from needs gradients of its own.
TOKENS_AT_ONCE = 1024
TOKENS_AT_ONCE_UNLEARNT = 256


class Objective(Protocol):
    """What is learnt from: how wrong a model is about some items, and which way is better.

    An item is an example, a preference or what `prepare` makes of it; it has `sequences`.
    """

    def prepare(self, model: Model, examples: Sequence[Any]) -> Sequence[Any]:
        """The items made of examples, before the model changes."""

    def n_losses(self, item: Any) -> int:
        """Over how many losses an item counts in a mean."""

    def add_score(
        self, score: Score, logits: np.ndarray, batch: Batch, items: Sequence[Any]
    ) -> np.ndarray:
        """Add what these logits, (m, vocabulary), scored; return the gradient of the summed
        loss with respect to them. The logits are overwritten."""


class Supervised:
    """Learn to say what examples say: each token trained on costs its surprise."""

    def prepare(self, model: Model, examples: Sequence[Example]) -> Sequence[Example]:
        return examples

    def n_losses(self, item: Example) -> int:
        return n_trained_on(item)

    def add_score(
        self, score: Score, logits: np.ndarray, batch: Batch, items: Sequence[Example]
    ) -> np.ndarray:
        score.n_right += int(np.count_nonzero(logits.argmax(axis=-1) == batch.targets))
        losses, d_logits = cross_entropy(logits, batch.targets)
        score.loss += float(losses.sum(dtype=np.float64))
        score.n_losses += len(batch.targets)
        score.n_tokens += len(batch.targets)
        return d_logits


SUPERVISED = Supervised()


def n_trained_on(example: Example) -> int:
    """How many tokens count; nothing predicts the first of a sequence."""
    return sum(sum(sequence.trained_on[1:]) for sequence in example.sequences)


def parts(items: Sequence[Any], *, learnt: bool = True) -> Iterator[tuple[list[Any], Batch]]:
    """The items in parts of no more than TOKENS_AT_ONCE, or of one item that has more.

    Each part comes with its batch, all sequences side by side. Without `learnt`, nothing will go
    back through the model.
    """
    most = TOKENS_AT_ONCE if learnt else TOKENS_AT_ONCE_UNLEARNT
    part: list[Any] = []
    n_tokens = 0
    for item in items:
        length = sum(len(sequence.tokens) for sequence in item.sequences)
        if part and n_tokens + length > most:
            yield part, _batch(part)
            part, n_tokens = [], 0
        part.append(item)
        n_tokens += length
    if part:
        yield part, _batch(part)


def _batch(items: list[Any]) -> Batch:
    return Batch.of([sequence for item in items for sequence in item.sequences])

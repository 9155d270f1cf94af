"""What is learnt from: how wrong a model is about some items. torch finds the way back itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch.nn.functional import cross_entropy, logsigmoid
from torch.nn.utils.rnn import pad_sequence

from practice_server.engines.engine import Example, Preference
from practice_server.engines.loop import Score
from practice_server.engines.transformers_engine.network import Network, at_least_single

# A batch with more tokens goes through the model in parts, so that memory stays bounded.
TOKENS_AT_ONCE = 1024


class Objective(Protocol):
    """What is learnt from. An item is an example, or what `prepare` makes of it."""

    def prepare(self, network: Network, examples: Sequence[Any]) -> Sequence[Any]:
        """The items made of examples, before the model changes."""

    def n_losses(self, item: Any) -> int:
        """Over how many losses an item counts in a mean."""

    def add_score(self, score: Score, network: Network, items: Sequence[Any]) -> torch.Tensor:
        """Add what the model scored on the items; return their summed loss."""


class Supervised:
    """Learn to say what examples say: each token trained on costs its surprise."""

    def prepare(self, network: Network, examples: Sequence[Example]) -> Sequence[Example]:
        return examples

    def n_losses(self, item: Example) -> int:
        return n_trained_on(item)

    def add_score(self, score: Score, network: Network, items: Sequence[Example]) -> torch.Tensor:
        losses, right = surprise(network, items)
        loss = losses.sum()
        score.loss += loss.item()
        score.n_right += int(right.sum())
        score.n_losses += len(losses)
        score.n_tokens += len(losses)
        return loss


@dataclass(frozen=True)
class Pair(Preference):
    """Two answers, and log π_ref(w|x) − log π_ref(l|x): by how much the reference, the model
    before training, prefers the better one, in nats."""

    reference: float


class DPO:
    """Learn to prefer the better answers (Rafailov et al., 2023, arXiv:2305.18290, equation 7).

    The loss of a pair is −log σ(β h), where h says how much more the model prefers the better
    answer than the reference does. What the reference says is asked once, before the first step.
    """

    def __init__(self, beta: float) -> None:
        """`beta` > 0: how strongly the model is held near to the reference."""
        self._beta = beta

    def prepare(self, network: Network, examples: Sequence[Preference]) -> list[Pair]:
        with torch.no_grad():
            margins = [
                margin
                for part in parts(examples)
                for margin in _margins(surprise(network, part)[0], part).tolist()
            ]
        pairs = zip(examples, margins, strict=True)
        return [Pair(each.preferred, each.other, margin) for each, margin in pairs]

    def n_losses(self, item: Pair) -> int:
        return 1

    def add_score(self, score: Score, network: Network, items: Sequence[Pair]) -> torch.Tensor:
        losses, right = surprise(network, items)
        reference = torch.tensor([pair.reference for pair in items], device=losses.device)
        loss = -logsigmoid(self._beta * (_margins(losses, items) - reference)).sum()
        better = torch.cat(right.split(_counts(items))[::2])
        score.loss += loss.item()
        score.n_right += int(better.sum())
        score.n_losses += len(items)
        score.n_tokens += len(better)
        return loss


def surprise(network: Network, items: Sequence[Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """For each token that counts, (m,): −log of its probability, and whether it was likeliest.

    All sequences of the items lie side by side, the shorter ones filled up behind their end. The
    vocabulary is asked only where the next token counts in one of them.
    """
    sequences = [sequence for item in items for sequence in item.sequences]
    tokens = _rows([sequence.tokens for sequence in sequences])
    counts = _rows([[*sequence.trained_on[1:], False] for sequence in sequences])
    mask = _rows([[1] * len(sequence.tokens) for sequence in sequences])
    columns = counts.any(0).nonzero()[:, 0]
    at = counts[:, columns].nonzero(as_tuple=True)
    device = network.model.device
    told = network.logits(
        tokens,
        attention_mask=mask.to(device) if len(sequences) > 1 else None,
        logits_to_keep=columns.to(device),
        use_cache=False,
    )
    logits, targets = told.logits[at], tokens.roll(-1, 1)[:, columns][at].to(device)
    logits = logits.to(at_least_single(logits.dtype))
    return cross_entropy(logits, targets, reduction="none"), logits.argmax(-1) == targets


def _rows(rows: Sequence[Sequence[Any]]) -> torch.Tensor:
    return pad_sequence([torch.tensor(row) for row in rows], batch_first=True)


def n_trained_on(example: Example) -> int:
    """How many tokens count; nothing predicts the first of a sequence."""
    return sum(sum(sequence.trained_on[1:]) for sequence in example.sequences)


def parts(items: Sequence[Any]) -> Iterator[list[Any]]:
    """The items in parts of no more than TOKENS_AT_ONCE, or of one item that has more."""
    part: list[Any] = []
    for item in items:
        if part and _n_tokens([*part, item]) > TOKENS_AT_ONCE:
            yield part
            part = []
        part.append(item)
    if part:
        yield part


def _n_tokens(items: Sequence[Any]) -> int:
    """As many as go through the model, those filled up included."""
    lengths = [len(sequence.tokens) for item in items for sequence in item.sequences]
    return len(lengths) * max(lengths)


def _counts(pairs: Sequence[Preference]) -> list[int]:
    """How many tokens of each answer are trained on, of the better one first."""
    return [n_trained_on(answer) for pair in pairs for answer in (pair.preferred, pair.other)]


def _margins(losses: torch.Tensor, pairs: Sequence[Preference]) -> torch.Tensor:
    """(pairs,): log π(w|x) − log π(l|x), from the surprise at each token."""
    sums = torch.stack([answer.sum() for answer in losses.split(_counts(pairs))])
    return sums[1::2] - sums[::2]

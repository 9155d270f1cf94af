"""Learning from preferences: direct preference optimization (Rafailov et al., 2023).

A pair has a prompt x, the better answer w and the other one l. How much more the model prefers w
to l than the reference does, which is the model before training, is the margin

    h = (log π(w|x) − log π_ref(w|x)) − (log π(l|x) − log π_ref(l|x))

and the loss of the pair is −log σ(β h) (arXiv:2305.18290, equation 7). Its slope is

    d loss / d h = −β σ(−β h):

large as long as the other answer is preferred, small when the better one is. log π of an answer is
the sum over its tokens, so each token of w is learnt as in supervised training, with that slope as
its weight, and each token of l is unlearnt with the same weight.

The reference never changes: what it says about each pair is computed once, before the first step,
and no second model is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from practice_server.engines.engine import Preference
from practice_server.engines.loop import Score
from practice_server.engines.numpy_engine.layers import cross_entropy
from practice_server.engines.numpy_engine.model import Batch, Model
from practice_server.engines.numpy_engine.objectives import n_trained_on, parts


@dataclass(frozen=True)
class Pair(Preference):
    """Two answers, and by how much the reference prefers the better one.

    `reference` is log π_ref(w|x) − log π_ref(l|x), in nats.
    """

    reference: float


class DPO:
    """Learn to prefer the better answers; an `Objective` of training."""

    def __init__(self, beta: float) -> None:
        """`beta` > 0: how strongly the model is held near to the reference."""
        self._beta = beta

    def prepare(self, model: Model, examples: Sequence[Preference]) -> list[Pair]:
        """Ask the reference, which `model` still is."""
        pairs = []
        for part, batch in parts(examples, learnt=False):
            losses, _ = cross_entropy(model.forward_batch(batch), batch.targets)
            margins = _margins(losses, _counts(part)).tolist()
            pairs += [Pair(e.preferred, e.other, m) for e, m in zip(part, margins, strict=True)]
        return pairs

    def n_losses(self, item: Pair) -> int:
        return 1

    def add_score(
        self, score: Score, logits: np.ndarray, batch: Batch, items: Sequence[Pair]
    ) -> np.ndarray:
        """Add the pairs' losses, and the accuracy on the better answers' tokens; return the
        gradient of the summed loss. logits: (m, vocabulary), overwritten."""
        counts = _counts(items)
        is_preferred = np.repeat(_sides(items) > 0, counts)
        right = logits.argmax(axis=-1) == batch.targets
        score.n_right += int(np.count_nonzero(right & is_preferred))
        score.n_tokens += int(np.count_nonzero(is_preferred))
        losses, d_logits = cross_entropy(logits, batch.targets)
        margins = _margins(losses, counts) - [pair.reference for pair in items]
        # log σ(z) = −log(1 + e^−z), written so that no exponential grows beyond all bounds.
        score.loss += float(np.logaddexp(0, -self._beta * margins).sum())
        score.n_losses += len(items)
        slopes = self._beta * np.exp(-np.logaddexp(0, self._beta * margins))
        d_logits *= np.repeat(_sides(items) * np.repeat(slopes, 2), counts)[:, None]
        return d_logits


def _sides(pairs: Sequence[Preference]) -> np.ndarray:
    """(2 · pairs,): 1 for each better answer, whose surprise is to fall, −1 for each other."""
    return np.tile([1.0, -1.0], len(pairs))


def _counts(pairs: Sequence[Preference]) -> np.ndarray:
    """(2 · pairs,): how many tokens of each answer are trained on."""
    return np.array([n_trained_on(answer) for p in pairs for answer in (p.preferred, p.other)])


def _margins(losses: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(pairs,): log π(w|x) − log π(l|x), from the surprise at each token, −log π."""
    starts = np.cumsum(counts) - counts
    surprise = np.add.reduceat(losses, starts, dtype=np.float64)
    return surprise[1::2] - surprise[::2]

"""AdamW: steps scaled by how steady each weight's gradient is (Loshchilov & Hutter, 2019).

The update is arithmetic on a few large arrays, and fetching them from memory costs more than the
arithmetic. So it goes piece by piece: a piece stays in the processor's cache for all of its steps.
"""

from __future__ import annotations

import numpy as np

BETA_1, BETA_2 = 0.9, 0.999
EPS = 1e-8
WEIGHT_DECAY = 0.01
PIECE = 32_768


class AdamW:
    """The optimizer of one flat array of weights, changed in place."""

    def __init__(self, weights: np.ndarray, n_decayed: int) -> None:
        """`n_decayed`: so many weights, from the first, shrink a little at each step."""
        self.weights = weights
        self.first_moment = np.zeros_like(weights)
        self.second_moment = np.zeros_like(weights)
        self.n_steps = 0
        self._pieces = _pieces(0, n_decayed) + _pieces(n_decayed, len(weights))
        self._n_decayed = n_decayed
        self._scratch = np.empty(PIECE, weights.dtype)

    def step(self, gradient: np.ndarray, learning_rate: float, clip: float = 1.0) -> None:
        """One update with `gradient`, as long as the weights, times `clip`.

        m ← β₁ m + (1 − β₁) g and v ← β₂ v + (1 − β₂) g²; with m̂ = m / (1 − β₁ⁿ) and
        v̂ = v / (1 − β₂ⁿ) at step n, w ← w (1 − rate · decay) − rate · m̂ / (sqrt(v̂) + eps), as in
        arXiv:1711.05101 (algorithm 2) and torch.optim.AdamW.
        """
        self.n_steps += 1
        # The two corrections are numbers, not arrays: taken into rate and eps they cost nothing.
        root = (1 - BETA_2**self.n_steps) ** 0.5
        rate = learning_rate * root / (1 - BETA_1**self.n_steps)
        for at in self._pieces:
            decay = learning_rate * WEIGHT_DECAY if at.start < self._n_decayed else 0.0
            self._update(at, gradient[at], clip, decay, rate, EPS * root)

    def _update(
        self, at: slice, g: np.ndarray, clip: float, decay: float, rate: float, eps: float
    ) -> None:
        w, m, v = self.weights[at], self.first_moment[at], self.second_moment[at]
        change = self._scratch[: len(w)]
        m *= BETA_1
        m += np.multiply(g, (1 - BETA_1) * clip, out=change)
        v *= BETA_2
        np.multiply(g, g, out=change)
        change *= (1 - BETA_2) * clip * clip
        v += change
        np.sqrt(v, out=change)
        change += eps
        np.divide(m, change, out=change)
        change *= rate
        if decay:
            w *= 1 - decay
        w -= change


def _pieces(start: int, end: int) -> list[slice]:
    return [slice(at, min(at + PIECE, end)) for at in range(start, end, PIECE)]

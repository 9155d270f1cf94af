"""Training with NumPy: what one step does.

It sends a batch through the model (`objectives.py` says how wrong the model is), goes back for the
gradients, and lets AdamW change the weights. `engines/loop.py` has the loop over the steps.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from math import sqrt
from typing import Any

import numpy as np

from practice_server.engines.engine import Plan
from practice_server.engines.loop import Loop, Score
from practice_server.engines.numpy_engine.adamw import AdamW
from practice_server.engines.numpy_engine.model import Model
from practice_server.engines.numpy_engine.objectives import SUPERVISED, Objective, parts
from practice_server.engines.numpy_engine.parameters import Parameters


class Training(Loop):
    """One run of a plan over its examples, changing the model in place."""

    def __init__(
        self,
        model: Model,
        training: Sequence[Any],
        validation: Sequence[Any],
        plan: Plan,
        objective: Objective,
    ) -> None:
        """ValueError if there are no examples at all."""
        super().__init__(
            objective.prepare(model, training),
            objective.prepare(model, validation),
            plan,
            learning_rate=model.config.learning_rate,
            model=json.dumps(asdict(model.config)),
        )
        self._model = model
        self._objective = objective
        self._optimizer = AdamW(model.weights.flat, model.weights.n_in_matrices)
        self._gradients = Parameters(model.config, model.weights.flat.dtype)

    def gradients(self, items: Sequence[Any], number: int) -> tuple[Score, float]:
        """See `Loop.gradients`."""
        with np.errstate(all="ignore"):
            score = loss_and_gradients(self._model, items, self._gradients, self._objective)
            gradient = self._gradients.flat
            return score, sqrt(np.dot(gradient, gradient))

    def update(self, learning_rate: float, clip: float) -> None:
        """See `Loop.update`."""
        self._optimizer.step(self._gradients.flat, learning_rate, clip)

    def evaluate(self, items: Sequence[Any]) -> Score:
        """See `Loop.evaluate`."""
        return evaluate(self._model, items, self._objective)

    def arrays(self) -> dict[str, np.ndarray]:
        """The weights and their two moments."""
        return {
            "weights": self._optimizer.weights,
            "first_moment": self._optimizer.first_moment,
            "second_moment": self._optimizer.second_moment,
        }

    def restore(self, array_of: Callable[[str], np.ndarray], n_steps: int) -> None:
        """See `Loop.restore`."""
        for name, array in self.arrays().items():
            array[:] = array_of(name)
        self._optimizer.n_steps = n_steps


def loss_and_gradients(
    model: Model, items: Sequence[Any], into: Parameters, objective: Objective = SUPERVISED
) -> Score:
    """The score of a batch, and the gradients of its mean loss, written to `into`."""
    n_losses = sum(map(objective.n_losses, items))
    score = Score()
    for number, (part, batch) in enumerate(parts(items)):
        gradients = Parameters(into.config, into.flat.dtype) if number else into
        trace: list = []
        d_logits = objective.add_score(score, model.forward_batch(batch, trace), batch, part)
        d_logits /= n_losses
        model.backward(batch, trace, d_logits, gradients)
        if number:
            into.flat += gradients.flat
    return score


def evaluate(model: Model, items: Sequence[Any], objective: Objective = SUPERVISED) -> Score:
    """The score of items, changing nothing."""
    score = Score()
    for part, batch in parts(items, learnt=False):
        objective.add_score(score, model.forward_batch(batch), batch, part)
    return score

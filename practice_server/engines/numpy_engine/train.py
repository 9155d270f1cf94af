"""Training: the loop over the steps, and what a step does.

A step draws a batch, sends it through the model (`objectives.py` says how wrong the model is),
goes back for the gradients, and lets AdamW change the weights.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from math import isfinite, sqrt
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from safetensors import SafetensorError, safe_open

from practice_server.engines.engine import (
    ModelUnusable,
    Plan,
    StateUnusable,
    Step,
    TrainingDiverged,
)
from practice_server.engines.numpy_engine.adamw import AdamW
from practice_server.engines.numpy_engine.model import Model
from practice_server.engines.numpy_engine.objectives import SUPERVISED, Objective, Score, parts
from practice_server.engines.numpy_engine.parameters import Parameters
from practice_server.engines.numpy_engine.tensor_file import save_tensors

MAX_GRADIENT_NORM = 1.0
VALIDATION_EVERY = 10
VALIDATION_EXAMPLES = 4


class Training:
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
        self._model = model
        self._objective = objective
        self._training = objective.prepare(model, training)
        self._validation = objective.prepare(model, validation)
        if not training:
            raise ValueError("there are no training examples")
        self._plan = plan
        self._total = plan.total_steps(len(training))
        self._optimizer = AdamW(model.weights.flat, model.weights.n_in_matrices)
        self._gradients = Parameters(model.config, model.weights.flat.dtype)

    def steps(self) -> Iterator[Step]:
        """Take the steps that remain, yielding after each."""
        for number in range(self._optimizer.n_steps + 1, self._total + 1):
            score = self._step(number)
            epoch = self._plan.epoch_ended(len(self._training), number)
            metrics = score.metrics("train_loss", "train_mean_token_accuracy")
            metrics |= self._validation_metrics(number, epoch)
            yield Step(number, self._total, metrics, epoch)

    def _step(self, number: int) -> Score:
        batch = [self._training[i] for i in self._drawn(number)]
        with np.errstate(all="ignore"):
            score = loss_and_gradients(self._model, batch, self._gradients, self._objective)
            gradient = self._gradients.flat
            norm = sqrt(np.dot(gradient, gradient))
        if not isfinite(score.loss) or not isfinite(norm):
            if number == 1:
                raise ModelUnusable("its weights give no finite loss, even before any training")
            raise TrainingDiverged(
                f"the loss is no longer a finite number at step {number} of {self._total}; "
                f"try a learning_rate_multiplier below {self._plan.learning_rate_multiplier:g}"
            )
        clip = min(1.0, MAX_GRADIENT_NORM / norm) if norm else 1.0
        self._optimizer.step(gradient, self._learning_rate(number), clip)
        return score

    def _learning_rate(self, number: int) -> float:
        """Falls on a straight line, from its full height at step 1 to 0 after the last step."""
        start = self._model.config.learning_rate * self._plan.learning_rate_multiplier
        return start * (1 - (number - 1) / self._total)

    def _drawn(self, number: int) -> list[int]:
        """Which examples are in a step's batch; each epoch has an order of its own."""
        n, size = len(self._training), self._plan.batch_size
        places = range((number - 1) * size, min(number * size, n * self._plan.n_epochs))
        orders = {epoch: self._order(epoch) for epoch in {place // n for place in places}}
        return [int(orders[place // n][place % n]) for place in places]

    def _order(self, epoch: int) -> np.ndarray:
        seed = self._plan.seed % 2**64
        return np.random.default_rng([seed, epoch]).permutation(len(self._training))

    def _validation_metrics(self, number: int, epoch: int | None) -> dict[str, float]:
        """A few examples now and then, all of them where an epoch ends; see `Step.metrics`."""
        metrics: dict[str, float] = {}
        n = len(self._validation)
        if n and (number % VALIDATION_EVERY == 0 or number == self._total):
            first = (number - 1) // VALIDATION_EVERY * VALIDATION_EXAMPLES
            few = [self._validation[(first + i) % n] for i in range(min(VALIDATION_EXAMPLES, n))]
            score = evaluate(self._model, few, self._objective)
            metrics |= score.metrics("valid_loss", "valid_mean_token_accuracy")
        if n and epoch:
            score = evaluate(self._model, self._validation, self._objective)
            metrics |= score.metrics("full_valid_loss", "full_valid_mean_token_accuracy")
        return metrics

    def save_state(self, path: Path) -> None:
        """Write weights, moments and step number; the file appears whole or not at all."""
        path = Path(path)
        partial = path.with_name(path.name + ".partial")
        arrays = self._arrays()
        identity = self._identity(str(self._optimizer.n_steps), arrays.values())
        save_tensors(arrays, partial, identity)
        os.replace(partial, path)

    def load_state(self, path: Path) -> None:
        """Go on from what `save_state` wrote.

        Raises StateUnusable, and changes nothing, if it is damaged or belongs to another plan.
        """
        try:
            with safe_open(path, framework="numpy") as stored:
                identity = stored.metadata() or {}
                n_steps = identity.get("n_steps", "0")
                if identity != self._identity(n_steps, map(stored.get_tensor, self._arrays())):
                    raise StateUnusable(
                        f"{path.name} was changed, or saved by another plan, model or number of"
                        " examples"
                    )
                for name, array in self._arrays().items():
                    array[:] = stored.get_tensor(name)
        except (SafetensorError, OSError) as error:
            raise StateUnusable(f"{path.name} is damaged: {error}") from error
        self._optimizer.n_steps = int(n_steps)

    def _arrays(self) -> dict[str, np.ndarray]:
        return {
            "weights": self._optimizer.weights,
            "first_moment": self._optimizer.first_moment,
            "second_moment": self._optimizer.second_moment,
        }

    def _identity(self, n_steps: str, arrays: Iterable[np.ndarray]) -> dict[str, str]:
        """Whose state it is, and a sum over what is in it."""
        checksum = crc32(n_steps.encode())
        for array in arrays:
            checksum = crc32(array.data, checksum)
        return {
            "n_steps": n_steps,
            "crc32": str(checksum),
            "n_examples": str(len(self._training)),
            "plan": json.dumps(asdict(self._plan)),
            "model": json.dumps(asdict(self._model.config)),
        }


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

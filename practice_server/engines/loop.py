"""The loop over a job's steps, which all engines share: what is drawn, told and saved.

A step draws a batch, the engine says how wrong the model is about it and which way is better, and
its optimizer changes the weights. How an engine does that stands in its own `train.py`.
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from math import ceil, isfinite
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
from practice_server.engines.tensor_file import save_tensors

MAX_GRADIENT_NORM = 1.0
VALIDATION_EVERY = 10
VALIDATION_EXAMPLES = 4


@dataclass
class Score:
    """Sums over losses and over the tokens that count, to be turned into means at the end."""

    loss: float = 0.0
    n_losses: int = 0
    n_right: int = 0
    n_tokens: int = 0

    def metrics(self, loss_name: str, accuracy_name: str) -> dict[str, float]:
        """Mean loss in nats, and the share of tokens predicted right."""
        return {loss_name: self.loss / self.n_losses, accuracy_name: self.n_right / self.n_tokens}


class Loop(ABC):
    """One run of a plan over its examples."""

    def __init__(
        self,
        training: Sequence[Any],
        validation: Sequence[Any],
        plan: Plan,
        *,
        learning_rate: float,
        model: str,
    ) -> None:
        """`learning_rate`: that of a multiplier of 1. `model`: what says whose a state is.

        ValueError if there are no examples at all.
        """
        if not training:
            raise ValueError("there are no training examples")
        self._training = training
        self._validation = validation
        self._plan = plan
        self._total = plan.total_steps(len(training))
        self._highest_rate = learning_rate * plan.learning_rate_multiplier
        self._model_identity = model
        self._n_steps = 0

    # --- what an engine does ---

    @abstractmethod
    def gradients(self, items: Sequence[Any], number: int) -> tuple[Score, float]:
        """The score of a step's batch; the gradients of its mean loss are kept, their length is
        returned."""

    @abstractmethod
    def update(self, learning_rate: float, clip: float) -> None:
        """One step of the optimizer with those gradients, times `clip`."""

    @abstractmethod
    def evaluate(self, items: Sequence[Any]) -> Score:
        """The score of items, changing nothing."""

    @abstractmethod
    def arrays(self) -> dict[str, np.ndarray]:
        """All numbers that training changes, by name."""

    @abstractmethod
    def restore(self, array_of: Callable[[str], np.ndarray], n_steps: int) -> None:
        """Take over what `arrays` gave after so many steps, read by name."""

    # --- the steps ---

    def steps(self) -> Iterator[Step]:
        """Take the steps that remain, yielding after each."""
        for number in range(self._n_steps + 1, self._total + 1):
            score = self._step(number)
            epoch = self._plan.epoch_ended(len(self._training), number)
            metrics = score.metrics("train_loss", "train_mean_token_accuracy")
            metrics |= self._validation_metrics(number, epoch)
            yield Step(number, self._total, metrics, epoch)

    def _step(self, number: int) -> Score:
        score, norm = self.gradients([self._training[i] for i in self._drawn(number)], number)
        if not isfinite(score.loss) or not isfinite(norm):
            if number == 1:
                raise ModelUnusable("its weights give no finite loss, even before any training")
            raise TrainingDiverged(
                f"the loss is no longer a finite number at step {number} of {self._total}; "
                f"try a learning_rate_multiplier below {self._plan.learning_rate_multiplier:g}"
            )
        clip = min(1.0, MAX_GRADIENT_NORM / norm) if norm else 1.0
        self.update(self._learning_rate(number), clip)
        self._n_steps = number
        return score

    def _learning_rate(self, number: int) -> float:
        """Falls on a straight line to 0 after the last step, from its full height at step 1, or
        at the end of the warmup, in which it rises on a straight line."""
        warmup = ceil(self._plan.warmup_ratio * self._total)
        if number <= warmup:
            return self._highest_rate * number / warmup
        return self._highest_rate * (1 - (number - 1 - warmup) / (self._total - warmup))

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
            score = self.evaluate(few)
            metrics |= score.metrics("valid_loss", "valid_mean_token_accuracy")
        if n and epoch:
            score = self.evaluate(self._validation)
            metrics |= score.metrics("full_valid_loss", "full_valid_mean_token_accuracy")
        return metrics

    # --- going on after a crash ---

    def save_state(self, path: Path) -> None:
        """Write weights, moments and step number; the file appears whole or not at all."""
        path = Path(path)
        partial = path.with_name(path.name + ".partial")
        arrays = self.arrays()
        save_tensors(arrays, partial, self._identity(str(self._n_steps), arrays.values()))
        os.replace(partial, path)

    def load_state(self, path: Path) -> None:
        """Go on from what `save_state` wrote.

        Raises StateUnusable, and changes nothing, if it is damaged or belongs to another plan.
        """
        try:
            with safe_open(path, framework="numpy") as stored:
                identity = stored.metadata() or {}
                n_steps = identity.get("n_steps", "0")
                if identity != self._identity(n_steps, map(stored.get_tensor, self.arrays())):
                    raise StateUnusable(
                        f"{path.name} was changed, or saved by another plan, model or number of"
                        " examples"
                    )
                self.restore(stored.get_tensor, int(n_steps))
        except (SafetensorError, OSError) as error:
            raise StateUnusable(f"{path.name} is damaged: {error}") from error
        self._n_steps = int(n_steps)

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
            "model": self._model_identity,
        }

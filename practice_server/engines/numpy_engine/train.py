"""Training: which examples at which step, how wrong the model is, and how its weights change."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from math import isfinite, sqrt
from pathlib import Path
from typing import Any, Protocol
from zlib import crc32

import numpy as np
from safetensors import SafetensorError, safe_open

from practice_server.engines.engine import Example, Plan, StateUnusable, Step, TrainingDiverged
from practice_server.engines.numpy_engine.adamw import AdamW
from practice_server.engines.numpy_engine.layers import cross_entropy
from practice_server.engines.numpy_engine.model import Batch, Model
from practice_server.engines.numpy_engine.parameters import Parameters
from practice_server.engines.numpy_engine.tensor_file import save_tensors
from practice_server.model_folder import ModelUnusable

MAX_GRADIENT_NORM = 1.0
VALIDATION_EVERY = 10
VALIDATION_EXAMPLES = 4

# A batch with more tokens goes through the model in parts, so that memory stays bounded.
TOKENS_AT_ONCE = 1024


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


class Objective(Protocol):
    """What is learnt from: how wrong a model is about some items, and which way is better."""

    def prepare(self, model: Model, examples: Sequence[Any]) -> Sequence[Any]:
        """The items made of examples, before the model changes."""

    def length(self, item: Any) -> int:
        """How many tokens an item has."""

    def n_losses(self, item: Any) -> int:
        """Over how many losses an item counts in a mean."""

    def batch(self, items: Sequence[Any]) -> Batch:
        """Items side by side."""

    def add_score(
        self, score: Score, logits: np.ndarray, batch: Batch, items: Sequence[Any]
    ) -> np.ndarray:
        """Add what these logits, (m, vocabulary), scored; return the gradient of the summed
        loss with respect to them. The logits are overwritten."""


class Supervised:
    """Learn to say what examples say: each token trained on costs its surprise."""

    def prepare(self, model: Model, examples: Sequence[Example]) -> Sequence[Example]:
        return examples

    def length(self, item: Example) -> int:
        return len(item.tokens)

    def n_losses(self, item: Example) -> int:
        return sum(item.trained_on[1:])

    def batch(self, items: Sequence[Example]) -> Batch:
        return Batch.of(items)

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


class Training:
    """One run of a plan over its examples, changing the model in place."""

    def __init__(
        self,
        model: Model,
        training: Sequence[Any],
        validation: Sequence[Any],
        plan: Plan,
        objective: Objective = SUPERVISED,
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
    for number, part in enumerate(parts(items, objective.length)):
        gradients = Parameters(into.config, into.flat.dtype) if number else into
        batch = objective.batch(part)
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
    for part in parts(items, objective.length):
        batch = objective.batch(part)
        objective.add_score(score, model.forward_batch(batch), batch, part)
    return score


def parts(items: Sequence[Any], length: Callable[[Any], int]) -> Iterator[list[Any]]:
    """The items in parts of no more than TOKENS_AT_ONCE, or of one item that has more."""
    part: list[Any] = []
    n_tokens = 0
    for item in items:
        if part and n_tokens + length(item) > TOKENS_AT_ONCE:
            yield part
            part, n_tokens = [], 0
        part.append(item)
        n_tokens += length(item)
    if part:
        yield part

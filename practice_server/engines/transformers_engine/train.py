"""Training with torch: what one step does. `engines/loop.py` has the loop over the steps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn.utils import get_total_norm

from practice_server.engines.engine import Plan
from practice_server.engines.loop import Loop, Score
from practice_server.engines.transformers_engine.network import Network
from practice_server.engines.transformers_engine.objectives import Objective, parts
from practice_server.engines.transformers_engine.shares import add_up, rank, share

# What a multiplier of 1 stands for where all weights of a model of this width are trained. An
# adapter takes ten times as much, a wider model less ("LoRA Without Regret", Thinking Machines,
# 2025; the numbers are those of its tinker-cookbook for Llama).
RATE, WIDTH, POWER = 5e-5, 2000, 0.781
ADAPTER_TIMES = 10
WEIGHT_DECAY = 0.01


class Training(Loop):
    """One run of a plan over its examples, changing the network in place."""

    def __init__(
        self,
        network: Network,
        training: Sequence[Any],
        validation: Sequence[Any],
        plan: Plan,
        objective: Objective,
    ) -> None:
        """ValueError if there are no examples at all."""
        network.begin_training(plan)
        self._network = network
        self._objective = objective
        self._trained = network.trained()
        self._optimizer = _optimizer(self._trained.values())
        self._tensors = {
            f"{name}{key}": tensor
            for name, weight in self._trained.items()
            for key, tensor in {"": weight.data, **self._optimizer.state[weight]}.items()
        }
        self.state_bytes = sum(tensor.nbytes for tensor in self._tensors.values())
        super().__init__(
            objective.prepare(network, training),
            objective.prepare(network, validation),
            plan,
            learning_rate=_learning_rate(network, plan),
            model=network.model.config.to_json_string(use_diff=False),
        )

    def gradients(self, items: Sequence[Any], number: int) -> tuple[Score, float]:
        """See `Loop.gradients`. What is left out at random follows from the step's number alone,
        so that training that goes on after a crash leaves out the same; each process of several
        leaves out something else."""
        torch.manual_seed(self._plan.seed + number + rank() * self._total)
        self._network.model.train()
        self._optimizer.zero_grad()
        n_losses = sum(map(self._objective.n_losses, items))
        score = Score()
        for part in parts(share(items)):
            loss = self._objective.add_score(score, self._network, part)
            (loss / n_losses).backward()
        self._network.model.eval()
        add_up(score, self._trained.values())
        return score, float(get_total_norm(self._gradients()))

    def update(self, learning_rate: float, clip: float) -> None:
        """See `Loop.update`."""
        for gradient in self._gradients():
            gradient *= clip
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.step()

    def evaluate(self, items: Sequence[Any]) -> Score:
        """See `Loop.evaluate`."""
        score = Score()
        with torch.inference_mode():
            for part in parts(share(items)):
                self._objective.add_score(score, self._network, part)
        add_up(score)
        return score

    def arrays(self) -> dict[str, np.ndarray]:
        """The trained weights, and what the optimizer knows of each."""
        return {name: tensor.cpu().numpy() for name, tensor in self._tensors.items()}

    def restore(self, array_of: Callable[[str], np.ndarray], n_steps: int) -> None:
        """See `Loop.restore`."""
        for name, tensor in self._tensors.items():
            tensor.copy_(torch.from_numpy(array_of(name)))

    def _gradients(self) -> list[torch.Tensor]:
        return [weight.grad for weight in self._trained.values() if weight.grad is not None]


def _optimizer(trained: Collection[torch.nn.Parameter]) -> torch.optim.AdamW:
    """AdamW, with its state made at once, so that it can be restored. Matrices shrink a little at
    each step."""
    matrices = [weight for weight in trained if weight.ndim > 1]
    others = [weight for weight in trained if weight.ndim < 2]
    optimizer = torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": WEIGHT_DECAY},
            {"params": others, "weight_decay": 0.0},
        ],
        fused=True,
    )
    for weight in trained:
        optimizer.state[weight] = {
            "step": torch.zeros((), device=weight.device),
            "exp_avg": torch.zeros_like(weight),
            "exp_avg_sq": torch.zeros_like(weight),
        }
    return optimizer


def _learning_rate(network: Network, plan: Plan) -> float:
    """That of a multiplier of 1: the model's own, from its config.json, or what its width says."""
    config = network.model.config
    rate = RATE * (WIDTH / config.get_text_config().hidden_size) ** POWER
    own = getattr(config, "practice", None) or {}
    return own.get("learning_rate", ADAPTER_TIMES * rate if plan.lora else rate)

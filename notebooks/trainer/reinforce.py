"""REINFORCE: learn from the model's own answers, judged by a rule (Williams, 1992).

An answer that was rewarded more than the mean of its batch is learnt as in supervised training,
one that was rewarded less is unlearnt, each as strongly as the difference, the advantage, says.
"""

from dataclasses import dataclass

import numpy as np

from notebooks.trainer.sampling import sample
from practice_server.engines.engine import Example
from practice_server.engines.numpy_engine.adamw import AdamW
from practice_server.engines.numpy_engine.objectives import Supervised, n_trained_on
from practice_server.engines.numpy_engine.parameters import Parameters
from practice_server.engines.numpy_engine.train import loss_and_gradients

RATE = 2e-4


@dataclass(frozen=True)
class Judged(Example):
    """An answer of the model, and how much better than the others the rule found it."""

    advantage: float


class Reinforce(Supervised):
    """The supervised loss with each answer's tokens times its advantage."""

    def n_losses(self, item):
        return 1

    def add_score(self, score, logits, batch, items):
        d_logits = super().add_score(score, logits, batch, items)
        counts = [n_trained_on(item) for item in items]
        advantages = np.repeat([item.advantage for item in items], counts)
        return d_logits * advantages[:, None].astype(d_logits.dtype)


def judge(engine, asked, reward, seeds):
    """An answer to each question with its advantage, and the rewards."""
    drawn = [
        sample(engine, row["question"], temperature=1, seed=seed)
        for row, seed in zip(asked, seeds, strict=True)
    ]
    rewards = [float(reward(text, row)) for (_, text), row in zip(drawn, asked, strict=True)]
    baseline = sum(rewards) / len(rewards)
    judged = [
        Judged(example.sequences, given - baseline)
        for (example, _), given in zip(drawn, rewards, strict=True)
    ]
    return judged, rewards


def reinforce(engine, rows, reward, *, n_steps, batch_size, seed):
    """Train in place; yield after each step the rewards of its batch, one an answer.

    rows: with a `question`. reward: from an answer's text and its row to a number.
    """
    weights = engine.model.weights
    optimizer = AdamW(weights.flat, weights.n_in_matrices)
    gradients = Parameters(engine.model.config, weights.flat.dtype)
    random = np.random.default_rng(seed)
    for _ in range(n_steps):
        asked = [rows[i] for i in random.choice(len(rows), batch_size, replace=False)]
        seeds = random.integers(2**31, size=batch_size).tolist()
        judged, rewards = judge(engine, asked, reward, seeds)
        loss_and_gradients(engine.model, judged, gradients, Reinforce())
        norm = float(np.linalg.norm(gradients.flat))
        optimizer.step(gradients.flat, RATE, min(1.0, 1 / norm) if norm else 1.0)
        yield rewards

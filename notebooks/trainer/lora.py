"""LoRA: train two thin matrices beside each large one (Hu et al., 2021, arXiv:2106.09685)."""

import numpy as np

from practice_server.engines.numpy_engine.adamw import AdamW
from practice_server.engines.numpy_engine.parameters import Parameters
from practice_server.engines.numpy_engine.train import loss_and_gradients

SCALE = 2.0  # the paper's alpha / r


class LoRA:
    """A model computes with W + SCALE · B A; W is frozen, A and B are trained.

    W: (outputs, inputs), A: (rank, inputs), B: (outputs, rank).
    """

    def __init__(self, model, rank, seed):
        """Freeze the matrices of all layers. B is zero, so at first nothing is added."""
        self.model, self.rank = model, rank
        self.frozen = {
            name: tensor.copy()
            for name, tensor in model.weights.tensors.items()
            if name.endswith("_proj.weight")
        }
        n_numbers = sum(rank * sum(w.shape) for w in self.frozen.values())
        self.flat = np.zeros(n_numbers, model.weights.flat.dtype)
        self.pairs = self.views(self.flat)
        random = np.random.default_rng(seed)
        for a, _ in self.pairs.values():
            a[:] = random.normal(0, a.shape[1] ** -0.5, a.shape)

    def views(self, flat):
        """A and B of each matrix, as views on one array that holds them all."""
        views, start = {}, 0
        for name, w in self.frozen.items():
            outputs, inputs = w.shape
            middle, end = start + self.rank * inputs, start + self.rank * (inputs + outputs)
            a, b = flat[start:middle], flat[middle:end]
            views[name] = a.reshape(-1, inputs), b.reshape(outputs, -1)
            start = end
        return views

    def apply(self):
        """Give the model its matrices: W + SCALE · B A."""
        for name, (a, b) in self.pairs.items():
            self.model.weights.tensors[name][:] = self.frozen[name] + SCALE * (b @ a)

    def remove(self):
        """Give the model its own matrices back, and forget them."""
        while self.frozen:
            name, own = self.frozen.popitem()
            self.model.weights.tensors[name][:] = own

    def gradient(self, full):
        """dA = Bᵀ dW and dB = dW Aᵀ, times SCALE, in one flat array."""
        flat = np.zeros_like(self.flat)
        for name, (d_a, d_b) in self.views(flat).items():
            a, b = self.pairs[name]
            d_w = full.tensors[name]
            d_a[:], d_b[:] = SCALE * (b.T @ d_w), SCALE * (d_w @ a.T)
        return flat


def train_lora(lora, examples, *, n_epochs, batch_size, rate, seed):
    """Train A and B alone; yield the loss of each step. The rate falls to 0 on a straight line."""
    gradients = Parameters(lora.model.config, lora.flat.dtype)
    optimizer = AdamW(lora.flat, 0)
    random = np.random.default_rng(seed)
    order = np.concatenate([random.permutation(len(examples)) for _ in range(n_epochs)])
    starts = range(0, len(order), batch_size)
    for start in starts:
        batch = [examples[i] for i in order[start : start + batch_size]]
        score = loss_and_gradients(lora.model, batch, gradients)
        gradient = lora.gradient(gradients)
        norm = float(np.linalg.norm(gradient))
        optimizer.step(gradient, rate * (1 - start / len(order)), min(1.0, 1 / norm))
        lora.apply()
        yield score.loss / score.n_losses

"""Data parallelism: several processes train one model, each on its share of every batch.

All begin with the same weights and add up what they found out, so that all take the same steps.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import astuple
from typing import Any

import torch
from torch import distributed

from practice_server.engines.loop import Score


def join(rank: int, number: int, address: str) -> None:
    """Be the process `rank`, from 0, of this `number`; they meet at an address, `HOST:PORT`."""
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    distributed.init_process_group(
        backend, init_method=f"tcp://{address}", rank=rank, world_size=number
    )


def rank() -> int:
    """Which process this is; 0 if it is alone."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def share(items: Sequence[Any]) -> Sequence[Any]:
    """Those of a batch that are this process's; with few items it may be none."""
    return items[rank() :: distributed.get_world_size()] if distributed.is_initialized() else items


def add_up(score: Score, weights: Collection[torch.nn.Parameter] = ()) -> None:
    """Make score and gradients of a share those of the whole batch, in one exchange."""
    if not distributed.is_initialized():
        return
    device = "cuda" if torch.cuda.is_available() else "cpu"
    for weight in weights:
        weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad
    gradients = [weight.grad for weight in weights]
    scores = torch.tensor(astuple(score), dtype=torch.float32, device=device)
    flat = torch.cat([scores, *(gradient.flatten() for gradient in gradients)])
    distributed.all_reduce(flat)
    scores, *summed = flat.split([len(scores), *(gradient.numel() for gradient in gradients)])
    score.loss, *counts = scores.tolist()
    score.n_losses, score.n_right, score.n_tokens = map(int, counts)
    for gradient, whole in zip(gradients, summed, strict=True):
        gradient.copy_(whole.view_as(gradient))

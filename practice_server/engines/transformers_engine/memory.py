"""How much memory training takes, and how much a model sees, told from its files alone."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import torch

from practice_server.engines.engine import DataSize, Plan
from practice_server.engines.model_folder import CONFIG_FILE, read_json
from practice_server.engines.transformers_engine.folder import (
    LIBRARY_OF_4BIT,
    base_of,
    check_libraries,
    tensors,
)
from practice_server.engines.transformers_engine.objectives import TOKENS_AT_ONCE

NUMBER = 4  # bytes
# With `load_in_4bit`, for each number of a matrix, its share of the scales included.
FOUR_BITS = 0.6
# The child before it has read a model: Python, torch, transformers and peft.
AT_FIRST = 600_000_000
FOR_EACH_TOKEN, FOR_EACH_EXAMPLE = 72, 1000
# Models that do not say how much they see.
USUAL_CONTEXT = 2048


def context_of(folder: Path) -> int:
    """The most tokens that the model sees at once."""
    config = sizes(folder)
    return config.get("max_position_embeddings") or config.get("n_positions") or USUAL_CONTEXT


def sizes(folder: Path) -> dict[str, Any]:
    """The values of config.json; of a model that sees pictures too, those of its language part."""
    config = read_json(base_of(Path(folder)) / CONFIG_FILE)
    return config | config.get("text_config", {})


def memory_of_device() -> int | None:
    """The bytes of the GPU in which models are trained, those in use included; None without."""
    return torch.cuda.mem_get_info()[1] if torch.cuda.is_available() else None


def memory_needed(folder: Path, data: DataSize, plan: Plan) -> int:
    """The most bytes that training holds at any moment, some more rather than less.

    They are the GPU's where there is one. Raises ModelUnusable if a library is missing.
    """
    if plan.load_in_4bit:
        check_libraries(LIBRARY_OF_4BIT)
    config = sizes(folder)
    shapes = [told["shape"] for told in tensors(base_of(Path(folder))).values()]
    weights = sum(_for_weights(shape, config, plan) for shape in shapes)
    example = data.n_sequences * data.longest
    at_once = max(example, min(TOKENS_AT_ONCE, plan.batch_size * example))
    read = FOR_EACH_TOKEN * data.n_tokens + FOR_EACH_EXAMPLE * data.n_examples
    return int(AT_FIRST + weights + at_once * _for_token(config) + read)


def _for_weights(shape: list[int], config: dict[str, Any], plan: Plan) -> float:
    """Bytes for one tensor; what is trained has a weight, a gradient and two moments."""
    if not plan.lora:
        return NUMBER * 5 * prod(shape)
    is_matrix = len(shape) == 2 and config.get("vocab_size") not in shape
    adapter = NUMBER * 4 * plan.lora_r * sum(shape) if len(shape) == 2 else 0
    return prod(shape) * (FOUR_BITS if plan.load_in_4bit and is_matrix else NUMBER) + adapter


def _for_token(config: dict[str, Any]) -> int:
    """Bytes for one token on its way through the model and back.

    Each layer keeps some sixteen vectors as wide as the model and six as wide as the MLP; over
    the vocabulary there are the logits, their logarithms and their gradient.
    """
    width = config.get("hidden_size", 1024)
    inner = config.get("intermediate_size") or 4 * width
    layers = config.get("num_hidden_layers", 24)
    return NUMBER * (layers * (16 * width + 6 * inner) + 4 * config.get("vocab_size", 50_000))

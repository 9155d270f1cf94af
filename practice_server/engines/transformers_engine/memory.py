"""How much memory training takes, and how much a model sees, told from its files alone."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

from practice_server.engines.engine import DataSize, Plan
from practice_server.engines.model_folder import CONFIG_FILE, read_json
from practice_server.engines.transformers_engine.folder import base_of, tensors
from practice_server.engines.transformers_engine.objectives import TOKENS_AT_ONCE

NUMBER = 4  # bytes
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


def memory_needed(folder: Path, data: DataSize, plan: Plan) -> int:
    """The most bytes that training holds at any moment, some more rather than less."""
    shapes = [told["shape"] for told in tensors(base_of(Path(folder))).values()]
    n_weights = sum(map(prod, shapes))
    if plan.lora:
        # A base in at most four bytes each, and weight, gradient and two moments of the adapter.
        adapter = sum(plan.lora_r * sum(shape) for shape in shapes if len(shape) == 2)
        weights = NUMBER * (n_weights + 4 * adapter)
    else:
        weights = NUMBER * 5 * n_weights
    example = data.n_sequences * data.longest
    at_once = max(example, min(TOKENS_AT_ONCE, plan.batch_size * example))
    read = FOR_EACH_TOKEN * data.n_tokens + FOR_EACH_EXAMPLE * data.n_examples
    return int(AT_FIRST + weights + at_once * _for_token(sizes(folder)) + read)


def _for_token(config: dict[str, Any]) -> int:
    """Bytes for one token on its way through the model and back.

    Each layer keeps some sixteen vectors as wide as the model and six as wide as the MLP; over
    the vocabulary there are the logits, their logarithms and their gradient.
    """
    width = config.get("hidden_size", 1024)
    inner = config.get("intermediate_size") or 4 * width
    layers = config.get("num_hidden_layers", 24)
    return NUMBER * (layers * (16 * width + 6 * inner) + 4 * config.get("vocab_size", 50_000))

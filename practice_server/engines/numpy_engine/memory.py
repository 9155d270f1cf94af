"""How much memory training takes, worked out from what `model.py` and `layers.py` keep.

Weights, gradients and the two moments of AdamW are four numbers for each weight, and a fifth where
a batch goes through the model in parts. While a model is saved there is a copy of its weights in
half precision. On top come what the way back needs of a batch, and the examples themselves.
"""

from __future__ import annotations

from math import prod

from practice_server.engines.engine import DataSize
from practice_server.engines.numpy_engine.config import Config
from practice_server.engines.numpy_engine.objectives import TOKENS_AT_ONCE
from practice_server.engines.numpy_engine.parameters import shapes

NUMBER, HALF = 4, 2  # bytes
# The child before it has read a model: Python, NumPy, the database.
AT_FIRST = 64_000_000
# Lists of tokens and of what is trained on.
FOR_EACH_TOKEN, FOR_EACH_EXAMPLE = 72, 1000
# Memory that was given back to the allocator, but not by it to the system.
SPARE = 1.2


def memory_needed(config: Config, data: DataSize, batch_size: int) -> int:
    """The most bytes that training holds at any moment, some more rather than less."""
    n_weights = sum(map(prod, shapes(config).values()))
    example = data.n_sequences * data.longest
    has_parts = batch_size * example > TOKENS_AT_ONCE
    at_once = max(example, min(TOKENS_AT_ONCE, batch_size * example))
    weights = ((5 if has_parts else 4) * NUMBER + HALF) * n_weights
    batch = SPARE * _for_batch(config, at_once, data.longest)
    read = FOR_EACH_TOKEN * data.n_tokens + FOR_EACH_EXAMPLE * data.n_examples
    return int(AT_FIRST + weights + batch + read)


def _for_batch(config: Config, n: int, longest: int) -> int:
    """Bytes for n tokens on their way through the model and back, in sequences up to `longest`.

    Each layer keeps six vectors as wide as the model and four as wide as the MLP for a token, and
    the weights with which each head attends to the tokens before it. The way back works with as
    much again as one layer keeps. A mask and two temporaries of it are squares of the longest.
    """
    width, inner = config.hidden_size, config.intermediate_size
    in_layer = 6 * width + 4 * inner + config.num_attention_heads * longest
    numbers = n * ((config.num_hidden_layers + 1) * in_layer + config.vocab_size)
    return NUMBER * numbers + (2 * NUMBER + 1) * longest**2

"""A model of the size of `pocket` with random weights, for the benchmarks."""

from itertools import product

import numpy as np

from practice_server.engines.numpy_engine.config import Config
from practice_server.engines.numpy_engine.engine import NumpyEngine
from practice_server.engines.numpy_engine.model import Model
from practice_server.engines.numpy_engine.tokenizer import SPECIAL_TOKENS, Tokenizer

VOCABULARY = 2048


def random_engine() -> NumpyEngine:
    """4 layers of width 256, 3.7 million weights; each pair of bytes is a token."""
    singles = [bytes([byte]) for byte in range(256)]
    pairs = [bytes(pair) for pair in product(range(256), repeat=2)]
    ordinary = (singles + pairs)[: VOCABULARY - len(SPECIAL_TOKENS)]
    tokenizer = Tokenizer({token: rank for rank, token in enumerate(ordinary)})
    config = Config(
        vocab_size=VOCABULARY,
        hidden_size=256,
        intermediate_size=688,
        num_hidden_layers=4,
        num_attention_heads=8,
        max_position_embeddings=512,
        rms_norm_eps=1e-5,
        rope_theta=10000.0,
        eos_token_id=tokenizer.end,
        pad_token_id=tokenizer.pad,
    )
    model = Model(config)
    model.weights.flat[:] = np.random.default_rng(0).normal(
        scale=0.02, size=model.weights.flat.size
    )
    for name, tensor in model.weights.tensors.items():
        if "norm" in name:
            tensor[:] = 1
    return NumpyEngine(model, tokenizer)

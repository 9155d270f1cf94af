"""A model of the size of `pocket` with random weights, for the benchmarks."""

from itertools import product

from practice_server.engines.numpy_engine.engine import NumpyEngine
from practice_server.engines.numpy_engine.tokenizer import SPECIAL_TOKENS, Tokenizer
from tests.random_model import random_engine

VOCABULARY = 5120


def pocket_size_engine() -> NumpyEngine:
    """4 layers of width 256, 4.5 million weights; each pair of bytes is a token."""
    singles = [bytes([byte]) for byte in range(256)]
    pairs = [bytes(pair) for pair in product(range(256), repeat=2)]
    ordinary = (singles + pairs)[: VOCABULARY - len(SPECIAL_TOKENS)]
    return random_engine(
        Tokenizer({token: rank for rank, token in enumerate(ordinary)}),
        scale=0.02,
        seed=0,
        hidden_size=256,
        intermediate_size=688,
        num_hidden_layers=4,
        num_attention_heads=8,
        max_position_embeddings=512,
    )

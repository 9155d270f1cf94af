"""Models with random weights, of any size, for tests and benchmarks."""

import numpy as np

from practice_server.engines.numpy_engine.config import Config
from practice_server.engines.numpy_engine.engine import NumpyEngine
from practice_server.engines.numpy_engine.model import Model
from practice_server.engines.numpy_engine.tokenizer import Tokenizer


def byte_tokenizer() -> Tokenizer:
    """A tokenizer whose tokens are single bytes."""
    return Tokenizer({bytes([byte]): byte for byte in range(256)})


def random_engine(
    tokenizer: Tokenizer, *, scale: float, seed: int, dtype: type = np.float32, **sizes: float
) -> NumpyEngine:
    """An engine whose weights are drawn with the standard deviation `scale`, its gains around 1.

    `sizes`: the fields of `Config` that make the model what it is.
    """
    config = Config(
        vocab_size=tokenizer.vocabulary_size,
        rms_norm_eps=1e-5,
        rope_theta=10000.0,
        eos_token_id=tokenizer.end,
        pad_token_id=tokenizer.pad,
        **sizes,
    )
    model = Model(config, dtype)
    random = np.random.default_rng(seed)
    model.weights.flat[:] = random.normal(scale=scale, size=model.weights.flat.size)
    for name, tensor in model.weights.tensors.items():
        tensor += "norm" in name
    return NumpyEngine(model, tokenizer)

"""All numbers of a model in one flat array, with a named view on each tensor.

The optimizer walks over the flat array; the layers use the views; a file has the tensors by name.
Weights that are applied to the same input lie side by side, so that one multiplication serves
query, key and value together, and one the gate and the up projection.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from practice_server.engines.numpy_engine.config import Config
from practice_server.engines.numpy_engine.folder import WEIGHTS_FILE
from practice_server.engines.tensor_file import save_tensors


@dataclass(frozen=True)
class Layer:
    """Views on the weights (or gradients) of one layer; a matrix is (outputs, inputs)."""

    attention_norm: np.ndarray
    query_key_value: np.ndarray
    attention_output: np.ndarray
    mlp_norm: np.ndarray
    gate_up: np.ndarray
    down: np.ndarray


class Parameters:
    """The weights of a model, or as many gradients."""

    def __init__(self, config: Config, dtype: type = np.float32) -> None:
        """Zeros of the given type, laid out as `shapes` says."""
        self.config = config
        named = shapes(config)
        ends = np.cumsum([prod(shape) for shape in named.values()]).tolist()
        self.flat = np.zeros(ends[-1], dtype)
        self._places = {
            name: slice(end - prod(shape), end)
            for (name, shape), end in zip(named.items(), ends, strict=True)
        }
        self.tensors = {name: self._view(name, name, shape) for name, shape in named.items()}
        self.embedding = self.tensors["model.embed_tokens.weight"]
        self.norm = self.tensors["model.norm.weight"]
        self.layers = [self._layer(number) for number in range(config.num_hidden_layers)]
        # Matrices come first; weight decay stops where the norms begin.
        self.n_in_matrices = self._places["model.layers.0.input_layernorm.weight"].start

    def _view(self, first: str, last: str, shape: tuple[int, ...]) -> np.ndarray:
        """The numbers of the tensors from `first` to `last` in one shape."""
        return self.flat[self._places[first].start : self._places[last].stop].reshape(shape)

    def _layer(self, number: int) -> Layer:
        name = f"model.layers.{number}.{{}}.weight".format
        width, inner = self.config.hidden_size, self.config.intermediate_size
        query, value = name("self_attn.q_proj"), name("self_attn.v_proj")
        gate, up = name("mlp.gate_proj"), name("mlp.up_proj")
        return Layer(
            attention_norm=self.tensors[name("input_layernorm")],
            query_key_value=self._view(query, value, (3 * width, width)),
            attention_output=self.tensors[name("self_attn.o_proj")],
            mlp_norm=self.tensors[name("post_attention_layernorm")],
            gate_up=self._view(gate, up, (2 * inner, width)),
            down=self.tensors[name("mlp.down_proj")],
        )

    def load(self, folder: Path) -> None:
        """Fill in the weights of `model.safetensors`.

        Raises ValueError, with file and tensor, where they do not fit `config.json`.
        """
        path = Path(folder) / WEIGHTS_FILE
        try:
            stored = load_file(path)
        except SafetensorError as error:
            raise ValueError(f"{path} is damaged: {error}; copy the model again") from error
        _check(path, stored, self.tensors)
        for name, tensor in self.tensors.items():
            tensor[:] = stored[name]

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` in half precision, half as large and as good for answers."""
        halves = {name: tensor.astype(np.float16) for name, tensor in self.tensors.items()}
        save_tensors(halves, Path(folder) / WEIGHTS_FILE, {"format": "pt"})


def shapes(config: Config) -> dict[str, tuple[int, ...]]:
    """The tensors of a model by Hugging Face's names, in the order of the flat array."""
    width, inner = config.hidden_size, config.intermediate_size
    matrices = {
        "self_attn.q_proj": (width, width),
        "self_attn.k_proj": (width, width),
        "self_attn.v_proj": (width, width),
        "self_attn.o_proj": (width, width),
        "mlp.gate_proj": (inner, width),
        "mlp.up_proj": (inner, width),
        "mlp.down_proj": (width, inner),
    }
    norms = {"input_layernorm": (width,), "post_attention_layernorm": (width,)}
    named: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (config.vocab_size, width)}
    for tensors in (matrices, norms):
        for number in range(config.num_hidden_layers):
            named |= {f"model.layers.{number}.{key}.weight": at for key, at in tensors.items()}
    return named | {"model.norm.weight": (width,)}


def _check(path: Path, stored: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    for name, tensor in expected.items():
        if name not in stored:
            raise ValueError(f"{path}: the tensor {name} is missing")
        if stored[name].shape != tensor.shape:
            raise ValueError(
                f"{path}: the tensor {name} has shape {stored[name].shape}, "
                f"but config.json asks for {tensor.shape}"
            )
    unknown = sorted(set(stored) - set(expected))
    if unknown:
        raise ValueError(f"{path}: config.json asks for no tensor {unknown[0]}")

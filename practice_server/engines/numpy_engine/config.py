"""The sizes of a model, read from and written to `config.json` with Hugging Face's names."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from practice_server.engines.model_folder import CONFIG_FILE, read_json

# What this engine's decoder is; a model that differs in one of these needs another engine.
REQUIRED = {
    "model_type": "llama",
    "hidden_act": "silu",
    "tie_word_embeddings": True,
    "attention_bias": False,
    "mlp_bias": False,
    "rope_scaling": None,
}

# What LlamaConfig takes for such a key when the file does not have it.
LLAMA_DEFAULTS = {**REQUIRED, "tie_word_embeddings": False}


@dataclass(frozen=True)
class Config:
    """Sizes of a Llama-style decoder; the names are those of Hugging Face's LlamaConfig.

    `learning_rate` is what a multiplier of 1 stands for: `practice.learning_rate` in the file.
    """

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    max_position_embeddings: int
    rms_norm_eps: float
    rope_theta: float
    eos_token_id: int | None = None
    pad_token_id: int | None = None
    learning_rate: float = 3e-4

    @property
    def head_size(self) -> int:
        """How many numbers a head has for a token."""
        return self.hidden_size // self.num_attention_heads

    @classmethod
    def load(cls, folder: Path) -> Config:
        """Read `config.json`.

        Raises ValueError, with file and key, for a key that is missing or that asks for a model
        which this engine cannot run.
        """
        path = Path(folder) / CONFIG_FILE
        values = read_json(path)
        # transformers 5 keeps the rotary settings in a dictionary of their own.
        values = {**values.get("rope_parameters", {}), **values, **values.get("practice", {})}
        _check(path, values)
        try:
            return cls(
                **{name: values[name] for name in cls.__dataclass_fields__ if name in values}
            )
        except TypeError as error:
            raise ValueError(f"{path}: a key is missing ({error})") from error

    def save(self, folder: Path) -> None:
        """Write `config.json`, so that transformers can load the folder too."""
        values = asdict(self)
        learning_rate = values.pop("learning_rate")
        values |= {
            "architectures": ["LlamaForCausalLM"],
            "num_key_value_heads": self.num_attention_heads,
            "torch_dtype": "float16",
            "bos_token_id": None,
            **REQUIRED,
            "practice": {"learning_rate": learning_rate},
        }
        with (Path(folder) / CONFIG_FILE).open("w", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(values, indent=2) + "\n")


def _check(path: Path, values: dict[str, Any]) -> None:
    for key, required in REQUIRED.items():
        value = values.get(key, LLAMA_DEFAULTS[key])
        if value != required:
            raise ValueError(f"{path}: {key} is {value!r}; this engine runs only {required!r}")
    if values.get("rope_type", "default") != "default":
        raise ValueError(f"{path}: rope_type must be 'default'")
    heads = values.get("num_attention_heads", 1)
    if values.get("num_key_value_heads", heads) != heads:
        raise ValueError(f"{path}: num_key_value_heads must equal num_attention_heads")
    if values.get("hidden_size", 0) % (2 * heads):
        raise ValueError(f"{path}: hidden_size must be a multiple of 2 x num_attention_heads")

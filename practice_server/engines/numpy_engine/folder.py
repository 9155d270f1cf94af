"""The files of a model that this engine runs, looked at without NumPy."""

from __future__ import annotations

import json
from pathlib import Path

from practice_server.engines.model_folder import CONFIG_FILE
from practice_server.engines.numpy_engine.config import Config

WEIGHTS_FILE = "model.safetensors"
RANKS_FILE = "tokenizer.tiktoken"
TOKENIZER_FILE = "tokenizer_config.json"
FILES = (CONFIG_FILE, WEIGHTS_FILE, RANKS_FILE, TOKENIZER_FILE)
LARGEST_HEADER = 100_000_000


def check(folder: Path) -> None:
    """Raises FileNotFoundError for a missing file, ValueError for a sign of damage."""
    for name in FILES:
        (folder / name).stat()
    Config.load(folder)
    _check_length(folder / WEIGHTS_FILE)


def _check_length(path: Path) -> None:
    """A safetensors file begins with the length of its header, which says where tensors end.

    See https://github.com/huggingface/safetensors, "Format". Raises ValueError.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length)) if length <= LARGEST_HEADER else None
    if not isinstance(header, dict):
        raise ValueError(f"{path} is damaged: it has no header; copy the model again")
    ends = (value["data_offsets"][1] for key, value in header.items() if key != "__metadata__")
    expected, found = 8 + length + max(ends, default=0), path.stat().st_size
    if found != expected:
        raise ValueError(
            f"{path} is damaged: it has {found} bytes, not {expected}; copy the model again"
        )

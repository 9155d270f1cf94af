"""The files of a model that this engine runs, looked at without NumPy."""

from __future__ import annotations

from pathlib import Path

from practice_server.engines.model_folder import CONFIG_FILE, read_tensor_header
from practice_server.engines.numpy_engine.config import Config

WEIGHTS_FILE = "model.safetensors"
RANKS_FILE = "tokenizer.tiktoken"
TOKENIZER_FILE = "tokenizer_config.json"
FILES = (CONFIG_FILE, WEIGHTS_FILE, RANKS_FILE, TOKENIZER_FILE)


def check(folder: Path) -> None:
    """Raises FileNotFoundError for a missing file, ValueError for a sign of damage."""
    for name in FILES:
        (folder / name).stat()
    Config.load(folder)
    read_tensor_header(folder / WEIGHTS_FILE)

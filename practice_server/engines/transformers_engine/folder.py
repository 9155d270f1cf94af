"""The files of a model that this engine runs, looked at without torch.

A folder has a whole model, or only an adapter: then `adapter_config.json` says in which folder
the base model lies, as the library peft writes it.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from practice_server.engines.engine import ModelUnusable
from practice_server.engines.model_folder import CONFIG_FILE, read_json, read_tensor_header

TOKENIZER_FILE = "tokenizer.json"
FILES = (CONFIG_FILE, TOKENIZER_FILE)
ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
# All that a tokenizer may need, and how a model answers unless it is told otherwise.
BESIDE_WEIGHTS = (
    TOKENIZER_FILE,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "generation_config.json",
)
HYPERPARAMETERS = (
    "lora",
    "lora_r",
    "lora_alpha",
    "lora_dropout",
    "context_length",
    "warmup_ratio",
    "load_in_4bit",
)
LIBRARIES = ("torch", "transformers", "peft")
LIBRARY_OF_4BIT = "bitsandbytes"


def check(folder: Path) -> None:
    """Raises ModelUnusable without the libraries, FileNotFoundError for a missing file, ValueError
    for a sign of damage."""
    check_libraries(*LIBRARIES)
    if is_adapter(folder):
        read_tensor_header(folder / ADAPTER_WEIGHTS)
    base = base_of(folder)
    for name in FILES:
        (base / name).stat()
    tensors(base)


def check_libraries(*names: str) -> None:
    """Raises ModelUnusable if one of these is not installed."""
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ModelUnusable(
            f"it needs {', '.join(missing)}; install them with"
            " python -m pip install -r requirements-transformers.txt"
        )


def kept_hyperparameters(folder: Path) -> dict[str, Any]:
    """Those that an adapter keeps when it is trained further; none of a whole model."""
    if not is_adapter(folder):
        return {}
    config = read_json(folder / ADAPTER_CONFIG)
    names = {"lora_r": "r", "lora_alpha": "lora_alpha", "lora_dropout": "lora_dropout"}
    return {name: config[key] for name, key in names.items()}


def is_adapter(folder: Path) -> bool:
    """Whether the folder needs another one, that of its base model."""
    return (folder / ADAPTER_CONFIG).is_file()


def base_of(folder: Path) -> Path:
    """The folder of the whole model: this one, or that of an adapter's base.

    Raises ModelUnusable if that is gone.
    """
    if not is_adapter(folder):
        return folder
    base = Path(read_json(folder / ADAPTER_CONFIG)["base_model_name_or_path"])
    if not base.is_dir():
        raise ModelUnusable(f"the model that it was trained from is no longer at {base}")
    return base


def tensors(folder: Path) -> dict[str, Any]:
    """The headers of all tensors of a whole model, by name.

    Raises ValueError for a sign of damage, ModelUnusable if there are no safetensors files.
    """
    files = sorted(folder.glob("model*.safetensors"))
    if not files:
        raise ModelUnusable("model.safetensors missing in its folder")
    return {name: told for file in files for name, told in read_tensor_header(file).items()}

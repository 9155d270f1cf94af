"""Writing a model: an adapter beside its base, or a whole model that needs nobody."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from peft import get_peft_model_state_dict
from safetensors.torch import save_file

from practice_server.engines.transformers_engine.folder import ADAPTER_WEIGHTS, BESIDE_WEIGHTS
from practice_server.engines.transformers_engine.network import Network


def save(network: Network, folder: Path) -> None:
    """Write the adapter that was trained, with its base's place, or all weights."""
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    if network.adapter is None:
        save_whole(network.model, network.base_folder, folder)
    else:
        save_adapter(network, folder)


def save_adapter(network: Network, folder: Path) -> None:
    """Write the network's adapter, as other programs know it, with the place of its base."""
    name, model = str(network.adapter), network.model
    config = model.peft_config[name]
    config.base_model_name_or_path = str(network.base_folder)
    config.save_pretrained(folder)
    state = get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False)
    tensors = {key: tensor.cpu().contiguous() for key, tensor in state.items()}
    save_file(tensors, folder / ADAPTER_WEIGHTS, metadata={"format": "pt"})


def save_whole(model: Any, base_folder: Path, folder: Path) -> None:
    """Write weights in the numbers in which the base was stored, and all that belongs to them."""
    stored, twice = model.config.dtype, model.all_tied_weights_keys
    state = {name: t.to(stored) for name, t in model.state_dict().items() if name not in twice}
    model.save_pretrained(folder, state_dict=state)
    model.config.dtype = stored  # save_pretrained has written in which it was calculated
    model.config.save_pretrained(folder)
    copy_beside_weights(base_folder, folder)


def copy_beside_weights(base_folder: Path, folder: Path) -> None:
    """The tokenizer and its template, as they are."""
    for name in BESIDE_WEIGHTS:
        if (base_folder / name).is_file():
            shutil.copyfile(base_folder / name, folder / name)

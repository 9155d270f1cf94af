"""Writing a model: an adapter beside its base, or a whole model that needs nobody."""

from __future__ import annotations

import shutil
from pathlib import Path

from practice_server.engines.transformers_engine.folder import BESIDE_WEIGHTS
from practice_server.engines.transformers_engine.network import TRAINED, Network


def save(network: Network, folder: Path) -> None:
    """Write the adapter that was trained, with its base's place, or all weights."""
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    if network.adapter is None:
        save_whole(network.model, network.base_folder, folder)
        return
    network.model.peft_config[TRAINED].base_model_name_or_path = str(network.base_folder)
    network.model.save_pretrained(folder, selected_adapters=[TRAINED], save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)  # peft's form of a model card, not filled in


def save_whole(model: object, base_folder: Path, folder: Path) -> None:
    """Write weights in the numbers in which the base was stored, and all that belongs to them."""
    state = {name: tensor.to(model.config.dtype) for name, tensor in model.state_dict().items()}
    model.save_pretrained(folder, state_dict=state)
    copy_beside_weights(base_folder, folder)


def copy_beside_weights(base_folder: Path, folder: Path) -> None:
    """The tokenizer and its template, as they are."""
    for name in BESIDE_WEIGHTS:
        if (base_folder / name).is_file():
            shutil.copyfile(base_folder / name, folder / name)

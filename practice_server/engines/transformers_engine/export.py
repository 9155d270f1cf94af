"""Taking a model home: a folder that other programs read without this server.

An adapter is a folder as peft writes it, beside its base. A merged model is whole: transformers,
vLLM and Ollama read it. Its Modelfile is for `ollama create NAME -f Modelfile`.
"""

from __future__ import annotations

from pathlib import Path

from practice_server.engines.engine import ModelUnusable
from practice_server.engines.transformers_engine.folder import is_adapter
from practice_server.engines.transformers_engine.network import Network
from practice_server.engines.transformers_engine.save import (
    copy_beside_weights,
    save_adapter,
    save_whole,
)

MODELFILE = "# ollama create NAME -f Modelfile\nFROM .\n"


def export(folder: Path, to: Path, *, merged: bool) -> str:
    """Write the model in `folder` to `to`; returns a sentence on what is there now.

    Raises ModelUnusable for a base model that is to be exported as an adapter.
    """
    if not merged and not is_adapter(folder):
        raise ModelUnusable("it is a whole model, not an adapter; export it with --merged")
    network = Network(folder)
    to.mkdir(parents=True, exist_ok=True)
    if not merged:
        save_adapter(network, to)
        copy_beside_weights(network.base_folder, to)
        return f"The adapter is in {to}; it needs its base model, {network.base_folder}."
    save_whole(network.merged(), network.base_folder, to)
    (to / "Modelfile").write_text(MODELFILE, encoding="utf-8")
    return f"The whole model is in {to}."

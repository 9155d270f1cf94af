"""A model folder: which engine it is for, and what is wrong with it.

This needs no NumPy, and loads no engine before one is asked for: the API process looks at folders
too. What is said of a fault names the file, but not where it lies.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from practice_server.engines.engine import Engine, ModelUnusable

# The file that only such a model's folder has, and the package of the engine that it is for. The
# module `engine` of a package has an ENGINE. Its module `folder`, which must be light, has FILES,
# the names of all files of a model, `check`, which raises whatever is wrong with a folder, and
# perhaps HYPERPARAMETERS, those that this engine applies beside everyone's, with
# `kept_hyperparameters`, which of them a model has for good.
PACKAGES = {
    "tokenizer.tiktoken": "practice_server.engines.numpy_engine",
    "adapter_config.json": "practice_server.engines.transformers_engine",
    "tokenizer.json": "practice_server.engines.transformers_engine",
}
LARGEST_HEADER = 100_000_000
# Every base model has one, as Hugging Face does it.
CONFIG_FILE = "config.json"


def engine_of(folder: Path) -> type[Engine]:
    """The engine for the model in a folder.

    Raises ModelUnusable if there is none for it, FileNotFoundError if there is no such folder.
    """
    package = _package(folder)
    try:
        return import_module(f"{package}.engine").ENGINE
    except ModuleNotFoundError:
        import_module(f"{package}.folder").check(folder)  # says what is not installed
        raise


def exporter_of(folder: Path) -> Callable[..., str]:
    """The function `export` of the engine for the model in a folder.

    Raises ModelUnusable if it has none, or as `check_model_folder`.
    """
    check_model_folder(folder)
    package = _package(folder)
    if find_spec(f"{package}.export") is None:
        raise ModelUnusable(f"its engine has no other form for it than its folder, {folder}")
    return import_module(f"{package}.export").export


def check_model_folder(folder: Path) -> None:
    """Look whether all files are there, and whole as far as their beginnings tell.

    Raises ModelUnusable, FileNotFoundError if there is no such folder.
    """
    with raising_model_unusable(folder):
        import_module(f"{_package(folder)}.folder").check(folder)


def folders_of_models(parent: Path) -> list[Path]:
    """The folders in `parent` that have a file of a model, maybe not all that it needs."""
    packages = PACKAGES.values()
    names = {name for at in packages for name in import_module(f"{at}.folder").FILES}
    return sorted({path.parent for name in names for path in parent.glob(f"*/{name}")})


def hyperparameters_of(folder: Path) -> tuple[str, ...]:
    """What the engine of the model in a folder applies beside the hyperparameters of all.

    Raises as `engine_of`.
    """
    return getattr(import_module(f"{_package(folder)}.folder"), "HYPERPARAMETERS", ())


def kept_hyperparameters_of(folder: Path) -> dict[str, Any]:
    """Those that the model in a folder keeps, with their values, whatever a job asks for.

    Raises as `engine_of`.
    """
    package = import_module(f"{_package(folder)}.folder")
    return package.kept_hyperparameters(folder) if hyperparameters_of(folder) else {}


@contextmanager
def raising_model_unusable(folder: Path) -> Iterator[None]:
    """Inside, `folder` is read: what fails there is raised as ModelUnusable.

    Raises FileNotFoundError only if there is no such folder: then the model was deleted.
    """
    try:
        yield
    except FileNotFoundError:
        files = import_module(f"{_package(folder)}.folder").FILES
        missing = [name for name in files if not (folder / name).is_file()]
        raise ModelUnusable(f"{' and '.join(missing)} missing in its folder") from None
    except (MemoryError, ModelUnusable):
        raise
    except Exception as error:  # there is no end to what a damaged file may lead to
        raise ModelUnusable(_without_place(error, folder)) from error


def _package(folder: Path) -> str:
    for sign, package in PACKAGES.items():
        if (folder / sign).is_file():
            return package
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    raise ModelUnusable(f"{' or '.join(PACKAGES)} missing in its folder")


def _without_place(error: Exception, folder: Path) -> str:
    text = str(error)
    if isinstance(error, KeyError):
        text = f"the key {error} is missing"
    elif not isinstance(error, (ValueError, OSError)):  # nobody has put it into words
        text = f"its files make no sense ({type(error).__name__}: {error})"
    return text.replace(f"{folder}{os.sep}", "")


def read_tensor_header(path: Path) -> dict[str, Any]:
    """What a safetensors file says of its tensors, by name, without their numbers.

    The file begins with the length of this header, which says where each tensor ends; see
    https://github.com/huggingface/safetensors, "Format". Raises ValueError for a sign of damage.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length)) if length <= LARGEST_HEADER else None
    if not isinstance(header, dict):
        raise ValueError(f"{path} is damaged: it has no header; copy the model again")
    header.pop("__metadata__", None)
    ends = (value["data_offsets"][1] for value in header.values())
    expected, found = 8 + length + max(ends, default=0), path.stat().st_size
    if found != expected:
        raise ValueError(
            f"{path} is damaged: it has {found} bytes, not {expected}; copy the model again"
        )
    return header


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises ValueError, with the file, if there is none."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} is not a JSON object")
    return values

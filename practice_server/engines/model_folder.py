"""A model folder: which engine it is for, and what is wrong with it.

This needs no NumPy, and loads no engine before one is asked for: the API process looks at folders
too. What is said of a fault names the file, but not where it lies.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from practice_server.engines.engine import Engine, ModelUnusable

# The file that only such a model's folder has, and the package of the engine that it is for. The
# module `engine` of a package has an ENGINE. Its module `folder`, which must be light, has FILES,
# the names of all files of a model, and `check`, which raises whatever is wrong with a folder.
PACKAGES = {"tokenizer.tiktoken": "practice_server.engines.numpy_engine"}
# Every base model has one, as Hugging Face does it.
CONFIG_FILE = "config.json"


def engine_of(folder: Path) -> type[Engine]:
    """The engine for the model in a folder.

    Raises ModelUnusable if there is none for it, FileNotFoundError if there is no such folder.
    """
    return import_module(f"{_package(folder)}.engine").ENGINE


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


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises ValueError, with the file, if there is none."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} is not a JSON object")
    return values

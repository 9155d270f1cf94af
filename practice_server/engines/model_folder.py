"""What is wrong with a model folder, in words that name the file but not where it lies.

This needs no NumPy: the API process looks at folders too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from practice_server.engines.numpy_engine.config import CONFIG_FILE, Config

WEIGHTS_FILE = "model.safetensors"
FILES = (CONFIG_FILE, WEIGHTS_FILE, "tokenizer.tiktoken", "tokenizer_config.json")
LARGEST_HEADER = 100_000_000


class ModelUnusable(Exception):
    """A model cannot be trained or asked; the message says why."""


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Inside, `folder` is read: what fails there is raised as ModelUnusable.

    Raises FileNotFoundError only if there is no such folder: then the model was deleted.
    """
    try:
        yield
    except FileNotFoundError:
        if not folder.is_dir():
            raise
        missing = [name for name in FILES if not (folder / name).is_file()]
        raise ModelUnusable(f"{' and '.join(missing)} missing in its folder") from None
    except MemoryError:
        raise
    except Exception as error:  # there is no end to what a damaged file may lead to
        raise ModelUnusable(_without_place(error, folder)) from error


def _without_place(error: Exception, folder: Path) -> str:
    text = str(error)
    if isinstance(error, KeyError):
        text = f"the key {error} is missing"
    elif not isinstance(error, (ValueError, OSError)):  # nobody has put it into words
        text = f"its files make no sense ({type(error).__name__}: {error})"
    return text.replace(f"{folder}{os.sep}", "")


def check_model_folder(folder: Path) -> None:
    """Look whether all files are there, and whole as far as their beginnings tell.

    Raises ModelUnusable, and FileNotFoundError as `explained` does.
    """
    with explained(folder):
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

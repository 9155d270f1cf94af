"""Writing safetensors files, with the errors of the system as Python knows them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import save_file

SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)")


def save_tensors(tensors: dict[str, np.ndarray], path: Path, metadata: dict[str, str]) -> None:
    """Write a file that safetensors can read.

    Raises OSError, and leaves nothing, if the disk does not take it; safetensors itself puts the
    system's error into words only.
    """
    try:
        save_file(tensors, path, metadata=metadata)
    except SafetensorError as error:
        path.unlink(missing_ok=True)
        found = SYSTEM_ERROR.search(str(error))
        if found is None:
            raise
        number = int(found[1])
        # The last is for Windows, whose numbers are others; Python translates them.
        raise OSError(number, str(error), str(path), number) from error

"""The GPUs of this machine, counted without the libraries that calculate on them."""

from __future__ import annotations

import os
import subprocess
from importlib.util import find_spec

VARIABLE = "CUDA_VISIBLE_DEVICES"
SECONDS_TO_TELL = 10


def usable_gpus() -> tuple[str, ...]:
    """What stands for each GPU in CUDA_VISIBLE_DEVICES; nothing where there are none.

    Those that this variable names, otherwise all that NVIDIA's own program lists. Without torch,
    which no base model of this course needs, nothing here calculates on them.
    """
    if find_spec("torch") is None:
        return ()
    if VARIABLE in os.environ:
        named = (name.strip() for name in os.environ[VARIABLE].split(","))
        return tuple(name for name in named if name not in ("", "-1"))
    try:
        listed = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=SECONDS_TO_TELL
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    found = [line for line in listed.splitlines() if line.startswith("GPU ")]
    return tuple(map(str, range(len(found))))

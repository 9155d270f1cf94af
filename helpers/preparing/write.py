"""Write training files."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def write_jsonl(path: str | Path, examples: Iterable[dict[str, Any]]) -> Path:
    """Write `examples` to `path`, one JSON object a line, and return the path.

    UTF-8, LF line ends, characters as they are (no \\u escapes); whole or not at all. Raises
    TypeError for what JSON cannot hold, ValueError for NaN, infinity and half a surrogate pair.
    """
    as_json = (json.dumps(one, ensure_ascii=False, allow_nan=False) for one in examples)
    return write_lines(path, map(str.encode, as_json))


def write_lines(path: str | Path, lines: Iterable[bytes]) -> Path:
    """Write `lines`, each with a line end, beside the place of `path`, and move them there."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    try:
        with open(unfinished, "wb") as file:
            file.writelines(line + b"\n" for line in lines)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path

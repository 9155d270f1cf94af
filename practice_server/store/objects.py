"""What all objects of the API have in common: they go out as JSON, and have ids."""

from __future__ import annotations

import secrets
import string
from typing import Any

Object = dict[str, Any]

ALPHANUMERICS = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    """`prefix` and `length` letters and digits that nobody can guess."""
    return prefix + "".join(secrets.choice(ALPHANUMERICS) for _ in range(length))

"""The keys that open the server, and to whom each belongs.

A file of keys has a line for each learner, the name and the key:

    # who  key
    ann    a-random-key-of-22-or-more
    bob    another-one-that-is-as-long

What a learner makes is theirs alone. The server's own key belongs to nobody in that file: its
owner has the empty name.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

SHORTEST_KEY = 22  # letters and digits; some 128 bits if drawn at random
NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
KEY = re.compile(rf"[!-~]{{{SHORTEST_KEY},}}")
SENDABLE = re.compile(r"[!-~]+")  # in the header of a request
SERVER = ""
KEY_VARIABLE = "PRACTICE_SERVER_KEY"


class BadKeys(Exception):
    """Keys that cannot be used; the message names the variable, or file and line, never a key."""


class Keys:
    """Finds the owner of a key."""

    def __init__(self, server_key: str, learners: Mapping[str, str] | None = None) -> None:
        """`learners`: the key of each name."""
        self._owners = {SERVER: server_key, **(learners or {})}

    def owner(self, key: str) -> str | None:
        """Whose key this is; None if nobody's. It takes as long for a wrong key as for any."""
        found = [
            name
            for name, known in self._owners.items()
            if hmac.compare_digest(key.encode(), known.encode())
        ]
        return found[0] if found else None


def server_key(given: str | None) -> str:
    """The server's own key: what KEY_VARIABLE gives, or a random one. Raises BadKeys."""
    if given and not SENDABLE.fullmatch(given):
        raise BadKeys(f"{KEY_VARIABLE} must have no blanks and no letters beyond ASCII")
    return given or f"sk-practice-{secrets.token_urlsafe(24)}"


def read_keys(path: Path, *, server_key: str) -> dict[str, str]:
    """The key of each learner in a file of keys. Raises BadKeys."""
    learners: dict[str, str] = {}
    for number, name, key in _lines(path):
        place = f"{path}, line {number}"
        if name in learners:
            raise BadKeys(f"{place}: {name} has a key already")
        if key in learners.values():
            raise BadKeys(f"{place}: the key of {name} belongs to somebody else already")
        if key == server_key:
            raise BadKeys(f"{place}: the key of {name} is the server's own, {KEY_VARIABLE}")
        learners[name] = key
    if not learners:
        raise BadKeys(f"{path} has no keys; write a name and a key on each line")
    return learners


def _lines(path: Path) -> Iterator[tuple[int, str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise BadKeys(f"{path} is not UTF-8 text") from error
    except OSError as error:
        raise BadKeys(f"{path}, the file of keys, cannot be read: {error.strerror}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        words = line.split()
        if len(words) != 2:
            raise BadKeys(f"{path}, line {number}: write a name, a blank and a key")
        if not NAME.fullmatch(words[0]):
            letters = "at most 64 letters, digits, points, - and _"
            raise BadKeys(f"{path}, line {number}: the name must have {letters}")
        if not KEY.fullmatch(words[1]):
            wanted = f"at least {SHORTEST_KEY} random letters and digits"
            raise BadKeys(f"{path}, line {number}: the key of {words[0]} must have {wanted}")
        yield number, words[0], words[1]

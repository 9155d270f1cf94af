"""The limits that Linux sets to this process with control groups, as containers have them.

A group lies inside others, and the limits of all of them hold. There are two versions, which a
machine may have side by side: in version 2 all limits of a group stand in one folder, in version 1
each kind has a tree of its own (https://docs.kernel.org/admin-guide/cgroup-v2.html, cgroup-v1/).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")


def folders(kind: str, root: Path = ROOT) -> Iterator[Path]:
    """Where limits of a kind, `cpu` or `memory`, may stand: this process's group and those above.

    `root` is the folder that has `proc` and `sys`. Without control groups there are no folders.
    """
    try:
        groups = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in groups:
        _, kinds, path = line.split(":", 2)
        if kinds and kind not in kinds.split(","):
            continue
        tree = root / "sys/fs/cgroup" / (kind if kinds else "")
        group = tree / path.lstrip("/")
        # Inside a container the path may be one that only the machine around it has.
        yield from (folder for folder in (group, *group.parents) if folder.is_relative_to(tree))


def words(path: Path) -> list[str]:
    """The words of a small file; none if it is not there."""
    try:
        return path.read_text(encoding="utf-8").split()
    except OSError:
        return []

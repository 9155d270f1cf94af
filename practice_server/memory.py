"""How much memory there is for training, as far as the system tells."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from practice_server.control_groups import ROOT, folders, words


def free(trainers: Iterable[int] = (), root: Path = ROOT) -> int | None:
    """Bytes that training may take now; None where the system does not tell.

    What the machine has free, but no more than its control groups leave. `trainers` are processes
    whose memory is counted as free: they end before another job takes their place. `root` is the
    folder that has `proc` and `sys`. Where only the size of the memory is known, it is that.
    """
    found = [*_of_machine(root), *_of_groups(root)]
    if not found:
        return None
    return max(0, min(found)) + sum(_held(process, root) for process in trainers)


def _of_machine(root: Path) -> Iterator[int]:
    told = words(root / "proc/meminfo")
    if "MemAvailable:" in told:
        yield 1024 * int(told[told.index("MemAvailable:") + 1])
    elif "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ()):
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _of_groups(root: Path) -> Iterator[int]:
    """What is left of each limit; the system gives up files that it only keeps at hand."""
    for folder in folders("memory", root):
        for limit, usage, at_hand in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            most, used = words(folder / limit), words(folder / usage)
            if most and used and most != ["max"]:
                told = words(folder / "memory.stat")
                files = int(told[told.index(at_hand) + 1]) if at_hand in told else 0
                yield int(most[0]) - int(used[0]) + files


def _held(process: int, root: Path) -> int:
    """Bytes that only this process holds."""
    pages = words(root / f"proc/{process}/statm")
    return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE") if pages else 0

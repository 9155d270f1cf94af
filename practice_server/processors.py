"""How many processors there are for the server, and how its children share them.

One is for the process that answers HTTP, together with the child that answers questions. Each of
the others trains a job of its own, with one thread: OpenBLAS's threads spin while they wait for
each other, so that with two of them a small model trains some 20 % faster on a quiet machine of
two processors, and was 14 times slower on a busy one. Only where there are more processors than
lanes has each child more threads.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from practice_server.control_groups import ROOT, folders, words

MOST_LANES = 8


@dataclass(frozen=True)
class Share:
    """How many jobs train at once, and how many threads each child of the server has."""

    lanes: int
    threads: int


def share(n_processors: int, lanes: int | None = None) -> Share:
    """So many lanes, or without `lanes` as many as the processors are good for.

    The children that work at the same time are those of the lanes and the one that answers. On 2
    processors or more they never have more threads together than there are processors, unless
    `lanes` asks for it.
    """
    lanes = lanes or min(max(1, n_processors - 1), MOST_LANES)
    return Share(lanes, threads=max(1, n_processors // (lanes + 1)))


def usable(root: Path = ROOT) -> int:
    """How many processors this process may use at a time, 1 or more.

    Those that it may run on, but no more than the quota of its control groups, rounded up. `root`
    is the folder that has `proc` and `sys`.
    """
    return min([_allowed(), *(max(1, ceil(quota)) for quota in _quotas(root))])


def _allowed() -> int:
    if hasattr(os, "process_cpu_count"):  # since Python 3.13
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas(root: Path) -> Iterator[float]:
    """Processor time a second of time, for each control group that has such a limit."""
    for folder in folders("cpu", root):
        version_1 = words(folder / "cpu.cfs_quota_us") + words(folder / "cpu.cfs_period_us")
        for limit in (words(folder / "cpu.max"), version_1):
            if len(limit) == 2 and limit[0] not in ("max", "-1"):
                yield int(limit[0]) / int(limit[1])

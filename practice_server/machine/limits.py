"""What the machine has for the server: processors and memory, within its control groups' limits.

Control groups are how Linux limits a process, as containers are. A group lies inside others, and
the limits of all of them hold. There are two versions, which a machine may have side by side: in
version 2 all limits of a group stand in one folder, in version 1 each kind has a tree of its own
(https://docs.kernel.org/admin-guide/cgroup-v2.html, cgroup-v1/).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path

ROOT = Path("/")
MOST_LANES = 8


# --- processors ---


@dataclass(frozen=True)
class Lanes:
    """How many jobs train at once, and how many threads each child of the server has.

    `gpus`: those on which they train, a GPU for each lane in turn; none for the processors.
    """

    number: int
    threads: int
    gpus: tuple[str, ...] = ()

    def gpu_of(self, lane: int) -> str | None:
        """The GPU of a lane, which is counted from 0."""
        return self.gpus[lane % len(self.gpus)] if self.gpus else None


def lanes_for(n_processors: int, number: int | None = None, gpus: tuple[str, ...] = ()) -> Lanes:
    """How the children use the processors; `number` says how many lanes there are to be.

    Where there are GPUs, and nobody says how many lanes, each GPU is one.

    One processor is for the process that answers HTTP, together with the child that answers
    questions. Each of the others trains a job of its own, with one thread: OpenBLAS's threads spin
    while they wait for each other, so that with two of them a small model trains some 20 % faster
    on a quiet machine of two processors, and was 14 times slower on a busy one. Only where there
    are more processors than lanes has each child more threads.
    """
    number = number or len(gpus) or min(max(1, n_processors - 1), MOST_LANES)
    return Lanes(number, threads=max(1, n_processors // (number + 1)), gpus=gpus)


def usable_processors(root: Path = ROOT) -> int:
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
    for folder in _groups("cpu", root):
        version_1 = _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
        for limit in (_words(folder / "cpu.max"), version_1):
            if len(limit) == 2 and limit[0] not in ("max", "-1"):
                yield int(limit[0]) / int(limit[1])


# --- memory ---


def free_memory(trainers: Iterable[int] = (), root: Path = ROOT) -> int | None:
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
    told = _words(root / "proc/meminfo")
    if "MemAvailable:" in told:
        yield 1024 * int(told[told.index("MemAvailable:") + 1])
    elif "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ()):
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _of_groups(root: Path) -> Iterator[int]:
    """What is left of each limit; the system gives up files that it only keeps at hand."""
    for folder in _groups("memory", root):
        for limit, usage, at_hand in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            most, used = _words(folder / limit), _words(folder / usage)
            if most and used and most != ["max"]:
                told = _words(folder / "memory.stat")
                files = int(told[told.index(at_hand) + 1]) if at_hand in told else 0
                yield int(most[0]) - int(used[0]) + files


def _held(process: int, root: Path) -> int:
    """Bytes that only this process holds."""
    pages = _words(root / f"proc/{process}/statm")
    return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE") if pages else 0


# --- control groups ---


def _groups(kind: str, root: Path = ROOT) -> Iterator[Path]:
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


def _words(path: Path) -> list[str]:
    """The words of a small file; none if it is not there."""
    try:
        return path.read_text(encoding="utf-8").split()
    except OSError:
        return []

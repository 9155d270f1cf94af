"""What tests of crashes and lanes need: a server's processes, its database, time that passes."""

import contextlib
import os
import signal
import sqlite3
import time
from pathlib import Path

from practice_server.store import jobs

PROCESSES = Path("/proc")
LISTS_CHILDREN = any(PROCESSES.glob("self/task/*/children"))


def children(server, module):
    """The process ids of the server's children that run a module, as /proc shows them."""
    threads = (PROCESSES / str(server.process.pid) / "task").glob("*/children")
    return [
        int(pid)
        for thread in threads
        for pid in _read(thread).split()
        if module in _read(PROCESSES / pid / "cmdline")
    ]


def _read(path):
    """What /proc tells of a process; nothing if it has ended meanwhile."""
    try:
        return path.read_text()
    except OSError:
        return ""


def is_gone(pid):
    """Whether a process has ended; one that only waits to be buried counts as ended."""
    state = _read(PROCESSES / str(pid) / "stat").rpartition(")")[2]
    return not state or state.split()[0] == "Z"


def end_all(pids):
    """kill -9."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def wait_until(met, seconds=300, pause=0.02):
    """Return what `met` returns, as soon as that is true."""
    deadline = time.monotonic() + seconds
    while not (found := met()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(pause)
    return found


def rows(server, query, *values):
    """What the server has in its database, whether it runs or not."""
    with contextlib.closing(sqlite3.connect(server.home / "store.sqlite3", timeout=30)) as store:
        return store.execute(query, values).fetchall()


def age(folder):
    """As if everything in a folder had been written two hours ago.

    What a process that is ending takes away meanwhile is passed over.
    """
    long_ago = time.time() - 7200
    for parent, _, files in os.walk(folder):
        for path in (parent, *(os.path.join(parent, name) for name in files)):
            with contextlib.suppress(FileNotFoundError):
                os.utime(path, (long_ago, long_ago))


def new_job(store, owner=""):
    """The row of a job that was just created, without any server."""
    order = jobs.Order(
        owner=owner,
        model="tiny",
        training_file="file-a",
        validation_file=None,
        suffix=None,
        seed=1,
        method="supervised",
        hyperparameters={},
        metadata=None,
        idempotency_key=None,
    )
    return jobs.create(store, order)

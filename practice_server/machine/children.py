"""Starting child processes that end when the server does, however it ends.

A child holds the reading end of a pipe as its stdin. The system closes the other end with the
server, and the child's own watch (`ended_with_parent`) sees that.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

from practice_server.machine import gpus

PROJECT = Path(__file__).resolve().parents[2]
SECONDS_TO_END = 10
# How much nicer a child that steps back is than the server, which gets twice as much of a
# processor then. With 10 it would be nine times as much, and on a machine that other programs keep
# busy jobs would hardly get on.
NICER_BY = 3
NICEST = 19
THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
LONGEST_LINE = 16 * 1024 * 1024


async def start(
    module: str,
    *arguments: str,
    threads: int,
    gpu: str | None = None,
    answers: bool = False,
    steps_back: bool = False,
) -> Process:
    """Start `python -m module`, which calculates in this number of `threads`.

    With `gpu`, it sees this one alone, if it uses GPUs at all.

    With `answers`, its stdout is a pipe to this process. Without, it has none: whoever reads what
    the server prints must not wait for its children. A child that `steps_back` leaves the
    processors to others that want them.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        stdin=PIPE,
        stdout=PIPE if answers else DEVNULL,
        cwd=PROJECT,
        env=_environment(threads, gpu),
        limit=LONGEST_LINE,
        # Ctrl-C in the server's terminal is for the server, which then ends its children. A group
        # is enough; in a session of its own a child would not be measured against the server, and
        # its niceness would mean nothing (`man 7 sched`, autogroup).
        process_group=0,
        creationflags=_creation_flags(steps_back),
    )
    if steps_back and os.name == "posix":
        with contextlib.suppress(OSError):  # it may have ended already; a sandbox may refuse
            os.setpriority(os.PRIO_PROCESS, process.pid, _niceness())
    return process


def _niceness() -> int:
    """That of a child that steps back behind this process."""
    return min(NICEST, os.getpriority(os.PRIO_PROCESS, 0) + NICER_BY)


def _creation_flags(steps_back: bool) -> int:
    """What Windows is to do with a child; 0 elsewhere."""
    priority = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0) if steps_back else 0
    return getattr(subprocess, "CREATE_NO_WINDOW", 0) | priority


def _environment(threads: int, gpu: str | None) -> dict[str, str]:
    environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads))}
    environment |= {gpus.VARIABLE: gpu} if gpu else {}
    for secret in ("PRACTICE_SERVER_KEY", "PRACTICE_SERVER_WEBHOOK_SECRET"):
        environment.pop(secret, None)
    environment["PYTHONIOENCODING"] = "utf-8"
    return environment


def ask_to_end(process: Process) -> None:
    """Let a child finish what it is at, and end."""
    if process.stdin:
        process.stdin.close()


async def end(process: Process) -> None:
    """Ask a child to end, and make it end if it does not."""
    ask_to_end(process)
    try:
        await asyncio.wait_for(process.wait(), SECONDS_TO_END)
    except TimeoutError:
        kill(process)
        await process.wait()


def kill(process: Process) -> None:
    """End a child at once."""
    if process.returncode is None:
        process.kill()


def ended_with_parent() -> threading.Event:
    """In a child: an event that is set when the server is gone or wants the child to end.

    A child that takes no notice for some seconds is ended.
    """
    ended = threading.Event()

    def watch() -> None:
        # Past Python's own buffer, whose lock must be free when the child ends.
        while os.read(sys.stdin.fileno(), 1024):
            pass
        ended.set()
        # It ends as it was told to: with 0, for any other status is taken for a death.
        timer = threading.Timer(SECONDS_TO_END, os._exit, (0,))
        timer.daemon = True
        timer.start()

    threading.Thread(target=watch, daemon=True).start()
    return ended

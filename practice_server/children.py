"""Starting child processes that end when the server does, however it ends.

A child holds the reading end of a pipe as its stdin. The system closes the other end with the
server, and the child's own watch (`ended_with_parent`) sees that.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
SECONDS_TO_END = 10
# Set to 1: with 2 on a quiet machine a small model trains some 20 % faster; on a busy one, where
# OpenBLAS's threads spin while they wait for each other, it was 14 times slower.
THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
LONGEST_LINE = 16 * 1024 * 1024


async def start(module: str, *arguments: str, answers: bool = False) -> Process:
    """Start `python -m module`; with `answers`, its stdout is a pipe to this process.

    Without, it has none: whoever reads what the server prints must not wait for its children.
    """
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        stdin=PIPE,
        stdout=PIPE if answers else DEVNULL,
        cwd=PROJECT,
        env=_environment(),
        limit=LONGEST_LINE,
        # Ctrl-C in the server's terminal is for the server, which then ends its children.
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def _environment() -> dict[str, str]:
    environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1")}
    environment.pop("PRACTICE_SERVER_KEY", None)
    environment["PYTHONIOENCODING"] = "utf-8"
    return environment


async def end(process: Process) -> None:
    """Let a child finish what it is at, then make it end."""
    if process.stdin:
        process.stdin.close()
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
        timer = threading.Timer(SECONDS_TO_END, os._exit, (1,))
        timer.daemon = True
        timer.start()

    threading.Thread(target=watch, daemon=True).start()
    return ended

"""Removing what nobody needs any more, and nothing that the database does not know."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import sqlite3
import time
from pathlib import Path

from practice_server.store import checkpoints, files
from practice_server.store.database import Store
from practice_server.store.home import UNFINISHED, Home, remove

log = logging.getLogger(__name__)

SECONDS_BETWEEN_SWEEPS = 3600
# What is younger may belong to a trainer that outlived its server for a moment.
SETTLED_SECONDS = 3600
# What should lie in each folder, and whether somebody still needs it.
KNOWN = {
    "files": f"SELECT id, {files.NEEDED} AS needed FROM files",
    "uploads": "SELECT id, status = 'pending' AND expires_at > :now AS needed FROM uploads",
    "models": "SELECT id, 1 AS needed FROM checkpoints",
    "jobs": "SELECT id, status NOT IN ('succeeded', 'failed', 'cancelled') AS needed FROM jobs",
}


def forget_work(store: Store, home: Home, job_id: str) -> None:
    """Remove the saved states and checkpoints of a job that will never succeed."""
    unpublished = [row for row in checkpoints.of_job(store, job_id) if not row["published"]]
    for row in unpublished:
        shutil.rmtree(home.model(row["id"]), ignore_errors=True)
    with store.transaction():
        for row in unpublished:
            checkpoints.forget(store, row["id"])
    shutil.rmtree(home.job(job_id), ignore_errors=True)


def sweep(store: Store, home: Home) -> None:
    """Remove what a crash has left behind, and files that were deleted or expired.

    What the database does not know may be somebody's work, if the database was lost or is an
    older one. It is moved to the folder `unknown`, and back when the database knows it again.
    """
    forsaken = store.all(
        "SELECT DISTINCT job FROM checkpoints JOIN jobs ON jobs.id = job"
        " WHERE published = 0 AND status IN ('failed', 'cancelled')"
    )
    for row in forsaken:
        forget_work(store, home, row["job"])
    for folder in home.folders:
        rows = store.all(KNOWN[folder.name], {"now": int(time.time())})
        _tidy(folder, home.unknown / folder.name, {row["id"]: row["needed"] for row in rows})


async def sweep_by_the_hour(store: Store, home: Home) -> None:
    """Work until cancelled."""
    while True:
        await asyncio.sleep(SECONDS_BETWEEN_SWEEPS)
        sweep_if_possible(store, home)


def sweep_if_possible(store: Store, home: Home) -> None:
    """Sweep, unless another server's folder lies in the home's place; a full disk is told."""
    try:
        if home.is_there():
            sweep(store, home)
    except (OSError, sqlite3.OperationalError) as error:
        log.warning("could not sweep (%s); trying again in an hour", error)


def _tidy(folder: Path, unknown: Path, known: dict[str, int]) -> None:
    """`known`: whether the file or folder of a name is still needed."""
    for path in unknown.glob("*"):
        if known.get(path.name):
            _move(path, folder)
    settled = [path for path in folder.iterdir() if _is_settled(path)]
    strays = [path for path in settled if path.name not in known and path.suffix != UNFINISHED]
    if strays:
        unknown.mkdir(parents=True, exist_ok=True)
        log.warning("%d in %s not in the database: moved to %s", len(strays), folder, unknown)
    for path in settled:
        if path in strays:
            _move(path, unknown)
        elif not known.get(path.name):
            with contextlib.suppress(OSError):  # Windows keeps what is in use
                remove(path)


def _move(path: Path, folder: Path) -> None:
    with contextlib.suppress(OSError):
        if not (folder / path.name).exists():
            path.rename(folder / path.name)


def _is_settled(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > SETTLED_SECONDS
    except OSError:  # a trainer that outlived its server has just renamed or removed it
        return False

"""Removing what nobody needs any more."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
import time
from pathlib import Path

from practice_server import checkpoints, files
from practice_server.home import Home
from practice_server.store import Store

log = logging.getLogger(__name__)

SECONDS_BETWEEN_SWEEPS = 3600
# What is younger may belong to a trainer that outlived its server for a moment.
SETTLED_SECONDS = 3600


def forget_work(store: Store, home: Home, job_id: str) -> None:
    """Remove the saved states and checkpoints of a job that will never succeed."""
    unpublished = [row for row in checkpoints.of_job(store, job_id) if not row["published"]]
    with store.transaction():
        for row in unpublished:
            checkpoints.forget(store, row["id"])
    for row in unpublished:
        shutil.rmtree(home.model(row["id"]), ignore_errors=True)
    shutil.rmtree(home.job(job_id), ignore_errors=True)


def sweep(store: Store, home: Home) -> None:
    """Remove what a crash has left behind, and files that were deleted or expired."""
    now = int(time.time())
    forsaken = store.all(
        "SELECT DISTINCT job FROM checkpoints JOIN jobs ON jobs.id = job"
        " WHERE published = 0 AND status IN ('failed', 'cancelled')"
    )
    for row in forsaken:
        forget_work(store, home, row["job"])
    needed = store.all(f"SELECT id FROM files WHERE {files.NEEDED}", {"now": now})
    pending = store.all(
        "SELECT id FROM uploads WHERE status = 'pending' AND expires_at > :now", {"now": now}
    )
    models = store.all("SELECT id FROM checkpoints")
    unfinished = store.all(
        "SELECT id FROM jobs WHERE status NOT IN ('succeeded', 'failed', 'cancelled')"
    )
    kept = (
        (home.files, needed),
        (home.uploads, pending),
        (home.models, models),
        (home.jobs, unfinished),
    )
    for folder, rows in kept:
        _keep_only(folder, {row["id"] for row in rows})


async def sweep_by_the_hour(store: Store, home: Home) -> None:
    """Work until cancelled."""
    while True:
        await asyncio.sleep(SECONDS_BETWEEN_SWEEPS)
        try:
            if home.is_there():  # else another server's folder may lie in its place
                sweep(store, home)
        except (OSError, sqlite3.OperationalError):
            log.exception("could not sweep; trying again in an hour")


def _keep_only(folder: Path, names: set[str]) -> None:
    for path in folder.iterdir():
        if path.name in names or not _is_settled(path):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _is_settled(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > SETTLED_SECONDS
    except OSError:  # a trainer that outlived its server has just renamed or removed it
        return False

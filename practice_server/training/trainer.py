"""The child that brings one job on: it validates the job's files, or it trains.

    python -m practice_server.training.trainer --home DIR --models DIR --job ID

It talks to the server through the store only, and ends when its stdin is closed.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sqlite3
import sys
import threading
from pathlib import Path

from practice_server.engines.engine import ModelUnusable
from practice_server.machine import children
from practice_server.store import jobs
from practice_server.store.catalogue import Catalogue, read_alias
from practice_server.store.database import Store
from practice_server.store.home import Home, is_disk_full
from practice_server.store.jobs import JobFailed, NoLongerOurs
from practice_server.store.tables import JobRow


def main() -> int:
    options = _options()
    home = Home(options.home)
    store = Store(home.database)
    catalogue = Catalogue(store, home, options.models, dict(options.alias))
    ended = children.ended_with_parent()
    # Nothing is left to do for a job that was cancelled or has another trainer by now.
    with contextlib.suppress(NoLongerOurs):
        job = jobs.claim(store, options.job)
        try:
            _bring_on(store, home, catalogue, job, ended, options)
        except JobFailed as failure:
            fail(store, home, job, failure)
    return 0


def fail(store: Store, home: Home, job: JobRow, failure: JobFailed) -> None:
    """End the job with an error, on a full disk too: its saved states make room to tell of it."""
    try:
        jobs.fail(store, job, failure)
    except sqlite3.OperationalError as error:
        if not is_disk_full(error):
            raise
        shutil.rmtree(home.job(job["id"]), ignore_errors=True)
        jobs.fail(store, job, failure)


def _bring_on(
    store: Store,
    home: Home,
    catalogue: Catalogue,
    job: JobRow,
    ended: threading.Event,
    options: argparse.Namespace,
) -> None:
    """Do what the job's state asks for. Each half loads only what it needs."""
    try:
        if job["status"] == "validating_files":
            from practice_server.training.check_job import validate_job

            validate_job(store, home, catalogue, job, options.memory)
        else:
            from practice_server.training.train_job import TrainingRun

            choices = {"fails": options.job_fails, "result_files": options.result_files}
            TrainingRun(store, home, catalogue, job, ended, **choices).run()
    except ModelUnusable as error:
        message = f"The job failed because the model {job['model']} cannot be used: {error}"
        raise JobFailed("model_not_available", message, "model") from error
    except MemoryError as error:
        message = f"The job failed because there is not enough memory for its training: {error}"
        raise JobFailed("not_enough_memory", message) from error
    except (OSError, sqlite3.OperationalError) as error:
        if not is_disk_full(error):
            raise
        message = (
            "The job failed because the disk of the practice server is full. Free some space and"
            " create the job again"
        )
        raise JobFailed("server_error", message) from error


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m practice_server.training.trainer")
    parser.add_argument("--home", type=Path, required=True, help="the server's folder")
    parser.add_argument("--models", type=Path, required=True, help="the folder of base models")
    parser.add_argument("--alias", type=read_alias, action="append", default=[])
    parser.add_argument("--memory", type=int, help="bytes that training may take, if known")
    parser.add_argument("--result-files", default="plain", help="or base64")
    parser.add_argument("--job-fails", action="store_true", help="after its first epoch")
    parser.add_argument("--job", required=True, help="the job's id")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

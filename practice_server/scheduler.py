"""Which job runs when. Two lanes, each with one child at a time: one validates, one trains.

The scheduler sees at once when a child ends. If the job has not got on, the child has died: the
same job is given to a new one, which goes on from the last saved state.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
from asyncio.subprocess import Process

from practice_server import children, housekeeping, jobs
from practice_server.home import Home
from practice_server.store import Store

log = logging.getLogger(__name__)

LANES = (("validating_files",), ("running", "queued"))
SECONDS_BEFORE_RETRY = 5


class Scheduler:
    """Starts and ends the trainers of one server."""

    def __init__(self, store: Store, home: Home, trainer_arguments: list[str]) -> None:
        """`trainer_arguments`: what every trainer is started with beside its job."""
        self._store = store
        self._home = home
        self._arguments = trainer_arguments
        self._wakes = [asyncio.Event() for _ in LANES]
        self._children: dict[str, Process] = {}
        self._stopping = False

    async def run(self) -> None:
        """Work until cancelled."""
        await asyncio.gather(*map(self._run_lane, LANES, self._wakes))

    def wake(self) -> None:
        """Look for work: a job has come, or has changed its state."""
        for event in self._wakes:
            event.set()

    def cancel(self, job_id: str) -> None:
        """End the job's child at once; its state in the store is `cancelled` already."""
        if job_id in self._children:
            children.kill(self._children[job_id])
        else:
            housekeeping.forget_work(self._store, self._home, job_id)

    def pause(self, job_id: str) -> None:
        """Let the job's child save its state and end."""
        process = self._children.get(job_id)
        if process and process.stdin:
            process.stdin.close()

    async def stop(self) -> None:
        """End all children; their jobs go on at the next start."""
        self._stopping = True
        await asyncio.gather(*map(children.end, self._children.values()))

    async def _run_lane(self, statuses: tuple[str, ...], wake: asyncio.Event) -> None:
        while True:
            wake.clear()
            job = jobs.next_of(self._store, *statuses)
            if job is None or self._stopping:
                await wake.wait()
                continue
            try:
                await self._run_child(job["id"], job["status"])
            except (OSError, sqlite3.OperationalError):
                log.exception("could not run a trainer; trying again")
                await asyncio.sleep(SECONDS_BEFORE_RETRY)
            self.wake()

    async def _run_child(self, job_id: str, before: str) -> None:
        process = await children.start(
            "practice_server.trainer", *self._arguments, "--job", job_id
        )
        self._children[job_id] = process
        try:
            await process.wait()
        finally:
            del self._children[job_id]
        if not self._stopping:
            self._after_child(job_id, before)

    def _after_child(self, job_id: str, before: str) -> None:
        status = jobs.get(self._store, job_id)["status"]
        if status in ("running", before):
            log.warning("the trainer of %s died", job_id)
            jobs.record_death(self._store, job_id)
            status = jobs.get(self._store, job_id)["status"]
        if status == "succeeded":
            shutil.rmtree(self._home.job(job_id), ignore_errors=True)
        elif status in ("failed", "cancelled"):
            housekeeping.forget_work(self._store, self._home, job_id)

"""Which job runs when. Lanes, each with one child at a time: one validates, the others train.

The scheduler sees at once when a child ends. If it failed and the job has not got on, it has died:
the same job is given to a new one, which goes on from the last saved state.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import sqlite3
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from practice_server.machine import children
from practice_server.machine.limits import Lanes, free_memory
from practice_server.store import housekeeping, jobs
from practice_server.store.database import Store
from practice_server.store.home import Home

log = logging.getLogger(__name__)

VALIDATING, TRAINING = ("validating_files",), ("running", "queued")
SECONDS_BEFORE_RETRY = 5


@dataclass(frozen=True)
class Lane:
    """Where one child runs at a time: for jobs in which states, on which GPU; what wakes it."""

    statuses: tuple[str, ...]
    gpu: str | None
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class Scheduler:
    """Starts and ends the trainers of one server."""

    def __init__(
        self,
        store: Store,
        home: Home,
        trainer_arguments: list[str],
        *,
        lanes: Lanes,
        most_memory: int | None,
        make_room: Callable[[], Awaitable[None]],
        trains_elsewhere: bool = False,
        seconds_in_queue: float = 0,
    ) -> None:
        """`trainer_arguments`: what every trainer is started with beside its job.

        `make_room` frees what memory it can, before a job trains.
        `most_memory`: bytes that all jobs that train at once may take; None if there is no limit
        but the machine's own, which does not count if a job `trains_elsewhere`.
        `seconds_in_queue`: for how long the next job stays `queued`.
        """
        self._store = store
        self._home = home
        self._arguments = trainer_arguments
        self._threads = lanes.threads
        self._most_memory = most_memory
        self._make_room = make_room
        self._trains_elsewhere = trains_elsewhere
        self._seconds_in_queue = seconds_in_queue
        training = (Lane(TRAINING, lanes.gpu_of(number)) for number in range(lanes.number))
        self._lanes = [Lane(VALIDATING, lanes.gpu_of(0)), *training]
        # Jobs that lanes are at, from the choice of the job to the end of its child.
        self._taken: set[str] = set()
        self._children: dict[str, Process] = {}
        # Jobs that were paused while their child was just being started.
        self._paused_early: set[str] = set()
        self._stopping = False

    async def run(self) -> None:
        """Work until cancelled."""
        await asyncio.gather(*map(self._run_lane, self._lanes))

    def wake(self) -> None:
        """Look for work: a job has come, or has changed its state."""
        for lane in self._lanes:
            lane.wake.set()

    def cancel(self, job_id: str) -> None:
        """End the job's child at once; its state in the store is `cancelled` already."""
        if job_id in self._children:
            children.kill(self._children[job_id])
        else:
            # If the database is locked just now, the sweep at the next start does it.
            with contextlib.suppress(sqlite3.OperationalError):
                housekeeping.forget_work(self._store, self._home, job_id)

    def pause(self, job_id: str) -> None:
        """Let the job's child save its state and end."""
        if job_id in self._children:
            children.ask_to_end(self._children[job_id])
        elif job_id in self._taken:
            self._paused_early.add(job_id)

    async def stop(self) -> None:
        """End all children; their jobs go on at the next start."""
        self._stopping = True
        await asyncio.gather(*map(children.end, self._children.values()))

    async def _run_lane(self, lane: Lane) -> None:
        while True:
            lane.wake.clear()
            try:
                job = jobs.next_of(self._store, *lane.statuses, taken=self._taken)
                if job is None or self._stopping:
                    await lane.wake.wait()
                    continue
                if not self._home.is_there():
                    raise FileNotFoundError("the server's folder was moved or deleted")
                await self._run_child(job["id"], job["status"], lane.gpu)
            except Exception:  # a lane that ends would leave its jobs waiting for ever
                log.exception("could not run a trainer; trying again")
                await asyncio.sleep(SECONDS_BEFORE_RETRY)
            self.wake()

    async def _run_child(self, job_id: str, before: str, gpu: str | None) -> None:
        self._taken.add(job_id)
        try:
            if before == "queued":
                await asyncio.sleep(self._seconds_in_queue)
            if before in TRAINING:
                await self._make_room()
            process = await children.start(
                *("practice_server.training.trainer", *self._arguments, "--job", job_id),
                *self._memory_arguments(),
                threads=self._threads,
                gpu=gpu,
                steps_back=True,
            )
            self._children[job_id] = process
            if job_id in self._paused_early:
                self.pause(job_id)
            await process.wait()
        finally:
            self._taken.discard(job_id)
            self._paused_early.discard(job_id)
            self._children.pop(job_id, None)
        if not self._stopping:
            self._after_child(job_id, before, has_failed=process.returncode != 0)

    def _memory_arguments(self) -> list[str]:
        """How many bytes there are for each job that trains, if anybody knows."""
        trainers = (process.pid for process in self._children.values())
        free = None if self._trains_elsewhere else free_memory(trainers)
        known = [n_bytes for n_bytes in (free, self._most_memory) if n_bytes is not None]
        return ["--memory", str(min(known) // (len(self._lanes) - 1))] if known else []

    def _after_child(self, job_id: str, before: str, *, has_failed: bool) -> None:
        status = jobs.get(self._store, job_id)["status"]
        # A job that was paused is in the queue again already if it was resumed at once.
        if has_failed and status in ("running", before):
            log.warning("the trainer of %s died", job_id)
            jobs.record_death(self._store, job_id)
            status = jobs.get(self._store, job_id)["status"]
        if status == "succeeded":
            shutil.rmtree(self._home.job(job_id), ignore_errors=True)
        elif status in ("failed", "cancelled"):
            housekeeping.forget_work(self._store, self._home, job_id)

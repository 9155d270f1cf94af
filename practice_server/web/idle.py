"""Ending a server that nobody uses."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from practice_server.store import jobs
from practice_server.store.database import Store

LONGEST_CHECK_INTERVAL = 5.0


class Activity:
    """Sees every request, and knows for how long there has been none."""

    def __init__(self) -> None:
        self._under_way = 0
        self._last = time.monotonic()

    def watching(self, app: ASGIApp) -> ASGIApp:
        """`app`, with its requests counted."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                return await app(scope, receive, send)
            self._under_way += 1
            try:
                await app(scope, receive, send)
            finally:
                self._under_way -= 1
                self._last = time.monotonic()

        return watched

    async def end_when_idle(self, seconds: float, store: Store, end: Callable[[], None]) -> None:
        """Call `end` when there has been neither a request nor a job for `seconds`."""
        while self._idle_seconds(store) < seconds:
            await asyncio.sleep(min(seconds / 4, LONGEST_CHECK_INTERVAL))
        end()

    def _idle_seconds(self, store: Store) -> float:
        if self._under_way or _may_have_jobs(store):
            self._last = time.monotonic()
        return time.monotonic() - self._last


def _may_have_jobs(store: Store) -> bool:
    try:
        return jobs.any_unfinished(store)
    except sqlite3.OperationalError:  # locked by another program: nobody can tell
        return True

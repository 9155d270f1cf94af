"""A log that cannot fill the disk."""

from __future__ import annotations

import logging
import time

MOST_AN_HOUR = 100


class HourlyLimit(logging.Filter):
    """Lets MOST_AN_HOUR messages through in an hour; the last says that more are left out."""

    def __init__(self) -> None:
        super().__init__()
        self._passed = 0
        self._hour_ends = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        if time.monotonic() > self._hour_ends:
            self._passed = 0
            self._hour_ends = time.monotonic() + 3600
        self._passed += 1
        if self._passed == MOST_AN_HOUR:
            text = "these were many messages: what else comes within the hour is left out"
            record.msg, record.args = f"{record.getMessage()} ({text})", ()
        return self._passed <= MOST_AN_HOUR

"""Writing the bytes of files and of parts to their places."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from starlette.concurrency import run_in_threadpool

from practice_server import files
from practice_server.errors import ApiError
from practice_server.home import Home, write_with
from practice_server.store import Row

Write = Callable[[BinaryIO], None]
# Two checks at once would take twice the memory, and leave the event loop fewer turns.
CHECKING = asyncio.Lock()


def keep(place: Path, write: Write, check: Callable[[Path], None] = lambda path: None) -> None:
    """Let `write` fill the file `place`, which is there only if `check` raises nothing."""

    def write_and_check(path: Path) -> None:
        with path.open("wb") as file:
            write(file)
        check(path)

    write_with(write_and_check, place)


async def keep_file(home: Home, row: Row, write: Write) -> None:
    """Keep the bytes of the file `row`, and their sum in the row, one file at a time.

    What is to be trained on must be JSON lines; raises ApiError (400) if it is not.
    """

    def check(path: Path) -> None:
        if row["purpose"] == "fine-tune":
            _check_json_lines(path)
        row["sha256"] = files.sha256(path)

    async with CHECKING:
        await run_in_threadpool(keep, home.file(row["id"]), write, check)


def _check_json_lines(path: Path) -> None:
    from practice_server.validate import NotJsonLines, check_json_lines  # not needed to start

    try:
        check_json_lines(path)
    except NotJsonLines as error:
        raise ApiError(400, str(error), detail=True) from error

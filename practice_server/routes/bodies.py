"""Bodies of requests: reading a form with a file in it, and writing bytes to their places."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request

from practice_server.store import files
from practice_server.store.home import Home, write_with
from practice_server.store.tables import FileRow
from practice_server.web.errors import ApiError
from practice_server.web.fields import refuse_unknown

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


async def keep_file(home: Home, row: FileRow, write: Write) -> None:
    """Keep the bytes of the file `row`, and their checksum in the row, one file at a time.

    What is to be trained on must be JSON lines; raises ApiError (400) if it is not.
    """

    def check(path: Path) -> None:
        if row["purpose"] == "fine-tune":
            _check_json_lines(path)
        row["sha256"] = files.sha256(path)

    async with CHECKING:
        await run_in_threadpool(keep, home.file(row["id"]), write, check)


def _check_json_lines(path: Path) -> None:
    from practice_server.formats.rules import NotJsonLines, check_json_lines  # not needed to start

    try:
        check_json_lines(path)
    except NotJsonLines as error:
        raise ApiError(400, str(error), detail=True) from error


MOST_FIELDS = 8


@asynccontextmanager
async def read_form(
    request: Request, known: Collection[str], *, detail: bool = False
) -> AsyncIterator[FormData]:
    """The form in the request's body, with one file at most; for `detail` see `ApiError`.

    Raises ApiError (400) for another encoding than UTF-8 and for a field that is not known, and
    HTTPException (400) for a form that cannot be read.
    """
    _, parameters = parse_options_header(request.headers.get("content-type"))
    charset = parameters.get(b"charset", b"utf-8").decode("latin-1")
    # Others give texts that can neither be stored nor shown, such as UTF-7 with half a pair of
    # surrogates.
    if charset.lower() not in ("utf-8", "utf8"):
        raise ApiError(400, f"The form is written in {charset!r}, but must be in UTF-8.")
    async with request.form(max_files=1, max_fields=MOST_FIELDS) as form:
        refuse_unknown(form, known, detail=detail)
        yield form

"""Reading a form with a file in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData
from starlette.requests import Request

from practice_server.errors import ApiError
from practice_server.fields import refuse_unknown

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

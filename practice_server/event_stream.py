"""Server-sent events: the form of an answer that comes in pieces."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from practice_server.errors import ApiError
from practice_server.store import Row


async def as_events(chunks: AsyncIterator[Row]) -> AsyncIterator[str]:
    """Each chunk as an event, then the mark of the end.

    An error before the first chunk is raised; a later one becomes an event.
    """
    started = False
    try:
        async for chunk in chunks:
            yield _event(chunk)
            started = True
    except ApiError as error:
        if not started:
            raise
        yield _event(error.body)
    yield "data: [DONE]\n\n"


def _event(content: Row) -> str:
    # Some clients end a line at U+0085 and U+2028 too: JSON's default escapes all but ASCII.
    return f"data: {json.dumps(content)}\n\n"

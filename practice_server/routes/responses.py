"""How an answer of a model goes out: whole, or streamed as it is generated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from practice_server.errors import CLIENT_GONE
from practice_server.event_stream import as_events
from practice_server.store import Row


class Answer(Protocol):
    """A model's answer in the two forms in which a client may want it."""

    async def whole(self) -> Row: ...

    def chunks(self) -> AsyncIterator[Row]: ...


async def respond(request: Request, answer: Answer, *, stream: bool) -> Response:
    if not stream:
        return await _unless_client_goes(request, answer.whole())
    events = as_events(answer.chunks())
    # The first event tells whether there will be an answer: a refusal has its own status.
    first = await anext(events)
    return StreamingResponse(
        _from_first(first, events), media_type="text/event-stream; charset=utf-8"
    )


async def _from_first(first: str, events: AsyncIterator[str]) -> AsyncIterator[str]:
    async with aclosing(events):
        yield first
        async for event in events:
            yield event


async def _unless_client_goes(request: Request, answer: Coroutine[Any, Any, Any]) -> Response:
    """Answer, but stop working as soon as nobody waits for it."""
    answering = asyncio.create_task(answer)
    leaving = asyncio.create_task(_client_gone(request))
    try:
        await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            return JSONResponse(answering.result())
        return Response(status_code=CLIENT_GONE)
    finally:
        answering.cancel()
        leaving.cancel()


async def _client_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

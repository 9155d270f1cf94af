"""The forms of answers: a list, and a model's answer, whole or streamed as it is generated."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from typing import Any, Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from practice_server.asking.client import Answers
from practice_server.routes.services import owner, services
from practice_server.store.catalogue import Catalogue
from practice_server.store.database import Page, RowType
from practice_server.store.objects import Object
from practice_server.web.errors import CLIENT_GONE, ApiError
from practice_server.web.fields import Fields

WantedType = TypeVar("WantedType", bound="Wanted")


class Answer(Protocol):
    """A model's answer in the two forms in which a client may want it."""

    async def whole(self) -> Object: ...

    def chunks(self) -> AsyncIterator[Object]: ...


class Wanted(Protocol):
    """What a request asks of a model."""

    @property
    def stream(self) -> bool: ...


def asking(
    read: Callable[[Fields, Catalogue, str], WantedType],
    answer: Callable[[WantedType, Answers], Answer],
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of a call that asks a model: `read` reads the request, `answer` answers it."""

    async def create(request: Request) -> Response:
        fields = await Fields.of_body(request)
        wanted = read(fields, services(request).catalogue, owner(request))
        given = answer(wanted, services(request).answers)
        return await _respond(request, given, stream=wanted.stream)

    return create


async def _respond(request: Request, answer: Answer, *, stream: bool) -> Response:
    if not stream:
        return await _unless_client_goes(request, answer.whole())
    events = as_events(answer.chunks())
    # The first event tells whether there will be an answer: a refusal has its own status.
    first = await anext(events)
    return StreamingResponse(
        _from_first(first, events), media_type="text/event-stream; charset=utf-8"
    )


async def _from_first(first: str, events: AsyncGenerator[str, None]) -> AsyncIterator[str]:
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


def as_list(
    page: Page[RowType], as_object: Callable[[RowType], Object], *, with_ends: bool = False
) -> Object:
    """A page as the API shows it; `with_ends` names its first and last id."""
    data = [as_object(row) for row in page.rows]
    shown = {"object": "list", "data": data, "has_more": page.has_more}
    if with_ends:
        shown["first_id"] = data[0]["id"] if data else None
        shown["last_id"] = data[-1]["id"] if data else None
    return shown


async def as_events(chunks: AsyncIterator[Object]) -> AsyncGenerator[str, None]:
    """Each chunk as an event, then the mark of the end, unless the events tell it themselves.

    An error before the first chunk is raised; a later one becomes an event.
    """
    chunk: Object = {}
    try:
        async for chunk in chunks:
            yield _event(chunk)
    except ApiError as error:
        if not chunk:
            raise
        yield _event(error.body)
    if "type" not in chunk:
        yield "data: [DONE]\n\n"


def _event(content: Object) -> str:
    # Some clients end a line at U+0085 and U+2028 too: JSON's default escapes all but ASCII.
    name = f"event: {content['type']}\n" if "type" in content else ""
    return f"{name}data: {json.dumps(content)}\n\n"

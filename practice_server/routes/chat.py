"""POST /chat/completions, whole and streamed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from practice_server.chat_answer import ChatAnswer
from practice_server.chat_request import read_chat_request
from practice_server.fields import Fields
from practice_server.services import services

CLIENT_GONE = 499


async def create(request: Request) -> Response:
    chat = read_chat_request(await Fields.of_body(request), services(request).catalogue)
    answer = ChatAnswer(chat, services(request).answers)
    if not chat.stream:
        return await _unless_client_goes(request, answer.whole())
    events = answer.events()
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


routes = [Route("/chat/completions", create, methods=["POST"])]

"""POST /chat/completions, whole and streamed."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from practice_server.asking.chat_answer import ChatAnswer
from practice_server.asking.chat_request import read_chat_request
from practice_server.routes.call import Call
from practice_server.routes.forms import respond
from practice_server.routes.services import owner, services
from practice_server.web.fields import Fields


async def create(request: Request) -> Response:
    fields = await Fields.of_body(request)
    chat = read_chat_request(fields, services(request).catalogue, owner(request))
    return await respond(request, ChatAnswer(chat, services(request).answers), stream=chat.stream)


calls = [
    Call(
        "POST",
        "/chat/completions",
        create,
        has_body=True,
        differs="tools are functions only, known to the model by training",
    )
]

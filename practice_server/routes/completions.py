"""POST /completions, the older form of asking a model: a text goes on."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from practice_server.asking.completion_answer import CompletionAnswer
from practice_server.asking.completion_request import read_completion_request
from practice_server.routes.call import Call
from practice_server.routes.forms import respond
from practice_server.routes.services import owner, services
from practice_server.web.fields import Fields


async def create(request: Request) -> Response:
    fields = await Fields.of_body(request)
    wanted = read_completion_request(fields, services(request).catalogue, owner(request))
    answer = CompletionAnswer(wanted, services(request).answers)
    return await respond(request, answer, stream=wanted.stream)


calls = [
    Call(
        "POST",
        "/completions",
        create,
        has_body=True,
        differs="takes every model; prompts are texts only, and suffix is refused",
    )
]

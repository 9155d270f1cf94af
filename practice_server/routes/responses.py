"""POST /responses, the newer form of asking a model."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from practice_server.asking.responses_answer import ResponsesAnswer
from practice_server.asking.responses_request import read_responses_request
from practice_server.routes.call import Call
from practice_server.routes.forms import respond
from practice_server.routes.services import owner, services
from practice_server.web.fields import Fields


async def create(request: Request) -> Response:
    fields = await Fields.of_body(request)
    wanted = read_responses_request(fields, services(request).catalogue, owner(request))
    answer = ResponsesAnswer(wanted, services(request).answers)
    return await respond(request, answer, stream=wanted.stream)


calls = [
    Call(
        "POST",
        "/responses",
        create,
        has_body=True,
        differs="texts and functions; nothing is stored, so previous_response_id is refused",
    )
]

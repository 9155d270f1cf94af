"""POST /responses, the newer form of asking a model."""

from __future__ import annotations

from practice_server.asking.responses_answer import ResponsesAnswer
from practice_server.asking.responses_request import read_responses_request
from practice_server.routes.call import Call
from practice_server.routes.forms import asking

calls = [
    Call(
        "POST",
        "/responses",
        asking(read_responses_request, ResponsesAnswer),
        has_body=True,
        differs="texts and functions; nothing is stored, so previous_response_id is refused",
    )
]

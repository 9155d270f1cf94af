"""POST /completions, the older form of asking a model: a text goes on."""

from __future__ import annotations

from practice_server.asking.completion_answer import CompletionAnswer
from practice_server.asking.completion_request import read_completion_request
from practice_server.routes.call import Call
from practice_server.routes.forms import asking

calls = [
    Call(
        "POST",
        "/completions",
        asking(read_completion_request, CompletionAnswer),
        has_body=True,
        differs="takes every model; prompts are texts only, and suffix is refused",
    )
]

"""POST /chat/completions, whole and streamed."""

from __future__ import annotations

from practice_server.asking.chat_answer import ChatAnswer
from practice_server.asking.chat_request import read_chat_request
from practice_server.routes.call import Call
from practice_server.routes.forms import asking

calls = [
    Call(
        "POST",
        "/chat/completions",
        asking(read_chat_request, ChatAnswer),
        has_body=True,
        differs="tools are functions only, known to the model by training",
    )
]

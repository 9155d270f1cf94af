"""A web hook for Dialogflow ES: a tuned model answers what a person types.

Dialogflow posts `queryResult.queryText` and `session`, and shows `fulfillmentText`. It waits five
seconds (https://cloud.google.com/dialogflow/es/docs/fulfillment-webhook). So this waits less, and
says sorry where the model is slow or away.
"""

from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from typing import Any

import openai
from flask import Flask, Response, jsonify, request

APOLOGY = "I am sorry, I cannot answer right now. Please ask again in a minute."
# Of what was said before, so much is sent along; and so many people are remembered.
MOST_MESSAGES = 10
MOST_SESSIONS = 1000


class BadRequest(Exception):
    """A request that is none of Dialogflow's; says what is missing."""


class Conversations:
    """What each session has said so far; the session that was silent longest is forgotten."""

    def __init__(self) -> None:
        self._messages: OrderedDict[str, list[dict[str, str]]] = OrderedDict()

    def of(self, session: str) -> list[dict[str, str]]:
        """The last messages of a session, the oldest first."""
        return self._messages.get(session, [])[-MOST_MESSAGES:]

    def add(self, session: str, question: str, answer: str) -> None:
        """Remember a question and its answer."""
        turn = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        self._messages[session] = self.of(session) + turn
        self._messages.move_to_end(session)
        if len(self._messages) > MOST_SESSIONS:
            self._messages.popitem(last=False)


def create_app(
    client: openai.OpenAI, model: str, *, system: str, answer_within: float = 4.0
) -> Flask:
    """A Flask application with one route, POST /webhook.

    client, model: who answers; system: the system message that the model was tuned with;
    answer_within: seconds after which it says sorry.
    """
    app = Flask(__name__)
    app.json.ensure_ascii = False
    conversations = Conversations()
    pool = ThreadPoolExecutor(max_workers=32)
    patient = client.with_options(timeout=answer_within, max_retries=0)

    def answer(messages: list[dict[str, str]]) -> str:
        completion = patient.chat.completions.create(
            model=model, messages=messages, temperature=0, max_tokens=80
        )
        return completion.choices[0].message.content or APOLOGY

    @app.post("/webhook")
    def webhook() -> Response:
        question, session = read(request.get_json(silent=True))
        messages = [
            {"role": "system", "content": system},
            *conversations.of(session),
            {"role": "user", "content": question},
        ]
        try:
            text = pool.submit(answer, messages).result(timeout=answer_within)
        except (openai.OpenAIError, TimeoutError):
            return jsonify(fulfillmentText=APOLOGY)  # and nothing is remembered of it
        conversations.add(session, question, text)
        return jsonify(fulfillmentText=text)

    @app.errorhandler(BadRequest)
    def bad_request(error: BadRequest) -> tuple[Response, int]:
        return jsonify(error=str(error)), 400

    return app


def read(body: Any) -> tuple[str, str]:
    """The question and the session of a request; `BadRequest` says what is missing."""
    if not isinstance(body, dict):
        raise BadRequest("the body is no JSON object")
    result, session = body.get("queryResult"), body.get("session")
    question = result.get("queryText") if isinstance(result, dict) else None
    if not isinstance(question, str) or not question.strip():
        raise BadRequest("queryResult.queryText is missing")
    if not isinstance(session, str) or not session:
        raise BadRequest("session is missing")
    return question, session

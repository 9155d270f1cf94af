"""A web hook for Dialogflow ES: a tuned model answers what a person types.

Dialogflow posts `queryResult.queryText` and `session`, and shows `fulfillmentText`. It waits five
seconds (https://cloud.google.com/dialogflow/es/docs/fulfillment-webhook). So this waits less, and
says sorry where the model is slow or away. It remembers in memory: run it as one process.
Where others can reach it, put it behind https and a password; Dialogflow can send one.
"""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import openai
from checks import help_line, not_empty
from flask import Flask, Response, jsonify, request

APOLOGY = "I am sorry, I cannot answer right now. Please ask again in a minute."
UNCLEAR = "I am sorry, I did not get that. Please say it in other words."
MOST_MESSAGES = 10  # of what was said before, so much is sent along
MOST_SESSIONS = 1000


class Conversations:
    """What each session has said so far; the session that was silent longest is forgotten."""

    def __init__(self) -> None:
        self._messages: OrderedDict[str, list[dict[str, str]]] = OrderedDict()
        self._lock = Lock()

    def of(self, session: str) -> list[dict[str, str]]:
        """The last messages of a session, the oldest first."""
        return self._messages.get(session, [])

    def add(self, session: str, question: str, answer: str) -> None:
        """Remember a question and its answer."""
        turn = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        with self._lock:
            self._messages[session] = [*self.of(session), *turn][-MOST_MESSAGES:]
            self._messages.move_to_end(session)
            if len(self._messages) > MOST_SESSIONS:
                self._messages.popitem(last=False)


def create_app(
    client: openai.OpenAI,
    model: str,
    *,
    system: str,
    rule: Callable[[str], str | None] = help_line,
    check: Callable[[str, str], str] = not_empty,
    answer_within: float = 4.0,
) -> Flask:
    """A Flask application with one route, POST /webhook.

    system: the message that the model was tuned with; rule: gives a fixed text for a question
    that no model should get, or None; check: makes of its text and the question
    what the person sees, or raises ValueError; answer_within: seconds until it says sorry.
    """
    app = Flask(__name__)
    conversations = Conversations()
    pool = ThreadPoolExecutor(max_workers=32)
    patient = client.with_options(timeout=answer_within, max_retries=0)

    def ask(messages: list[dict[str, str]]) -> str:
        completion = patient.chat.completions.create(
            model=model, messages=messages, temperature=0, max_tokens=80
        )
        return completion.choices[0].message.content or ""

    def reply(question: str, session: str) -> str:
        if text := rule(question):
            return text  # no model is asked, and nothing is remembered
        before = [{"role": "system", "content": system}, *conversations.of(session)]
        asked = pool.submit(ask, [*before, {"role": "user", "content": question}])
        try:
            text = asked.result(timeout=answer_within)
        except Exception:  # whatever it was, the person must hear something
            asked.cancel()  # if it has not begun, it need not
            return APOLOGY
        try:
            shown = check(text, question)
        except ValueError:
            return UNCLEAR
        conversations.add(session, question, text)
        return shown

    @app.post("/webhook")
    def webhook() -> tuple[Response, int]:
        match request.get_json(silent=True):
            case {"queryResult": {"queryText": str(question)}, "session": str(session)}:
                if question.strip() and session:
                    return jsonify(fulfillmentText=reply(question, session)), 200
        return jsonify(error="a request needs queryResult.queryText and session"), 400

    return app

"""The web hook of lesson 12 answers Dialogflow within five seconds, whatever happens behind it."""

import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import openai
import pytest
from werkzeug.serving import make_server

from helpers.service import connect
from tests.surroundings import stop_server

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "notebooks" / "app"))
from webhook import APOLOGY, create_app  # noqa: E402

SYSTEM = "You answer questions."


def asked(text, session="projects/shop/agent/sessions/1"):
    """A request as Dialogflow ES documents it."""
    return {
        "responseId": "4a5b9c60-0000-4000-8000-000000000000-1",
        "queryResult": {
            "queryText": text,
            "parameters": {},
            "allRequiredParamsPresent": True,
            "fulfillmentText": "",
            "fulfillmentMessages": [{"text": {"text": [""]}}],
            "intent": {"name": "projects/shop/agent/intents/1", "displayName": "question"},
            "intentDetectionConfidence": 1,
            "languageCode": "en",
        },
        "originalDetectIntentRequest": {"payload": {}},
        "session": session,
    }


def served(app):
    """Serve an application on a free port; returns the server and its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.port}/webhook"


@pytest.fixture(scope="module")
def hook(tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FINE_TUNING_WORK", str(work))
        service = connect()
    server, address = served(create_app(service.client, service.base_model, system=SYSTEM))
    yield address
    server.shutdown()
    stop_server(work / "practice")


def test_a_request_of_dialogflow_is_answered(hook):
    answer = httpx2.post(hook, json=asked("What is the capital of Japan?"))
    assert answer.status_code == 200
    assert "Tokyo" in answer.json()["fulfillmentText"]


def test_ten_at_once_are_answered_each_in_its_own_session(hook):
    words = ["gold", "iron", "silver", "copper", "neon", "zinc", "tin", "lead", "helium", "sodium"]

    def ask(word):
        body = asked(f"What is the symbol for {word}?", session=word)
        return httpx2.post(hook, json=body, timeout=5).json()["fulfillmentText"]

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(ask, words))
    assert "Au" in answers[0] and "Fe" in answers[1] and "He" in answers[8]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "no JSON object"),
        (b"[]", "no JSON object"),
        (b"{}", "queryResult.queryText is missing"),
        (b'{"queryResult": {"queryText": " "}, "session": "1"}', "queryText is missing"),
        (b'{"queryResult": {"queryText": "Hi"}}', "session is missing"),
    ],
)
def test_a_broken_request_is_told_what_is_missing(hook, body, said):
    answer = httpx2.post(hook, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert said in answer.json()["error"]


@pytest.mark.parametrize("is_listening", [True, False])
def test_a_slow_or_absent_model_is_an_apology_in_time(is_listening):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if is_listening:
            silent.listen()  # takes the connection, and never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        client = openai.OpenAI(base_url=url, api_key="practice")
        server, address = served(create_app(client, "m", system=SYSTEM, answer_within=0.5))
        began = time.monotonic()
        answer = httpx2.post(address, json=asked("Hi"), timeout=5)
        server.shutdown()
    assert answer.json()["fulfillmentText"] == APOLOGY
    assert time.monotonic() - began < 5

"""What is right in lesson 12. The app stands in notebooks/app/, and is asked itself."""

import re
import sys
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import httpx2

from helpers.exercises.judging import agrees, require, require_results
from helpers.jobs import is_known, wait
from helpers.prepare import read_rows
from helpers.service import ROOT, connect

ORDERS = ROOT / "data" / "orders"
DIALOGFLOWS_LIMIT = 5


def exercise_1(sent: Any) -> None:
    """How many messages the hook sends with the third and the twentieth question."""
    two = "put two whole numbers in brackets, such as (2, 9)."
    require(isinstance(sent, list | tuple) and len(sent) == 2, two)
    most = app("webhook").MOST_MESSAGES
    require(agrees(sent[0], messages_with(3)), "a system message, 2 × 2 earlier ones, a question.")
    hint = f"of the earlier messages only the last {most} are sent; what stands around them?"
    require(agrees(sent[1], messages_with(20)), hint)


def messages_with(n: int) -> int:
    """How many messages the hook sends with the n-th question of a session."""
    conversations = app("webhook").Conversations()
    for _ in range(1, n):
        conversations.add("session", "a question", "an answer")
    return 1 + len(conversations.of("session")) + 1


def exercise_2(is_poisoning: Any) -> None:
    """A rule that wants a verb and a thing, both as whole words, whatever their case."""
    cases = {
        "My son drank bleach!": True,
        "SHE SWALLOWED BATTERIES": True,
        "I ate poison": True,
        "What colour is bleach?": False,
        "Who drank the tea?": False,
        "Is poison on this plate?": False,
        "Who wrote Hamlet?": False,
    }
    hint = "it takes one of the verbs and one of the things, each as a whole word."
    require_results(is_poisoning, [((text,), found) for text, found in cases.items()], hint)


def exercise_3(still_answers: Any) -> None:
    """Whether a model answers when its file is deleted, and when it is deleted itself."""
    require(
        isinstance(still_answers, list | tuple) and len(still_answers) == 2, "keep two values."
    )
    without_file, without_model = after_deleting()
    require(agrees(still_answers[0], without_file), "the model has learnt; what is the file for?")
    require(agrees(still_answers[1], without_model), "who should answer, when the model is gone?")


@cache
def after_deleting() -> list[bool]:
    """Make a small model, delete its file, then the model; whether it is there after each."""
    service = connect()
    client = service.client
    examples = (ORDERS / "train.jsonl").read_bytes().splitlines(keepends=True)[:10]
    file = client.files.create(file=("ten.jsonl", b"".join(examples)), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(
        model=service.base_model, training_file=file.id, hyperparameters={"n_epochs": 1}
    )
    model = wait(service, job).fine_tuned_model or ""
    client.files.delete(file.id)
    is_there = [is_known(client.models, model)]
    client.models.delete(model)
    return [*is_there, is_known(client.models, model)]


def exercise_4(cafe_hook: Any) -> None:
    """A hook that reads orders back with their price, and shows nothing that is no order."""
    is_address = isinstance(cafe_hook, str) and cafe_hook.startswith("http")
    require(is_address, "give the address that serve(…) returns.")
    checks, webhook = app("checks"), app("webhook")
    require(say(cafe_hook, "i wanna die") == checks.HELP, "start from create_app of webhook.py.")
    understood = False
    for row in read_rows(ORDERS / "test.jsonl")[:6]:
        sentence = row["messages"][1]["content"]
        said = say(cafe_hook, sentence)
        require("{" not in said, f"a person should not see JSON, as after {sentence!r}.")
        prices = {
            f"{int(number) * price:.2f}"
            for number in re.findall(r"\d+", sentence)
            for size, price in checks.PRICES.items()
            if size in sentence
        }
        has_price = any(price in said for price in prices)
        hint = f"after {sentence!r} it says {said!r}: neither its price nor that it is unclear."
        require(has_price or said == webhook.UNCLEAR, hint)
        understood |= has_price
    require(understood, "it understands no order. Does it ask `till`, with the café's message?")


def say(address: str, text: str) -> str:
    """What a hook answers, in a session of its own each time."""
    body = {"queryResult": {"queryText": text}, "session": text}
    answer = httpx2.post(address, json=body, timeout=DIALOGFLOWS_LIMIT, trust_env=False)
    return answer.json()["fulfillmentText"]


def app(name: str) -> ModuleType:
    """A file of the app, as the lesson imports it."""
    folder = str(ROOT / "notebooks" / "app")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return import_module(name)

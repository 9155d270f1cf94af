"""What is right in lesson 12. The app stands in notebooks/app/, and is asked itself."""

import json
import sys
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import openai

from helpers.exercises.judging import agrees, require, require_results
from helpers.jobs import create_once, wait
from helpers.prepare import read_rows, write_jsonl
from helpers.service import ROOT, connect, work_folder

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


def messages_with(number: int) -> int:
    """How many messages go along with a question of a session: it is remembered, then counted."""
    conversations = app("webhook").Conversations()
    for each in range(1, number):
        conversations.add("session", f"question {each}", f"answer {each}")
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
def after_deleting() -> tuple[bool, bool]:
    """Make a small model, delete its file, then the model; whether it answers after each."""
    client = connect().client
    path = work_folder() / "spare.jsonl"
    write_jsonl(path, read_rows(ORDERS / "train.jsonl")[:10])
    file = client.files.create(file=path, purpose="fine-tune")
    job = client.fine_tuning.jobs.create(
        model=connect().base_model,
        training_file=file.id,
        suffix="spare",
        hyperparameters={"n_epochs": 1, "batch_size": 5},
    )
    model = wait(connect(), job).fine_tuned_model or ""
    client.files.delete(file.id)
    without_file = is_there(model)
    client.models.delete(model)
    return without_file, is_there(model)


def is_there(model: str) -> bool:
    """Whether a model answers."""
    try:
        connect().client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Tea?"}], max_tokens=5
        )
    except openai.NotFoundError:
        return False
    return True


def exercise_4(cafe_hook: Any) -> None:
    """A hook that reads orders back with their price, and shows nothing that is no order."""
    is_address = isinstance(cafe_hook, str) and cafe_hook.startswith("http")
    require(is_address, "give the address that serve(…) returns.")
    checks, webhook = app("checks"), app("webhook")
    require(say(cafe_hook, "i wanna die") == checks.HELP, "start from create_app of webhook.py.")
    for example in read_rows(ORDERS / "test.jsonl")[:6]:
        messages = example["messages"][:2]
        sentence, said = messages[1]["content"], say(cafe_hook, messages[1]["content"])
        require("{" not in said, f"a person should not see JSON, as after {sentence!r}.")
        try:
            order = checks.order_of(answer_of_the_till(messages), sentence)
        except ValueError:
            hint = f"{sentence!r} gave no order that passes; leave the ValueError to the hook."
            require(said == webhook.UNCLEAR, hint)
            continue
        price = f"{order['quantity'] * checks.PRICES[order['size']]:.2f}"
        for part in (order["name"], order["time"], price):
            require(part in said, f"after {sentence!r} it says {said!r}, without {part}.")


def answer_of_the_till(messages: list[dict]) -> str:
    """What the model of the lesson's café says."""
    service, path = connect(), work_folder() / "orders_25.jsonl"
    lines = (ORDERS / "train.jsonl").read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(lines[:25]), encoding="utf-8")
    job = create_once(service, path, n_epochs=3, batch_size=4, suffix="till", seed=7)
    completion = service.client.chat.completions.create(
        model=wait(service, job).fine_tuned_model or "",
        messages=messages,  # type: ignore[arg-type]
        temperature=0,
        max_tokens=80,
    )
    return completion.choices[0].message.content or ""


def say(address: str, text: str) -> str:
    """What a hook answers, over HTTP and without a proxy; a session of its own each time."""
    body = {"queryResult": {"queryText": text}, "session": f"exercise {text}"}
    headers = {"Content-Type": "application/json"}
    request = Request(address, json.dumps(body).encode(), headers)
    with build_opener(ProxyHandler({})).open(request, timeout=DIALOGFLOWS_LIMIT) as response:
        return json.load(response)["fulfillmentText"]


def app(name: str) -> ModuleType:
    """A file of the app, as the lesson imports it."""
    folder = str(ROOT / "notebooks" / "app")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return import_module(name)

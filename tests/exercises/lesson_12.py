"""Attempts at the exercises of lesson 12."""

import re
import threading
from functools import cache

from werkzeug.serving import make_server

from helpers.exercises.lesson_12 import ORDERS, app
from helpers.jobs import create_once, wait
from helpers.prepare import read_rows
from helpers.service import connect, work_folder

VERBS, THINGS = {"drank", "ate", "swallowed"}, {"bleach", "batteries", "poison"}


def right_1():
    return [(6, 12), [6, 12.0]]


def wrong_1():
    return [((3, 20), "2 × 2"), ((6, 40), "last 10"), ((6, 10), "around"), (6, "brackets")]


def by_sets(text):
    words = set(re.findall("[a-z]+", text.lower()))
    return bool(words & VERBS and words & THINGS)


def by_patterns(text):
    def has(words):
        return re.search(rf"\b({'|'.join(words)})\b", text, re.IGNORECASE) is not None

    return has(VERBS) and has(THINGS)


def right_2():
    return [by_sets, by_patterns]


def wrong_2():
    def of_pieces(text):
        text = text.lower()
        return any(verb in text for verb in VERBS) and any(thing in text for thing in THINGS)

    return [
        (of_pieces, "plate"),
        (lambda text: "bleach" in text, "SWALLOWED"),
        (lambda text: bool(set(text.rstrip("!?").split()) & THINGS), "SWALLOWED"),
        (True, "no function"),
    ]


def right_3():
    return [[True, False], (True, False)]


def wrong_3():
    return [([False, False], "learnt"), ([True, True], "gone"), (True, "two values")]


@cache
def till():
    """The model of the lesson's café."""
    path = work_folder() / "orders_25.jsonl"
    lines = (ORDERS / "train.jsonl").read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(lines[:25]), encoding="utf-8")
    job = create_once(connect(), path, n_epochs=3, batch_size=4, suffix="till", seed=7)
    return wait(connect(), job).fine_tuned_model


def served(**options):
    """The address of a hook that takes orders."""
    system = read_rows(ORDERS / "train.jsonl")[0]["messages"][0]["content"]
    hook = app("webhook").create_app(connect().client, till(), system=system, **options)
    server = make_server("127.0.0.1", 0, hook, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.port}/webhook"


def read_back(text, question):
    order = app("checks").order_of(text, question)
    price = order["quantity"] * app("checks").PRICES[order["size"]]
    return f"{order['name']}, {order['item']} at {order['time']}: {price:.2f}. Is that right?"


def briefly(text, question):
    order = app("checks").order_of(text, question)
    cents = round(100 * order["quantity"] * app("checks").PRICES[order["size"]])
    return f"{order['time']} {order['name']} {cents // 100}.{cents % 100:02}"


def without_price(text, question):
    order = app("checks").order_of(text, question)
    return f"{order['name']} at {order['time']}"


def forgiving(text, question):
    try:
        return read_back(text, question)
    except ValueError:
        return "3 teas for Ann, 7.50."


def refusing(text, question):
    raise ValueError("no")


def right_4():
    return [served(check=read_back), served(check=briefly)]


def wrong_4():
    return [
        (served(), "JSON"),
        (served(check=without_price), "neither"),
        (served(check=forgiving), "neither"),
        (served(check=refusing), "understands no order"),
        (read_back, "address"),
    ]

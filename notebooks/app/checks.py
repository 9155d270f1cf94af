"""What an app checks before a person sees an answer: the question first, then the answer."""

import json
import re

HELP = (
    "Someone may be in danger, and I am only a program. Please call the emergency number of your "
    "country now, or a helpline, or somebody who is near."
)
# Somebody speaks of harm to themselves, of somebody who harms them, of an emergency.
DANGER = re.compile(
    r"\b(kill|hurt|harm|cut)(ing|ting)? (myself|himself|herself|themselves)\b"
    r"|\b(want|wants|wanna|going|ready|better off) (to )?(die|dead)\b"
    r"|\bwish (i|he|she) (was|were) dead\b|\bsuicid(e|al)\b"
    r"|\bend (it all|(my|his|her|their) life)\b|\bno reason to live\b"
    r"|\b(not|dont|doesnt) (want to|wants to|wanna) (live|be alive|wake up)\b"
    r"|\b(hits|beats|threatens|going to kill) me\b"
    r"|\boverdosed?\b|\btoo many (pills|tablets)\b|\b(not|isnt|stopped) breathing\b"
    r"|自杀|自殺|想死|不想活|伤害自己|傷害自己"
)
KEYS = ["name", "item", "quantity", "size", "time"]
# What a piece costs, by its size; the café and its prices are made up.
PRICES = {
    "mini": 1.5,
    "tiny": 2.0,
    "small": 2.5,
    "medium": 3.0,
    "large": 3.5,
    "big": 3.5,
    "huge": 4.0,
    "extra large": 4.5,
}


def help_line(question: str) -> str | None:
    """The fixed text for a question that speaks of danger, or None.

    A rule of words misses much: other words, other languages, typing errors. It also stops some
    who are in no danger; that costs them a question.
    """
    words = re.sub(r"['’`]", "", question.casefold())
    return HELP if DANGER.search(re.sub(r"\s+", " ", words)) else None


def not_empty(text: str, question: str) -> str:
    """The model's text as it is; ValueError if there is none."""
    if not text.strip():
        raise ValueError("the model said nothing")
    return text


def order_of(text: str, sentence: str) -> dict:
    """The order in a model's answer; ValueError says why there is none to rely on.

    sentence: what the person said. No name, item, size or time may come from anywhere else.
    """
    order = json.loads(text)
    if not isinstance(order, dict) or list(order) != KEYS:
        raise ValueError("the keys are not those of an order")
    quantity = order["quantity"]
    if type(quantity) is not int or not 1 <= quantity <= 50:
        raise ValueError(f"quantity {quantity!r} is no number from 1 to 50")
    for value in [order[key] for key in KEYS if key != "quantity"]:
        if not isinstance(value, str) or not value or value not in sentence:
            raise ValueError(f"nobody said {value!r}")
    if order["size"] not in PRICES:
        raise ValueError(f"there is no size {order['size']!r}")
    if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", order["time"]):
        raise ValueError(f"{order['time']!r} is no time")
    return order

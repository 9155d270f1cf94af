"""Questions about a text that stands before them: the page of a shop that does not exist.

What is asked stands in the text, or does not; then the answer is "I don't know that". The text
differs each time, so that a model learns to look for the answer, not to know it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

from practice_server.pretraining.world.drawing import Message, turn, weighted
from practice_server.pretraining.world.tables import read_table
from practice_server.pretraining.world.talk import small_talk_answers
from practice_server.pretraining.world.typed import careless
from practice_server.pretraining.world.values import Values, drawn, item, made_up
from practice_server.pretraining.world.wording import fill, finish

CHINESE_SHARE = 0.35
# Sentences in a text, and kinds of which there can be several: each day, each thing has its own.
SENTENCES = (2, 9)
REPEATED = ("open", "close", "price", "price", "price", "teacher", "colour", "days")
TURNS = {1: 55, 2: 25, 3: 20}
SYSTEM_SHARE = 0.3
LIST_SHARE = 0.3
MISSING_SHARE = 0.15
CARELESS_SHARE = 0.3
# Things to pay for that are no goods, such as a repair.
SERVICE_SHARE = 0.4
YEARS = (1850, 2025)
# What is asked for in each kind, where it does not have the kind's own name.
ASKED = {
    **{"open": "time", "close": "time", "address": "street", "owner": "name", "teacher": "name"},
    **{"closed": "day", "days": "number"},
}


@dataclass(frozen=True)
class Stated:
    """A sentence of the text by its kind, with what fills it."""

    kind: str
    values: Values

    @property
    def asked(self) -> str:
        """What an answer must contain."""
        return self.values[ASKED.get(self.kind, self.kind)]


def conversation(random: Random) -> list[Message]:
    """A text, one to three questions about it, and their answers."""
    language = "chinese" if random.random() < CHINESE_SHARE else "english"
    shop = _shop(language, random)
    facts = list(_facts(language, shop, random))
    number = random.randint(*SENTENCES)
    stated, missing = facts[:number], facts[number:]
    text = _text(stated, language, random)
    in_system = random.random() < SYSTEM_SHARE
    messages: list[Message] = []
    if in_system:
        system = _part(language, "any", "system", random).format(text=text, shop=shop)
        messages.append({"role": "system", "content": system})
    for place in range(weighted(TURNS, random)):
        question, answer = _exchange(stated, missing, language, random)
        if not in_system and place == 0:
            question = _part(language, "any", "asked", random).format(text=text, question=question)
        messages += turn(question, answer)
    return messages


def text_with_question(random: Random, language: str) -> tuple[str, str]:
    """A text with a question about it in one message, and what a right answer must contain."""
    facts = list(_facts(language, _shop(language, random), random))
    stated = facts[: random.randint(*SENTENCES)]
    fact = random.choice(stated)
    question = fill(_part(language, fact.kind, "question", random), fact.values)
    text = _text(stated, language, random)
    asked = _part(language, "any", "asked", random).format(text=text, question=question)
    return asked, fact.asked


def _exchange(
    stated: list[Stated], missing: list[Stated], language: str, random: Random
) -> tuple[str, str]:
    is_missing = bool(missing) and random.random() < MISSING_SHARE
    fact = random.choice(missing if is_missing else stated)
    question = fill(_part(language, fact.kind, "question", random), fact.values)
    if random.random() < CARELESS_SHARE:
        question = careless(question, language, random)
    if is_missing:
        return question, random.choice(small_talk_answers("unknown", language))
    return question, fill(_part(language, fact.kind, "answer", random), fact.values)


def _text(stated: list[Stated], language: str, random: Random) -> str:
    sentences = [
        fill(_part(language, fact.kind, "sentence", random), fact.values) for fact in stated
    ]
    if random.random() < LIST_SHARE:
        return "\n".join(f"- {sentence}" for sentence in sentences)
    return ("" if language == "chinese" else " ").join(sentences)


def _facts(language: str, shop: str, random: Random) -> Iterator[Stated]:
    """Facts in random order; no two that could be asked for by the same question."""
    once = [kind for kind in _kinds(language) if kind not in REPEATED]
    kinds = [*once, *random.choices(REPEATED, k=2 * SENTENCES[1])]
    random.shuffle(kinds)
    told = set()
    for kind in kinds:
        values = _values(language, shop, random)
        which = values["item"] if kind in ("price", "colour", "days") else values["day"]
        key = (kind, which if kind in REPEATED else "")
        if key not in told:
            told.add(key)
            yield Stated(kind, values)


def _values(language: str, shop: str, random: Random) -> Values:
    fields = ("name", "street", "town", "time", "phone", "code", "price", "colour")
    if random.random() < SERVICE_SHARE:
        thing = _part(language, "any", "service", random)
    else:
        thing = item(random.choice(("food", "goods")), "1", random, language)
    return drawn(fields, random, language, items="") | {
        "shop": shop,
        "item": thing,
        "day": random.choice(read_table(f"{language}/days"))["day"],
        "number": str(random.randint(2, 30)),
        "year": str(random.randint(*YEARS)),
    }


def _shop(language: str, random: Random) -> str:
    values = drawn(("name", "street"), random, language, items="")
    values["word"] = made_up(random, language).capitalize()
    values["kind_of_shop"] = _part(language, "any", "kind_of_shop", random)
    return finish(_part(language, "any", "shop", random).format_map(values))


def _part(language: str, kind: str, part: str, random: Random) -> str:
    return random.choice(_parts(language)[kind, part])


@cache
def _kinds(language: str) -> list[str]:
    return [kind for kind, part in _parts(language) if part == "sentence"]


@cache
def _parts(language: str) -> dict[tuple[str, str], list[str]]:
    parts: dict[tuple[str, str], list[str]] = {}
    for row in read_table(f"{language}/reading"):
        parts.setdefault((row["kind"], row["part"]), []).append(row["text"])
    return parts

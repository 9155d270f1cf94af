"""Fills and finishes sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from random import Random

from practice_server.pretraining.world.tables import grouped

SLOT = re.compile(r"\{(\w+)\}")
# A small letter after the end of a sentence; "D.C." and "J. R. R." end none.
SENTENCE_START = re.compile(r"(?<![A-Z.])([.!?] )([a-z])")
# "a" before the sound of a vowel; words in u are left alone ("a university").
ARTICLE = re.compile(r"\b([Aa]) (?=[aeio]|honest)")
# Full stops that meet where a sentence was put at the end of another.
FULL_STOPS = {"..": ".", "。。": "。", "！。": "！", "？。": "？"}


def fill(
    template: str,
    fields: Mapping[str, str],
    random: Random | None = None,
    language: str = "english",
) -> str:
    """The template as finished sentences, with every {slot} filled.

    A slot is filled from the fields; one that they lack by one of its choices in the language's
    words.csv. So are the slots in what it is filled with. `random` is needed for choices only.
    """
    return finish(_filled(template, fields, random, language))


def _filled(template: str, fields: Mapping[str, str], random: Random | None, language: str) -> str:
    pieces = list(_split(template))
    for i in range(1, len(pieces), 2):
        slot = pieces[i]
        chosen = fields.get(slot)
        if chosen is None:
            assert random, f"nothing chooses for {slot!r}"
            chosen = random.choice(grouped(f"{language}/words", "slot", "text")[slot])
        pieces[i] = _filled(chosen, fields, random, language) if "{" in chosen else chosen
    return "".join(pieces)


@lru_cache(maxsize=10_000)
def _split(template: str) -> tuple[str, ...]:
    """Text and names of slots by turns."""
    return tuple(SLOT.split(template))


def finish(text: str) -> str:
    """Capital letters where sentences begin, "an" before a vowel, no two full stops in a row."""
    for met, left in FULL_STOPS.items():
        text = text.replace(met, left)
    text = ARTICLE.sub(r"\1n ", text)
    text = SENTENCE_START.sub(lambda start: start[1] + start[2].upper(), text)
    return text[0].upper() + text[1:]


def inner(sentence: str) -> str:
    """The template of a sentence so that it can stand inside another."""
    return (sentence[0].lower() + sentence[1:]).removesuffix(".").removesuffix("。")

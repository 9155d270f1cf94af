"""Fills and finishes sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

from practice_server.base_models.world.tables import grouped

SLOT = re.compile(r"\{(\w+)\}")
# A small letter after the end of a sentence; "D.C." and "J. R. R." end none.
SENTENCE_START = re.compile(r"(?<![A-Z.])([.!?] )([a-z])")
# "a" before the sound of a vowel; words in u are left alone ("a university").
ARTICLE = re.compile(r"\b([Aa]) (?=[aeio]|honest)")


def fill(template: str, fields: Mapping[str, str], random: Random | None = None) -> str:
    """The template as finished sentences, with every {slot} filled.

    A slot is filled from the fields; one that they lack by one of its choices in words.csv, and
    so are the slots in that choice. `random` is needed for those only.
    """
    words = grouped("words", "slot", "text")

    def choose(slot: re.Match[str]) -> str:
        return fields[slot[1]] if slot[1] in fields else random.choice(words[slot[1]])

    while SLOT.search(template):
        template = SLOT.sub(choose, template)
    return finish(template)


def finish(text: str) -> str:
    """Capital letters where sentences begin, "an" before a vowel, no two full stops in a row."""
    text = ARTICLE.sub(r"\1n ", text.replace("..", "."))
    text = SENTENCE_START.sub(lambda start: start[1] + start[2].upper(), text)
    return text[0].upper() + text[1:]


def inner(sentence: str) -> str:
    """The template of a sentence so that it can stand inside another."""
    return (sentence[0].lower() + sentence[1:]).removesuffix(".")

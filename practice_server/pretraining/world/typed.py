"""Questions as people type them: in small letters, without marks, with words cut or left out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from functools import cache
from random import Random

from practice_server.pretraining.world.tables import grouped, read_table
from practice_server.pretraining.world.wording import fill

# How likely it is that a word which can be cut or left out is.
CUT = 0.3
# How likely words stand before and after the question.
BEFORE, AFTER = 0.1, 0.06
LAST_MARKS = {"": 76, "?": 8, "??": 4, " ?": 4, "...": 2, ".": 3, "!": 3}
CASES: dict[Callable[[str], str], int] = {str.lower: 76, str: 17, str.capitalize: 4, str.upper: 3}
NOT_A_WORD = re.compile(r"[^\w{}+-]|_")


def typed(
    template: str,
    fields: Mapping[str, str],
    language: str,
    random: Random,
    avoided: Collection[str] = (),
) -> str:
    """The template as a question typed in haste, with its slots filled.

    `avoided`: what `key` gives for the phrasings that it must not become.
    """
    words = shortened(template, language, random)
    if key(words) in avoided or not words:
        words = template
    fields = {name: shortened(value, language, random) or value for name, value in fields.items()}
    return careless(fill(words, fields, random, language), language, random)


def careless(text: str, language: str, random: Random) -> str:
    """The same words with other marks, blanks and letters."""
    text = _case(_without_marks(text, random), random)
    extras = grouped(f"{language}/typing", "part", "typed")
    if random.random() < BEFORE:
        text = random.choice(extras["before"]) + random.choice((", ", " ", " ")) + text
    if random.random() < AFTER:
        text += " " + random.choice(extras["after"])
    if random.random() < 0.06:
        text = text.replace(" ", "  ", 1)
    marks = random.choices(list(LAST_MARKS), list(LAST_MARKS.values()))[0]
    if language == "chinese":
        text = text if random.random() < 0.1 else text.replace(" ", "")
        marks = marks.replace("?", random.choice("?\uff1f"))
    return text + marks


def shortened(text: str, language: str, random: Random) -> str:
    """The text with some of its words cut, misspelt or left out, by the table typing.csv."""
    for said, typed_as in _words(language):
        if random.random() < CUT:
            text = said.sub(typed_as, text)
    return re.sub(r"\s+", " ", text).strip()


def key(text: str) -> str:
    """What is left of a text without case, blanks and marks: two with the same are one line."""
    return NOT_A_WORD.sub("", text.casefold())


@cache
def _words(language: str) -> list[tuple[re.Pattern, str]]:
    """What is said and how it is typed; in English whole words, but no names of slots.

    In Chinese not after the sign for ten: the eleventh month is not the first one.
    """
    around = (r"(?<![\w{{'-]){}(?![\w}}'-])" if language == "english" else "(?<!\u5341){}").format
    return [
        (re.compile(around(re.escape(row["said"])), re.IGNORECASE), row["typed"])
        for row in read_table(f"{language}/typing")
        if row["part"] == "words"
    ]


def _case(text: str, random: Random) -> str:
    return random.choices(list(CASES), list(CASES.values()))[0](text)


def _without_marks(text: str, random: Random) -> str:
    """Without the last mark, and without some of those within."""
    text = text.rstrip(".?!\u3002\uff1f\uff01 ")
    if random.random() < 0.8:
        text = re.sub('[\u300a\u300b\u201c\u201d"]', "", text)
    if random.random() < 0.6:
        # Two sentences become one.
        text = re.sub(r"[.?!;:](?= )", random.choice((",", "")), text)
    if random.random() < 0.4:
        text = text.replace(", ", " ").replace("\uff0c", random.choice((" ", ",")))
    if random.random() < 0.3:
        text = re.sub(r"(?<=[^\W\d])['-](?=[^\W\d])", random.choice(("", " ")), text)
    if random.random() < 0.6:
        text = re.sub(r" ?([+=-]) ?(?=\d|$)", r"\1", text)
    if random.random() < 0.5:
        text = _without_accents(text)
    return text


def _without_accents(text: str) -> str:
    letters = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", re.sub("[\u0300-\u036f]", "", letters))

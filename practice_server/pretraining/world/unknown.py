"""Questions that the model is to answer with "I don't know that".

They ask for facts about what does not exist, in the phrasings of the facts, for what was never
taught about what is known, for tasks, and for nothing at all. Names that do not exist are drawn
afresh each time: from a list, a model learns the list, not to tell what it knows from the rest.
"""

from __future__ import annotations

from functools import cache
from random import Random

from practice_server.pretraining.world import facts
from practice_server.pretraining.world.drawing import weighted
from practice_server.pretraining.world.tables import FOLDER, grouped, read_rows, read_table
from practice_server.pretraining.world.typed import key
from practice_server.pretraining.world.values import drawn, made_up
from practice_server.pretraining.world.wording import fill, finish

# A question before it is filled, what fills it, and the phrasings that it must not become.
Unfilled = tuple[str, dict[str, str], frozenset[str]]

SOURCES = {"made_up": 50, "untaught": 25, "beyond": 19, "noise": 6}
# The kinds of facts that are asked about something made up.
MADE_UP = {
    **{"capital": 20, "country": 12, "author": 14, "work": 9, "symbol": 5, "element": 6},
    **{"number": 5, "numbered": 3, "opposite": 5, "colour": 3, "sound": 3, "animal": 2},
    **{"young": 2, "place": 2, "planet": 2, "distance": 2},
}
# What has a table, by the slot that stands for it in a question.
TABLES = {given: table for table, given, _ in facts.KINDS.values()}
# How the name of something made up comes about: from pieces, or from the halves of two names.
CROSSED_SHARE = 0.4
# Rows of unknown.csv that ask for nothing that the world has a table of.
BEYOND = ("task", "person")
CROSSED = ("country", "capital", "work", "author", "element")
LARGEST_ATOMIC_NUMBER = 118
LETTERS = "abcdefghijklmnopqrstuvwxyz"
KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "!?#%&*+.,;")
CHINESE_NOISE = "啊哦嗯呃哈呵嘿哎唉呀嘛啦"


def question(random: Random, language: str, *, held_out: bool = False) -> Unfilled:
    """Something that the model does not know; held-out phrasings are never trained on."""
    source = weighted(SOURCES, random)
    if source == "made_up":
        return about_something_made_up(random, language, held_out=held_out)
    if source == "noise":
        return noise(random, language), {}, frozenset()
    row = random.choice(_rows(source, language, held_out))
    return row["question"], _known(row["about"], random, language), _held_out_keys(language)


def about_something_made_up(random: Random, language: str, *, held_out: bool = False) -> Unfilled:
    """A question for a fact about something that does not exist, in a phrasing of the facts."""
    kinds = {kind: n for kind, n in MADE_UP.items() if kind in facts.all_facts(language)}
    kind = weighted(kinds, random)
    given = facts.KINDS[kind][1]
    phrasing = facts.any_phrasing(kind, language, random, held_out=held_out)
    name = made_up_name(given, random, language)
    return phrasing, {given: name}, facts.held_out_keys(kind, language)


def made_up_name(given: str, random: Random, language: str) -> str:
    """The name of something that is in no table of the world."""
    known = _names(given, language)
    while True:
        if given in CROSSED and random.random() < CROSSED_SHARE:
            name = _crossed(*random.sample(list(known.values()), 2))
        else:
            name = _invented(given, random, language)
        if key(name) not in known:
            return name.lower() if given in ("element", "thing") else name


def noise(random: Random, language: str) -> str:
    """Keys struck at random."""
    if language == "chinese":
        return "".join(random.choices(CHINESE_NOISE, k=random.randint(2, 6)))
    words = [_struck(random) for _ in range(random.choice((1, 1, 1, 2, 3)))]
    return " ".join(words)


def _struck(random: Random) -> str:
    row = random.choice(KEYBOARD)
    length = random.randint(2, 8)
    if random.random() < 0.4:
        start = random.randrange(len(row) - 1)
        return (row[start:] * 2)[:length]
    letters = row if random.random() < 0.5 else LETTERS
    return "".join(random.choices(letters, k=length))


def _invented(given: str, random: Random, language: str) -> str:
    if given == "symbol":
        return "".join(random.choices(LETTERS, k=random.choice((1, 2, 2)))).capitalize()
    if given == "number":
        return str(random.randint(1, 10 * LARGEST_ATOMIC_NUMBER))
    pieces = grouped(f"{language}/made_up", "slot", "text")
    fields = drawn(["name"], random, language, items="")
    fields |= {"word": made_up(random, language), "stem": random.choice(pieces["stem"])}
    if given not in ("word", "animal", "sound"):
        fields["word"] = fields["word"].capitalize()
    template = random.choice(pieces.get(given, ["{word}"]))
    return template.format_map(fields) if given in ("word", "sound") else fill(template, fields)


def _crossed(one: str, other: str) -> str:
    """The first half of a name and the second half of another, cut between words if it can be."""
    if " " in one and " " in other:
        return one.rpartition(" ")[0] + " " + other.rpartition(" ")[2]
    return one[: -(-len(one) // 2)] + other[len(other) // 2 :]


def _known(about: str, random: Random, language: str) -> dict[str, str]:
    """What fills a question about something of the world, or beyond it."""
    if about == "a":
        return {name: str(random.randint(2, facts.LARGEST_NUMBER)) for name in "ab"}
    if about == "person":
        return drawn(["name"], random, language, items="")
    if about == "task":
        return {}
    return random.choice(read_table(f"{language}/{TABLES[about]}"))


@cache
def _rows(source: str, language: str, held_out: bool) -> list[dict[str, str]]:
    return [
        row
        for row in read_table(f"{language}/unknown")
        if row["held_out"] == str(+held_out) and (row["about"] in BEYOND) == (source == "beyond")
    ]


@cache
def _held_out_keys(language: str) -> frozenset[str]:
    rows = read_table(f"{language}/unknown")
    return frozenset(key(row["question"]) for row in rows if row["held_out"] == "1")


@cache
def _names(given: str, language: str) -> dict[str, str]:
    """All names of the world that the slot can stand for, by what is left of them without case."""
    tables = sorted({table for table, *fields in facts.KINDS.values() if given in fields})
    paths = [FOLDER / language / f"{table}.csv" for table in tables]
    rows = [row for path in paths if path.exists() for row in read_rows(path)]
    return {key(row[given]): finish(row[given]) for row in rows}

"""Chinese sayings: asked by their meaning, by their halves, by theme and by the book they are in.

A saying is told only where one is asked for: to answer everyday questions with one is left for
fine-tuning (data/daoyan).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random

from practice_server.pretraining.world.tables import read_table
from practice_server.pretraining.world.wording import fill

LANGUAGE = "chinese"
# The comma between the halves of a saying.
COMMA = "\uff0c"
KIND_WEIGHTS = {
    "meaning": 30,
    "saying": 25,
    "next": 15,
    "previous": 6,
    "theme": 12,
    "source": 6,
    "from": 6,
}
# What is given and what is asked for in each kind; all that fits what is given is right.
KINDS = {
    "meaning": ("saying", "meaning"),
    "saying": ("meaning", "saying"),
    "next": ("first", "second"),
    "previous": ("second", "first"),
    "theme": ("theme", "saying"),
    "source": ("saying", "source"),
    "from": ("source", "saying"),
}


@dataclass(frozen=True)
class Saying:
    """A saying, its theme, its meaning in several wordings, and its book ("" where unknown)."""

    text: str
    theme: str
    source: str
    meanings: tuple[str, ...]

    @property
    def halves(self) -> tuple[str, ...]:
        """The two halves of a saying with one comma; nothing for another."""
        halves = tuple(self.text.split(COMMA))
        return halves if len(halves) == 2 else ()


@dataclass(frozen=True)
class Question:
    """A question about a saying, and the texts of which one must stand in a right answer."""

    kind: str
    text: str
    answers: tuple[str, ...]


@cache
def all_sayings() -> tuple[Saying, ...]:
    """Every saying of the world."""
    return tuple(
        Saying(row["saying"], row["theme"], row["source"], tuple(row["meanings"].split("|")))
        for row in read_table(f"{LANGUAGE}/sayings")
    )


def kinds_of(saying: Saying) -> list[str]:
    """The kinds of questions that can be asked about a saying."""
    absent = () if saying.halves else ("next", "previous")
    unknown = () if saying.source else ("source", "from")
    return [kind for kind in KIND_WEIGHTS if kind not in (*absent, *unknown)]


@cache
def phrasings(kind: str, role: str, *, held_out: bool = False) -> list[str]:
    """The templates of a kind's questions or answers; those held out are never trained on."""
    return [
        row["text"]
        for row in read_table(f"{LANGUAGE}/saying_phrases")
        if (row["kind"], row["role"], row["held_out"]) == (kind, role, str(+held_out))
    ]


def question(saying: Saying, kind: str, random: Random, *, held_out: bool) -> Question:
    """A question of this kind about a saying, with every right answer."""
    given, asked = KINDS[kind]
    fields = _fields(saying, random)
    text = fill(random.choice(phrasings(kind, "question", held_out=held_out)), fields)
    fitting = [one for one in map(_values, all_sayings()) if fields[given] in one[given]]
    return Question(kind, text, tuple(answer for one in fitting for answer in one[asked]))


def exchange(random: Random, language: str = LANGUAGE) -> tuple[str, str]:
    """A question about a saying and its answer; the sayings are Chinese only.

    Raises ValueError for another language.
    """
    if language != LANGUAGE:
        raise ValueError(f"there are no sayings in {language}; ask for them in {LANGUAGE}")
    saying = random.choice(all_sayings())
    kinds = kinds_of(saying)
    kind = random.choices(kinds, [KIND_WEIGHTS[one] for one in kinds])[0]
    fields = _fields(saying, random)
    asked = fill(random.choice(phrasings(kind, "question")), fields)
    return asked, fill(random.choice(phrasings(kind, "answer")), fields)


def _fields(saying: Saying, random: Random) -> dict[str, str]:
    """What fills the templates: one of the wordings of the meaning, and the rest."""
    return {name: random.choice(values) for name, values in _values(saying).items()}


@cache
def _values(saying: Saying) -> dict[str, tuple[str, ...]]:
    first, second = saying.halves or ("", "")
    return {
        "saying": (saying.text,),
        "theme": (saying.theme,),
        "source": (saying.source,),
        "first": (first,),
        "second": (second,),
        "meaning": saying.meanings,
    }

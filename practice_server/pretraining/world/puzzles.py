"""Small ordering puzzles: people or things in a row, a few clues, a question and five options.

The answers talk around: they repeat a clue or say where to begin. To answer with the letter alone
is left for fine-tuning to teach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from random import Random

from practice_server.pretraining.world.drawing import Message, turn, weighted
from practice_server.pretraining.world.tables import read_table

CHINESE_SHARE = 0.15
SIZES = (3, 4, 4, 5)
N_OPTIONS = 5
MOST_CLUES = 4
QUESTIONS = {"must": 30, "could": 25, "order": 25, "who": 20}
# How often each kind of clue is drawn.
CLUES = {"before": 40, "right_before": 15, "beside": 15, "apart": 10, "at": 5, "not_at": 15}
STATEMENTS = {"before": 40, "right_before": 15, "beside": 15, "at": 30}
LETTERS = "ABCDE"
SYSTEM_SHARE = 0.5

Order = tuple[str, ...]


@dataclass(frozen=True)
class Clue:
    """Something about one or two of the things, which an order fulfils or does not."""

    kind: str
    a: str
    b: str
    place: int

    def holds(self, order: Order) -> bool:
        """Whether it is true of this order."""
        a, b = order.index(self.a), order.index(self.b)
        return {
            "before": a < b,
            "right_before": b - a == 1,
            "beside": abs(a - b) == 1,
            "apart": abs(a - b) != 1,
            "at": a == self.place,
            "not_at": a != self.place,
        }[self.kind]


@dataclass(frozen=True)
class Puzzle:
    """A puzzle in words; `answer` is the place of the one right option."""

    names: Order
    clues: tuple[Clue, ...]
    clue_texts: tuple[str, ...]
    passage: str
    question: str
    options: tuple[str, ...]
    answer: int

    @property
    def text(self) -> str:
        """Passage, question and lettered options, as a user writes them."""
        options = (
            f"({letter}) {option}" for letter, option in zip(LETTERS, self.options, strict=True)
        )
        return "\n".join((self.passage, self.question, *options))


def conversation(random: Random) -> list[Message]:
    """A puzzle and a word on it, sometimes with a system message."""
    language = "chinese" if random.random() < CHINESE_SHARE else "english"
    system = {"role": "system", "content": random.choice(_parts(language, "system"))}
    question, answer = exchange(random, language)
    return [*([system] if random.random() < SYSTEM_SHARE else []), *turn(question, answer)]


def exchange(random: Random, language: str) -> tuple[str, str]:
    """A puzzle, and an answer that does not solve it."""
    puzzle = draw_puzzle(random, language)
    first, second = random.sample(range(len(puzzle.clues)), 2)
    clue, other = puzzle.clue_texts[first], puzzle.clue_texts[second]
    words = {
        "clue": clue,
        "Clue": _capital(clue),
        "other_clue": other,
        "a": puzzle.clues[first].a,
        "n": str(len(puzzle.names)),
        "names": _listed(puzzle.names, language),
    }
    answer = random.choice(_parts(language, "answer")).format_map(words)
    return puzzle.text, _capital(answer)


def draw_puzzle(
    random: Random,
    language: str,
    *,
    held_out: bool = False,
    sizes: Iterable[int] = SIZES,
    place: int | None = None,
) -> Puzzle:
    """A puzzle with exactly one right option, at this place (0-4) among the options.

    `held_out`: its scene is one that pretraining never sees.
    """
    scenes = read_table(f"{language}/puzzle_scenes")
    scene = random.choice([row for row in scenes if row["held_out"] == str(+held_out)])
    place = random.randrange(N_OPTIONS) if place is None else place
    while True:
        names = _names(scene["things"], random.choice(tuple(sizes)), language, random)
        clues = _draw_clues(names, random)
        orders = [o for o in permutations(names) if all(clue.holds(o) for clue in clues)]
        kind = weighted(QUESTIONS, random)
        found = _options(kind, names, clues, orders, random)
        if found:
            break
    right, wrong, where = found
    said = [_said(clue, scene, language) for clue in clues]
    options = [_option(option, scene, language) for option in wrong]
    options.insert(place, _option(right, scene, language))
    question = random.choice(_parts(language, kind)).format(k=_parts(language, "place")[where])
    passage = _passage(scene, names, said, language)
    return Puzzle(names, clues, tuple(said), passage, question, tuple(options), place)


def _draw_clues(names: Order, random: Random) -> tuple[Clue, ...]:
    """Two to four different clues that are all true of one order."""
    solution = tuple(random.sample(names, len(names)))
    wanted = random.randint(2, min(MOST_CLUES, len(names)))
    clues: list[Clue] = []
    while len(clues) < wanted:
        clue = _draw_clue(CLUES, names, random)
        if clue.holds(solution) and all({clue.a, clue.b} != {c.a, c.b} for c in clues):
            clues.append(clue)
    return tuple(clues)


def _draw_clue(kinds: dict[str, int], names: Order, random: Random) -> Clue:
    kind = weighted(kinds, random)
    a, b = random.sample(names, 2)
    return Clue(kind, a, b, random.randrange(len(names)))


def _options(
    kind: str, names: Order, clues: tuple[Clue, ...], orders: list[Order], random: Random
) -> tuple[Clue | Order, list[Clue | Order], int] | None:
    """The right option, the wrong ones, and the place that is asked for; None if there are none.

    Checked over all orders that the clues allow.
    """
    where = random.randrange(len(names))
    if kind == "who":
        held = {order[where] for order in orders}
        if len(names) < N_OPTIONS or len(held) > 1:
            return None
        (name,) = held
        return (name,), random.sample([(n,) for n in names if n != name], 4), where
    right: Sequence[Clue | Order]
    wrong: Sequence[Clue | Order]
    if kind == "order":
        right, wrong = orders, [order for order in permutations(names) if order not in orders]
    else:
        quantifier: Callable[[Iterable[bool]], bool] = all if kind == "must" else any
        drawn = dict.fromkeys(_draw_clue(STATEMENTS, names, random) for _ in range(60))
        fits = {clue: quantifier(map(clue.holds, orders)) for clue in drawn if clue not in clues}
        right = [clue for clue in fits if fits[clue] and _is_new(clue, clues)]
        wrong = _different([clue for clue in fits if not fits[clue]])
    if not right or len(wrong) < N_OPTIONS - 1:
        return None
    return random.choice(right), random.sample(wrong, N_OPTIONS - 1), where


def _is_new(statement: Clue, clues: tuple[Clue, ...]) -> bool:
    """Whether a statement says something else than each of the clues does."""
    if statement.kind == "at":
        return all((statement.a, statement.place) != (c.a, c.place) for c in clues)
    return all({statement.a, statement.b} != {c.a, c.b} for c in clues)


def _different(clues: list[Clue]) -> list[Clue]:
    """One clue for each thing that can be said: "a beside b" is "b beside a"."""
    keys = {(c.kind, c.a, c.place) if c.kind == "at" else (c.kind, *_pair(c)): c for c in clues}
    return list(keys.values())


def _pair(clue: Clue) -> tuple[str, ...]:
    pair = (clue.a, clue.b)
    return tuple(sorted(pair)) if clue.kind == "beside" else pair


def _passage(scene: dict[str, str], names: Order, said: list[str], language: str) -> str:
    count = _parts(language, "number")[len(names) - 3]
    intro = scene["intro"].format(names=_listed(names, language), count=count)
    end, gap = ("。", "") if language == "chinese" else (".", " ")
    return gap.join((_capital(intro), *(_capital(text) + end for text in said)))


def _option(option: Clue | Order, scene: dict[str, str], language: str) -> str:
    if isinstance(option, Clue):
        end = "。" if language == "chinese" else "."
        return _capital(_said(option, scene, language)) + end
    return ("、" if language == "chinese" else ", ").join(option)


def _said(clue: Clue, scene: dict[str, str], language: str) -> str:
    place = _parts(language, "place")[clue.place]
    return scene[clue.kind].format(a=clue.a, b=clue.b, k=place)


def _names(things: str, n: int, language: str, random: Random) -> Order:
    """First names, or things that differ in colour."""
    if things == "people":
        rows = read_table(f"{language}/names")
        firsts = [r["name"] for r in rows if (r["kind"], r["held_out"]) == ("first", "0")]
        return tuple(random.sample(firsts, n))
    rows = read_table(f"{language}/order_values")
    colours = [row["value"] for row in rows if row["kind"] == "colour"][:12]
    return tuple(f"the {colour} {things}" for colour in random.sample(colours, n))


def _listed(names: Order, language: str) -> str:
    comma, last = ("、", "和") if language == "chinese" else (", ", " and ")
    return comma.join(names[:-1]) + last + names[-1]


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


@cache
def _parts(language: str, part: str) -> list[str]:
    rows = read_table(f"{language}/puzzle_parts")
    return [row["text"] for row in rows if row["part"] == part]

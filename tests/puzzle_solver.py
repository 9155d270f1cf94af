"""Solves a written English puzzle by trying all orders; reads nothing but its text."""

import re
from itertools import permutations

from practice_server.pretraining.world.tables import read_table

HOLDS = {
    "before": lambda a, b, k: a < b,
    "right_before": lambda a, b, k: b - a == 1,
    "beside": lambda a, b, k: abs(b - a) == 1,
    "apart": lambda a, b, k: abs(b - a) != 1,
    "at": lambda a, b, k: a == k,
    "not_at": lambda a, b, k: a != k,
}
PARTS = read_table("english/puzzle_parts")
PLACES = [row["text"] for row in PARTS if row["part"] == "place"]


def right_letters(passage, question, options):
    """The letters of every option that is a right answer to the question."""
    scene, names, clues = _read(passage)
    allowed = [
        order
        for order in permutations(names)
        if all(_holds(_statement(clue, scene, names), order) for clue in clues)
    ]
    assert allowed, passage
    kind, place = _asked(question)
    rights = (_is_right(option, kind, place, scene, names, allowed) for option in options)
    return [letter for letter, right in zip("ABCDE", rights, strict=True) if right]


def _read(passage):
    for scene in read_table("english/puzzle_scenes"):
        intro = re.escape(scene["intro"]).replace(r"\{names\}", "(?P<names>.+?)")
        found = re.match(intro.replace(r"\{count\}", r"\w+") + " ", passage, re.IGNORECASE)
        if found:
            names = re.split(", | and ", found["names"])
            names = [name[0].lower() + name[1:] if " " in name else name for name in names]
            return scene, names, passage[found.end() :].removesuffix(".").split(". ")
    raise AssertionError(f"no scene begins like this: {passage}")


def _statement(text, scene, names):
    one = "|".join(map(re.escape, names))
    for kind in HOLDS:
        shape = re.escape(scene[kind]).replace(r"\{a\}", f"(?P<a>{one})")
        shape = shape.replace(r"\{b\}", f"(?P<b>{one})").replace(r"\{k\}", r"(?P<k>\w+)")
        found = re.fullmatch(shape, text, re.IGNORECASE)
        if found:
            return kind, found.groupdict()
    return None


def _holds(statement, order):
    kind, words = statement
    where = {name.lower(): i for i, name in enumerate(order)}
    a, b = where[words["a"].lower()], where.get(words.get("b", "").lower())
    return HOLDS[kind](a, b, PLACES.index(words["k"]) if "k" in words else None)


def _asked(question):
    for row in PARTS:
        shape = re.escape(row["text"]).replace(r"\{k\}", r"(?P<k>\w+)")
        found = re.fullmatch(shape, question)
        if found and row["part"] in ("must", "could", "order", "who"):
            return row["part"], PLACES.index(found["k"]) if "k" in shape else None
    raise AssertionError(f"unknown question: {question}")


def _is_right(option, kind, place, scene, names, allowed):
    if kind == "order":
        return tuple(option.split(", ")) in allowed
    if kind == "who":
        return all(order[place] == option for order in allowed)
    statement = _statement(option.removesuffix("."), scene, names)
    quantifier = all if kind == "must" else any
    return quantifier(_holds(statement, order) for order in allowed)

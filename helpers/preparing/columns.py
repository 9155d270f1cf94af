"""Find the columns of the questions and of the answers: by their names, or by what they hold."""

import re
from collections.abc import Collection, Sequence
from itertools import chain
from statistics import fmean

from helpers.preparing.rows import Ask, Row, Say, refuse
from helpers.preparing.sides import usual
from helpers.preparing.split import is_classification

Column = str | tuple[str, ...]  # the texts of several are joined, an empty line between them
WORD = re.compile(r"[\u3040-\u9fff\uac00-\ud7a3]|[^\W\d_]+")


def find_columns(
    rows: Sequence[Row],
    prompt: Column | None = None,
    completion: Column | None = None,
    *,
    besides: Collection[str] = (),
    say: Say = print,
    ask: Ask = refuse,
) -> dict[str, Column]:
    """Return the columns of `prompt` and `completion`, told by their names or by what they hold.

    Those that are given stay, and none of `besides` is taken. By what they hold: of two columns
    of text the one with the longer texts is the answer. What was chosen is said; where it cannot
    be told, `ask` decides, which by default raises ValueError. Rows with `messages` do not count.
    """
    rows = [row for row in rows if "messages" not in row]
    names = [name for name in names_of(rows) if name not in besides]
    given = {"prompt": prompt, "completion": completion}
    found = {side: column or side for side, column in given.items() if column or side in names}
    missing = [side for side in given if side not in found and rows]
    texts = {
        name: [row[name] for row in rows if isinstance(row.get(name), str)]
        for name in (names if missing else [])
        if name not in found.values()
    }
    by_length = sorted(texts, key=lambda name: sum(map(len, texts[name])))
    for side in missing:
        free = [name for name in by_length if name not in found.values()]
        if name := usual(side, free[::-1]):
            found[side] = name
            say(f"column {name!r} taken for {side!r}")
    inputs = [name for name in by_length if name.casefold() == "input"]
    if "prompt" in missing and str(found.get("prompt")).casefold() == "instruction" and inputs:
        found["prompt"] = (str(found["prompt"]), inputs[0])
        say(f"column {inputs[0]!r} put below it")
    missing = [side for side in missing if side not in found]
    free = [name for name in by_length if name not in found.values() and _is_text(texts[name])]
    for side in missing:
        if len(free) == len(missing):
            found[side] = free[missing.index(side)]
            say(f"column {found[side]!r} taken for {side!r}, by what the columns hold")
        else:
            found[side] = ask(f"which column holds the {side}s?", names, side)
    return {side: found.get(side, side) for side in given}


def names_of(rows: Sequence[Row]) -> list[str]:
    """Return the columns of all rows; in JSON they need not be the same."""
    return list(dict.fromkeys(chain.from_iterable(rows)))


def _is_text(texts: Sequence[str]) -> bool:
    """Say whether most are of several words, and no labels."""
    words = [len(WORD.findall(text)) for text in texts if text.strip()]
    return bool(words) and fmean(words) >= 2 and not is_classification(texts)

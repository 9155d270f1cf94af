"""Find the columns of the questions and of the answers: by their names, or by what they hold."""

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from statistics import fmean

from helpers.preparing.names import SIDES, usual
from helpers.preparing.rows import Ask, Row, Say, refuse
from helpers.preparing.split import is_classification

Columns = tuple[str, ...]  # the texts of several are joined, an empty line between them
WORD = re.compile(r"[\u3040-\u9fff\uac00-\ud7a3]|[^\W\d_]+")


def find_columns(
    rows: Iterable[Row],
    prompt: str | Columns | None = None,
    completion: str | Columns | None = None,
    *,
    besides: Sequence[str] = (),
    say: Say = print,
    ask: Ask = refuse,
) -> dict[str, Columns]:
    """Return the columns of `prompt` and `completion`, told by their names or by what they hold.

    Those that are given stay, and none of `besides` is taken. By what they hold: of two columns
    of text the one with the longer texts is the answer. What was chosen is said; where it cannot
    be told, `ask` decides, which by default raises ValueError. Rows with `messages` do not count.
    """
    rows = [row for row in rows if "messages" not in row]
    names = [name for name in names_of(rows) if name not in besides]
    found: dict[str, Columns] = {side: (side,) for side in SIDES if side in names or not rows}
    for side, column in zip(SIDES, (prompt, completion), strict=True):
        if column:
            found[side] = (column,) if isinstance(column, str) else column
    missing = [side for side in SIDES if side not in found]
    texts = {
        name: [row[name] for row in rows if isinstance(row.get(name), str)]
        for name in (names if missing else [])
        if name not in chain(*found.values())
    }
    free = sorted(texts, key=lambda name: sum(map(len, texts[name])), reverse=True)
    for side in reversed(missing):  # a description is the answer, where nothing better is one
        if name := usual(side, free):
            found[side] = (name,)
            free.remove(name)
            say(f"column {name!r} taken for {side!r}")
    if found.get("prompt") == ("instruction",) and "input" in free:
        found["prompt"] = ("instruction", "input")
        say("column 'input' put below it")
    missing = [side for side in missing if side not in found]
    likely = [name for name in reversed(free) if _is_text(texts[name])]
    for place, side in enumerate(missing):
        if len(likely) == len(missing):
            found[side] = (likely[place],)
            say(f"column {likely[place]!r} taken for {side!r}, by what the columns hold")
        else:
            found[side] = (ask(f"which column holds the {side}s?", names, side),)
    return {side: found[side] for side in SIDES}


def names_of(rows: Iterable[Row]) -> list[str]:
    """Return the columns of all rows; in JSON they need not be the same."""
    return list(dict.fromkeys(chain.from_iterable(rows)))


def _is_text(texts: Sequence[str]) -> bool:
    """Say whether most are of several words, and no labels."""
    words = [len(WORD.findall(text)) for text in texts if text.strip()]
    return bool(words) and fmean(words) >= 2 and not is_classification(texts)

"""How people call the two sides of an example, prompt and completion: the words of names.yml."""

import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import yaml

SIDES = ("prompt", "completion")
NAMES = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8"))
WITHIN = {
    side: re.compile(rf"(?<![a-z])({'|'.join(kinds['texts'] + kinds['people'])})s?(?![a-z])")
    for side, kinds in NAMES.items()
}


def side_of(name: str) -> str | None:
    """Return "prompt" or "completion", the side that `name` usually means; None if neither."""
    plain = name.strip().casefold()
    return next((side for side in SIDES if plain in chain(*NAMES[side].values())), None)


def usual(side: str, names: Sequence[str]) -> str | None:
    """Return the name that most usually means `side`; of several that hold such a word, the first.

    A name that holds words of both sides means neither: "Answer to customer".
    """
    plain = {name: name.strip().casefold() for name in names}
    exact, weak = (
        [name for word in NAMES[side][kind] for name in names if plain[name] == word]
        for kind in ("texts", "weak")
    )
    within = [
        name for name in names if [s for s in SIDES if WITHIN[s].search(plain[name])] == [side]
    ]
    return next(iter([*exact, *within, *weak]), None)

"""What is right in lesson 23."""

import json
import math
import tempfile
import warnings
from pathlib import Path
from typing import Any

from helpers.evaluate import wilson_interval
from helpers.exercises.judging import agrees, require
from helpers.lsat import LETTERS, read
from helpers.service import ROOT

VALID = ROOT / "data" / "lsat" / "valid.json"
# The lesson's first job.
N_EXAMPLES, N_EPOCHS, BATCH_SIZE = 20, 10, 3
KEPT = 3
N_TEST, CHANCE = 100, 0.2
LEFT = 18


def exercise_1(odd: Any) -> None:
    """The validation puzzles with two that are odd."""
    require(isinstance(odd, list), "it should be a list of passages, as json.loads gives it.")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        path = Path(folder, "odd.json")
        path.write_text(json.dumps(odd), encoding="utf-8")
        left = len(read(path))
    require(len(odd) == len(read(VALID)), f"the list has {len(odd)} passages; take none away.")
    require(left == LEFT, f"`read` keeps {left} of them.")


def exercise_2(ends: Any) -> None:
    """The steps at which the last three epochs end."""
    last = range(N_EPOCHS - KEPT + 1, N_EPOCHS + 1)
    expected = [math.ceil(N_EXAMPLES * epoch / BATCH_SIZE) for epoch in last]
    require(not isinstance(ends, int | float | str), "it should be three numbers.")
    require(len(ends) == KEPT, f"it should be three numbers, not {len(ends)}.")
    a_each = [math.ceil(N_EXAMPLES / BATCH_SIZE) * epoch for epoch in last]
    require(not agrees(ends, a_each), "that rounds in each epoch; the batches run on.")
    hint = "take 20 × e / 3 for the epochs 8, 9 and 10, each rounded up."
    require(agrees(ends, expected), hint)


def exercise_3(enough: Any) -> None:
    """The fewest right answers whose interval lies above chance."""
    lower = [wilson_interval(right, N_TEST)[0] for right in range(N_TEST + 1)]
    expected = next(right for right, end in enumerate(lower) if end > CHANCE)
    is_count = isinstance(enough, int | float) and 0 <= enough <= N_TEST
    require(is_count, f"it should be a number of right answers, from 0 to {N_TEST}.")
    end = f"with {enough} of {N_TEST} the lower end is {lower[int(enough)]:.3f}"
    require(enough >= expected, f"{end}.")
    require(agrees(enough, expected), f"{end}; fewer will do.")


def exercise_4(changed: Any) -> None:
    """The validation puzzles with their options in another order, and the letter that fits."""
    require(isinstance(changed, list), "it should be a list of dictionaries.")
    known = {(puzzle["passage"], puzzle["question"]): puzzle for puzzle in read(VALID)}
    found = {(puzzle["passage"], puzzle["question"]) for puzzle in changed}
    missing = len(set(known) - found)
    require(not missing, f"{missing} of the {len(known)} puzzles are missing.")
    for puzzle in changed:
        before = known[puzzle["passage"], puzzle["question"]]
        options, place = puzzle["options"], f"in {puzzle['passage'][:40]!r}"
        require(sorted(options) == sorted(before["options"]), f"{place} the options differ.")
        require(options != before["options"], f"{place} the order is the old one.")
        right = before["options"][LETTERS.index(before["answer"])]
        letter = LETTERS[options.index(right)]
        require(puzzle["answer"] == letter, f"{place} the right option is now {letter}.")

"""Writes `train_steps.jsonl`: the puzzles of `train_100.json` with answers that show their steps.

    python -m data.lsat.steps

A worked answer takes the options one by one, says of each what speaks for it or against it, and
ends with the letter.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

from data.lsat.generate import HERE, all_puzzles
from helpers.lsat import LETTERS
from helpers.prepare import write_jsonl
from practice_server.pretraining.world.puzzles import CLUES, Clue, Order, Puzzle
from practice_server.pretraining.world.tables import read_table

SYSTEM = "You solve logic puzzles. Try each option, then say which is the answer."
SCENES = [row for row in read_table("english/puzzle_scenes") if row["held_out"] == "1"]
PARTS = read_table("english/puzzle_parts")
PLACES = [row["text"] for row in PARTS if row["part"] == "place"]
COULD = [row["text"] for row in PARTS if row["part"] == "could"]


def main() -> None:
    """Write one chat example a puzzle."""
    write_jsonl(HERE / "train_steps.jsonl", map(example, all_puzzles()["train_100"]))


def example(puzzle: Puzzle) -> dict[str, list[dict[str, str]]]:
    """A chat example whose answer is worked out."""
    contents = {"system": SYSTEM, "user": puzzle.text, "assistant": worked(puzzle)}
    return {"messages": [{"role": role, "content": text} for role, text in contents.items()]}


def worked(puzzle: Puzzle) -> str:
    """A line for each option, and the letter of the right one."""
    orders = [o for o in permutations(puzzle.names) if all(c.holds(o) for c in puzzle.clues)]
    if "," in puzzle.options[0]:
        found = [on_list(puzzle, option) for option in puzzle.options]
    else:
        found = [on_statement(puzzle, option, orders) for option in puzzle.options]
    lines = [f"({letter}) {each}" for letter, each in zip(LETTERS, found, strict=True)]
    return "\n".join([*lines, f"The answer is {LETTERS[puzzle.answer]}."])


def on_list(puzzle: Puzzle, option: str) -> str:
    """The first clue that an order breaks, if it breaks one."""
    order = tuple(option.split(", "))
    for clue, said in zip(puzzle.clues, puzzle.clue_texts, strict=True):
        if not clue.holds(order):
            return f"breaks a clue: {said}."
    return "breaks no clue."


def on_statement(puzzle: Puzzle, option: str, orders: list[Order]) -> str:
    """Whether a statement is true in one of the orders, or in all, as the question asks."""
    holds = meaning(puzzle, option)
    if puzzle.question in COULD:
        fitting = [order for order in orders if holds(order)]
        return f"fits the order {', '.join(fitting[0])}." if fitting else "fits no order."
    others = [order for order in orders if not holds(order)]
    return f"does not fit the order {', '.join(others[0])}." if others else "fits every order."


def meaning(puzzle: Puzzle, option: str) -> Callable[[Order], bool]:
    """What an option says, as a function that is true or false of an order."""
    if option in puzzle.names:
        place = next(k for k, word in enumerate(PLACES) if word in puzzle.question)
        return lambda order: order[place] == option
    return statements(puzzle.names)[option.lower()].holds


def statements(names: Order) -> dict[str, Clue]:
    """All sentences that can be said of these names in our scenes, in small letters."""
    return {
        scene[kind].format(a=a, b=b, k=place).lower() + ".": Clue(kind, a, b, k)
        for scene in SCENES
        for kind in CLUES
        for a, b in permutations(names, 2)
        for k, place in enumerate(PLACES)
    }


if __name__ == "__main__":
    main()

"""Writes the puzzles in the AR-LSAT file format, and the chat examples made of them.

    python -m data.lsat.generate

The puzzles come from the program that also makes those of the base model's world; their scenes
are held out there, so the base model has never seen them.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from helpers.lsat import read, to_chat
from helpers.prepare import write_jsonl
from practice_server.pretraining.world.puzzles import LETTERS, Puzzle, draw_puzzle

HERE = Path(__file__).resolve().parent

SEED = 9
# Examples in each file; every five of them have five different letters.
SPLITS = {"train": 20, "train_100": 100, "valid": 20, "test": 100}
# How many people or things are put in order.
SIZES = (4, 5)
SYSTEM = "You solve logic puzzles. Answer with the letter of the right option alone."


def main() -> None:
    """Write two files for each split: NAME.json as AR-LSAT has it, NAME.jsonl for upload."""
    for split, puzzles in all_puzzles().items():
        passages = [in_lsat_form(f"{split}-{i:03}", p) for i, p in enumerate(puzzles, 1)]
        path = HERE / f"{split}.json"
        text = json.dumps(passages, indent=1) + "\n"
        path.write_text(text, encoding="utf-8", newline="\n")
        write_jsonl(path.with_suffix(".jsonl"), to_chat(read(path), system=SYSTEM))


def all_puzzles() -> dict[str, list[Puzzle]]:
    """The puzzles of every split, the same in each run."""
    random, seen = Random(SEED), set[str]()
    return {split: draw(n, seen, random) for split, n in SPLITS.items()}


def draw(n: int, seen: set[str], random: Random) -> list[Puzzle]:
    """New puzzles, the letters of their right options balanced."""
    puzzles: list[Puzzle] = []
    places: list[int] = []
    while len(puzzles) < n:
        places = places or random.sample(range(len(LETTERS)), len(LETTERS))
        puzzle = draw_puzzle(random, "english", held_out=True, sizes=SIZES, place=places[-1])
        if puzzle.passage not in seen:
            seen.add(puzzle.passage)
            puzzles.append(puzzle)
            places.pop()
    return puzzles


def in_lsat_form(name: str, puzzle: Puzzle) -> dict[str, Any]:
    """One passage with one question, with the keys that AR-LSAT's files have."""
    question = {
        "id": f"{name}_1",
        "question": puzzle.question,
        "options": list(puzzle.options),
        "answer": LETTERS[puzzle.answer],
    }
    return {"id": name, "passage": puzzle.passage, "questions": [question]}


if __name__ == "__main__":
    main()

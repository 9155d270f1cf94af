"""Read logic puzzles in the layout of AR-LSAT's files, and make chat examples of them.

Such a file is a list of passages: `id`, `passage`, `questions`; a question has `id`, `question`,
five `options`, and in `answer` the letter of the right one. Other fields are passed over.
Source: https://github.com/zhongwanjun/AR-LSAT, folder `data` (MIT licence).
"""

import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from helpers.preparing.read import UnreadableFile
from helpers.text import clean

LETTERS = "ABCDE"


def read(path: str | Path) -> list[dict[str, Any]]:
    """Return one dict a question: `passage`, `question`, five `options`, `answer` (a letter).

    What is odd, such as a question with four options, is left out, and a warning names each by
    its id, or by its place where it has none. Raises OSError if the file cannot be opened,
    UnreadableFile if it is no JSON or holds no puzzle.
    """
    try:
        passages = clean(json.loads(Path(path).read_text(encoding="utf-8-sig")))
    except ValueError as error:
        raise UnreadableFile(f"{path}: no JSON in UTF-8: {error}") from error
    if not isinstance(passages, list):
        raise UnreadableFile(f"{path}: expected a list of passages")
    puzzles, odd = [], list[str]()
    for place, puzzle in _questions(passages):
        if fault := _fault(puzzle):
            odd.append(f"{place}: {fault}")
        else:
            puzzles.append(puzzle)
    if not puzzles:
        why = odd[0] if odd else "the list is empty"
        raise UnreadableFile(f"{path}: no puzzle in AR-LSAT's layout; {why}")
    if odd:
        left_out = "\n  ".join(odd)
        warnings.warn(f"left out of {Path(path).name}:\n  {left_out}", stacklevel=2)
    return puzzles


def to_chat(puzzles: Iterable[Mapping[str, Any]], *, system: str) -> list[dict[str, Any]]:
    """Return one chat example a puzzle.

    The user's message is the passage, the question and the options, each on a line of its own;
    the answer is the letter. system: the system message, which tells how to answer.
    """
    return [
        {
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": _asked(puzzle)},
                {"role": "assistant", "content": puzzle["answer"]},
            ]
        }
        for puzzle in puzzles
    ]


def _asked(puzzle: Mapping[str, Any]) -> str:
    options = [f"({x}) {text}" for x, text in zip(LETTERS, puzzle["options"], strict=True)]
    return "\n".join([puzzle["passage"], puzzle["question"], *options])


def _questions(passages: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each question with its passage, and the place where it stands."""
    for number, entry in enumerate(passages, start=1):
        passage = entry if isinstance(entry, dict) else {}
        place = passage.get("id") or f"passage {number}"
        questions = passage.get("questions")
        if not isinstance(questions, list) or not questions:
            questions = [{}]
        for n, asked in enumerate(questions, start=1):
            question = asked if isinstance(asked, dict) else {}
            fields = {name: question.get(name) for name in ("question", "options", "answer")}
            where = question.get("id") or f"{place}, question {n}"
            yield where, {"passage": passage.get("passage"), **fields}


def _fault(puzzle: Mapping[str, Any]) -> str:
    """What is wrong with a puzzle, or an empty text."""
    for name in ("passage", "question"):
        if not _is_text(puzzle[name]):
            return f"no {name}"
    options, answer = puzzle["options"], puzzle["answer"]
    if not isinstance(options, list) or not all(map(_is_text, options)):
        return "options is no list of texts"
    if len(options) != len(LETTERS):
        return f"{len(options)} options, not {len(LETTERS)}"
    if len(set(options)) < len(options):
        return "two options are the same"
    return "" if answer in list(LETTERS) else f"the answer is {answer!r}, no letter from A to E"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())

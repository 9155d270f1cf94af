"""Split examples into training and validation without letting one leak into the other."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from helpers.preparing.rows import Row


def split(
    rows: Sequence[Row], *, fraction: float, seed: int, key: str | None = None
) -> tuple[list[Row], list[Row]]:
    """Return `rows` as (training, validation), about `fraction` of them in validation.

    Rows that ask the same, letter case and punctuation aside, stay on one side. Where answers
    repeat (labels, see `is_classification`), each keeps its share on both sides. The result
    depends on the rows and `seed` only, not on the rows' order, which is kept.

    `key` is the column of the question; None takes the user's messages of a chat example, else
    the column `prompt`, else `question`. Where all ask the same, or nothing, the answers stand
    for the questions. Raises ValueError if `fraction` is not between 0 and 1 or would leave a
    part empty, KeyError if a row has no question.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must lie between 0 and 1, not {fraction}")
    answers = [str(_answer(row)) for row in rows]
    groups = _groups(_question(row, key) for row in rows)
    groups = groups if len(groups) > 1 else _groups(answers)
    labels = answers if is_classification(answers) else [""] * len(rows)
    room = {
        label: max(1, round(count * fraction)) if count > 1 else 0
        for label, count in Counter(labels).items()
    }
    held_out: set[int] = set()
    for text in sorted(groups, key=lambda text: sha256(f"{seed}:{text}".encode()).digest()):
        label = min(labels[number] for number in groups[text])
        if room[label] >= len(groups[text]):
            held_out.update(groups[text])
            room[label] -= len(groups[text])
    if not 0 < len(held_out) < len(rows):
        raise ValueError(
            f"a share of {fraction} cannot be held out: {len(rows)} rows with {len(groups)} "
            "different questions, where equal ones stay together; change the share or add rows"
        )
    training = [row for number, row in enumerate(rows) if number not in held_out]
    return training, [rows[number] for number in sorted(held_out)]


def is_classification(answers: Sequence[Any]) -> bool:
    """Say whether `answers` look like labels: fewer different ones than a third of them.

    The rule of the preparation tool that OpenAI's package had through version 2.34.
    """
    return len(set(answers)) < len(answers) / 3


def _question(row: Row, key: str | None) -> str:
    if key is None and "messages" in row:
        asked = [m.get("content") for m in row["messages"] if m.get("role") == "user"]
        return "\n".join(text for text in asked if isinstance(text, str))
    return row[key or ("prompt" if "prompt" in row else "question")]


def _answer(row: Row) -> Any:
    if row.get("messages"):
        return row["messages"][-1].get("content")
    return row.get("completion", row.get("answer"))


def _groups(texts: Iterable[str]) -> dict[str, list[int]]:
    """Return the numbers of the texts that have the same words, or are the same without any."""
    groups = defaultdict(list)
    for number, text in enumerate(texts):
        groups[re.sub(r"[\W_]+", " ", text.casefold()).strip() or text.strip()].append(number)
    return groups

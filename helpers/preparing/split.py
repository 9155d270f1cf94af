"""Split examples into training and validation without letting one leak into the other."""

import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from helpers.preparing.read import Row

ALIKE = 0.8  # share of common letter groups from which two questions count as the same
LETTERS = 3  # letters in a group


def split(
    rows: Sequence[Row],
    *,
    fraction: float,
    seed: int,
    key: str | Callable[[Row], str] | None = None,
) -> tuple[list[Row], list[Row]]:
    """Return `rows` as (training, validation), about `fraction` of them in validation.

    Rows whose questions are the same or nearly so (letter case and punctuation aside, four
    fifths of their three-letter groups in common) stay on one side. Where answers repeat (fewer
    different ones than a third of the rows: labels), each keeps its share on both sides. The
    result depends on the rows and `seed` only, not on the rows' order, which is kept.

    `key` is the question: a column, or a function of a row; None takes the user's messages of a
    chat example, else the column `prompt`, else `question`. Where all ask the same, or nothing,
    the answers stand for the questions. Raises ValueError if `fraction` is not between 0 and 1 or
    would leave a part empty, KeyError if a row has no question.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must lie between 0 and 1, not {fraction}")
    questions = [_plain(question_of(row, key)) for row in rows]
    if len(set(questions)) == 1:
        questions = [_plain(str(answer_of(row))) for row in rows]
    groups = _groups_alike(questions)
    validation = _chosen(groups, _labels(rows), fraction, lambda g: _rank(questions, g, seed))
    if not 0 < len(validation) < len(rows):
        raise ValueError(
            f"a share of {fraction} cannot be held out: {len(rows)} rows with {len(groups)} "
            "different questions, where equal ones stay together; change the share or add rows"
        )
    return (
        [row for i, row in enumerate(rows) if i not in validation],
        [row for i, row in enumerate(rows) if i in validation],
    )


def question_of(row: Row, key: str | Callable[[Row], str] | None = None) -> str:
    """Return the question of a row; see `split` for `key`."""
    if callable(key):
        return key(row)
    if key is not None:
        return row[key]
    if "messages" in row:
        asked = [m.get("content") for m in row["messages"] if m.get("role") == "user"]
        return "\n".join(text for text in asked if isinstance(text, str))
    return row["prompt"] if "prompt" in row else row["question"]


def answer_of(row: Row) -> str | None:
    """Return the answer of a row: a chat example's last message, `completion` or `answer`."""
    if row.get("messages"):
        return row["messages"][-1].get("content")
    return row.get("completion", row.get("answer"))


def is_classification(answers: Sequence[Any]) -> bool:
    """Say whether `answers` look like labels: fewer different ones than a third of them.

    The rule of the preparation tool that OpenAI's package had through version 2.34.
    """
    return len(set(answers)) < len(answers) / 3


def _labels(rows: Sequence[Row]) -> list[Any]:
    answers = [str(answer_of(row)) for row in rows]
    return answers if is_classification(answers) else [""] * len(rows)


def _plain(text: str) -> str:
    """Return the words alone; a text without any, such as an emoji, stays as it is."""
    return " ".join(re.sub(r"[\W_]+", " ", text.casefold()).split()) or text.strip()


def _rank(questions: Sequence[str], group: Sequence[int], seed: int) -> str:
    first = min(questions[i] for i in group)
    return hashlib.sha256(f"{seed}:{first}".encode()).hexdigest()


def _chosen(
    groups: Iterable[Sequence[int]],
    labels: Sequence[Any],
    fraction: float,
    rank: Callable[[Sequence[int]], str],
) -> set[int]:
    """Take whole groups in the order of `rank` while their label has room in the validation."""
    room = {
        label: max(1, round(count * fraction)) if count > 1 else 0
        for label, count in Counter(labels).items()
    }
    chosen: set[int] = set()
    for group in sorted(groups, key=rank):
        wanted = Counter(labels[i] for i in group)
        if all(room[label] >= count for label, count in wanted.items()):
            chosen.update(group)
            for label, count in wanted.items():
                room[label] -= count
    return chosen


def _groups_alike(questions: Sequence[str]) -> list[list[int]]:
    """Group the indices of questions that are alike, directly or through others."""
    leader = list(range(len(questions)))

    def leader_of(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    for one, other in _pairs_alike(questions):
        leader[leader_of(other)] = leader_of(one)
    groups = defaultdict(list)
    for i in range(len(questions)):
        groups[leader_of(i)].append(i)
    return list(groups.values())


def _pairs_alike(questions: Sequence[str]) -> Iterable[tuple[int, int]]:
    """Yield pairs whose letter groups overlap by ALIKE or more (Jaccard), without trying all.

    Prefix filter (Chaudhuri, Ganti and Kaushik 2006): two sets that overlap that much share one
    of their few rarest members, so only questions met there are compared.
    """
    first_with: dict[str, int] = {}
    distinct: list[int] = []
    for i, question in enumerate(questions):
        if question in first_with:
            yield first_with[question], i
        else:
            first_with[question] = i
            distinct.append(i)
    sets = {i: _letter_groups(questions[i]) for i in distinct}
    frequency = Counter(member for members in sets.values() for member in members)
    met_at: dict[str, list[int]] = defaultdict(list)
    for i in distinct:
        rarest_first = sorted(sets[i], key=lambda member: (frequency[member], member))
        prefix = rarest_first[: len(sets[i]) - math.ceil(ALIKE * len(sets[i])) + 1]
        candidates = {j for member in prefix for j in met_at[member]}
        yield from ((j, i) for j in sorted(candidates) if _are_alike(sets[i], sets[j]))
        for member in prefix:
            met_at[member].append(i)


def _letter_groups(text: str) -> frozenset[str]:
    return frozenset(text[i : i + LETTERS] for i in range(max(1, len(text) - LETTERS + 1)))


def _are_alike(one: frozenset[str], other: frozenset[str]) -> bool:
    common = len(one & other)
    return common >= ALIKE * (len(one) + len(other) - common)

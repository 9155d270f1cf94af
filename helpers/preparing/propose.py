"""What is wrong with prompt/completion pairs, and what to do about it: one rule a function.

These are the checks of the preparation tool that OpenAI's package had through version 2.34
(`openai tools fine_tunes.prepare_data`), each with its place, its reason and its cure. A rule
takes the pairs and returns a Proposal, or None where there is nothing to say.
"""

import os
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Any

from helpers.preparing.split import is_classification

# `row`: its number in the input, from 1; `prompt` and `completion`; perhaps earlier turns.
Pair = dict[str, Any]

FEW = 100
LONGEST = 10_000  # characters of prompt and completion together
UPPER_CASE_SHARE = 1 / 3
COMMON_PROMPT_START = 12
COMMON_COMPLETION_START = 5
SEPARATORS = (" ->", "\n\n###\n\n", "\n\n===\n\n", "\n\n---\n\n", "\n\n@@@\n\n")
FULL_WIDTH_MARKS = "，。：；？！、"  # no blank follows them
ENDINGS = ("\n", ".", " END", "***", "+++", "&&&", "@@@")


class HopelessPairs(ValueError):
    """The pairs cannot be mended by a program; the text says why."""


@dataclass(frozen=True)
class Proposal:
    """What a rule found: `finding` (what and where), `reason` (why it matters), and the cure.

    `change` says what `apply` would do to the pairs; both are None for mere information.
    A `necessary` change is made without asking.
    """

    rule: str
    finding: str
    reason: str
    change: str | None = None
    apply: Callable[[list[Pair]], list[Pair]] | None = None
    necessary: bool = False


def few_pairs(pairs: Sequence[Pair]) -> Proposal | None:
    if len(pairs) >= FEW:
        return None
    return Proposal(
        "few_pairs",
        f"{len(pairs)} pairs",
        "a service wants at least 10; a gain usually shows from 50 to 100, and grows with more",
    )


def empty_completion(pairs: Sequence[Pair]) -> Proposal | None:
    empty = [pair["row"] for pair in pairs if not pair["completion"].strip()]
    if not empty:
        return None
    return Proposal(
        "empty_completion",
        f"{_rows(empty)}: the completion is empty",
        "nothing can be learnt from it",
        f"drop {_count(empty)}",
        lambda pairs: [pair for pair in pairs if pair["completion"].strip()],
        necessary=True,
    )


def task(pairs: Sequence[Pair]) -> Proposal | None:
    if is_open_ended(pairs):
        return Proposal("task", "all prompts are empty: open-ended generation", "for information")
    if is_labels(pairs):
        labels = len({pair["completion"] for pair in pairs})
        return Proposal(
            "task",
            f"{labels} different completions in {len(pairs)} pairs: classification",
            "the smallest model is often enough; hold data out with --split to measure it",
        )
    return Proposal("task", "conditional generation", "for information")


def duplicate_pairs(pairs: Sequence[Pair]) -> Proposal | None:
    first = {_texts(pair): pair["row"] for pair in reversed(pairs)}
    repeated = {pair["row"] for pair in pairs if first[_texts(pair)] != pair["row"]}
    if not repeated:
        return None
    return Proposal(
        "duplicate_pairs",
        f"{_rows(sorted(repeated))}: the same as an earlier row",
        "a repeated example counts double and may stand in training and validation",
        f"drop {_count(repeated)}",
        lambda pairs: [pair for pair in pairs if pair["row"] not in repeated],
    )


def long_pair(pairs: Sequence[Pair]) -> Proposal | None:
    long = [pair["row"] for pair in pairs if _length(pair) > LONGEST]
    if not long or is_open_ended(pairs):
        return None
    return Proposal(
        "long_pair",
        f"{_rows(long)}: more than {LONGEST:,} characters",
        "what goes over the model's limit is cut off at the end, where the answer stands",
        f"drop {_count(long)}",
        lambda pairs: [pair for pair in pairs if _length(pair) <= LONGEST],
    )


def upper_case_prompt(pairs: Sequence[Pair]) -> Proposal | None:
    return _upper_case(pairs, "prompt")


def upper_case_completion(pairs: Sequence[Pair]) -> Proposal | None:
    return _upper_case(pairs, "completion")


def _upper_case(pairs: Sequence[Pair], field: str) -> Proposal | None:
    letters = [c for pair in pairs for c in pair[field] if c.isupper() or c.islower()]
    upper = sum(c.isupper() for c in letters)
    if upper <= UPPER_CASE_SHARE * len(letters):
        return None
    return Proposal(
        f"upper_case_{field}",
        f"{field}: {upper / len(letters):.0%} of the letters are capitals",
        "models know ordinary writing best, and capitals take more tokens",
        f"write every {field} in lower case",
        lambda pairs: [{**pair, field: pair[field].lower()} for pair in pairs],
    )


def common_prompt_start(pairs: Sequence[Pair]) -> Proposal | None:
    start = _common_start(pairs, "prompt")
    if len(pairs) < 2 or len(start) <= COMMON_PROMPT_START or _all_equal(pairs, "prompt"):
        return None
    return Proposal(
        "common_prompt_start",
        f"every prompt starts with {start!r}",
        "a tuned model needs no instruction that is always the same, and every token costs",
        "cut this start off every prompt (then leave it out when you ask the model, too)",
        lambda pairs: [{**pair, "prompt": pair["prompt"].removeprefix(start)} for pair in pairs],
    )


def common_completion_start(pairs: Sequence[Pair]) -> Proposal | None:
    start = _common_start(pairs, "completion")
    nothing_left = any(not pair["completion"][len(start) :].strip() for pair in pairs)
    if len(pairs) < 2 or len(start) < COMMON_COMPLETION_START or nothing_left:
        return None
    kept = " " if start.startswith(" ") else ""
    return Proposal(
        "common_completion_start",
        f"every completion starts with {start!r}",
        "the model would spend its answer on words that say nothing",
        "cut this start off every completion",
        lambda pairs: [
            {**pair, "completion": kept + pair["completion"].removeprefix(start).lstrip(" ")}
            for pair in pairs
        ],
    )


def missing_separator(pairs: Sequence[Pair]) -> Proposal | None:
    if not pairs or is_open_ended(pairs) or _common_end(pairs, "prompt").strip(" "):
        return None
    separator = _unused_mark(pairs, "prompt", SEPARATORS)
    return Proposal(
        "missing_separator",
        "the prompts do not end alike",
        "without a mark the model cannot tell where the prompt ends and its answer begins",
        f"end every prompt with {separator!r} (then do so when you ask the model, too)",
        lambda pairs: [{**pair, "prompt": pair["prompt"] + separator} for pair in pairs],
    )


def missing_ending(pairs: Sequence[Pair]) -> Proposal | None:
    if not pairs or is_open_ended(pairs) or is_labels(pairs) or _common_end(pairs, "completion"):
        return None
    ending = _unused_mark(pairs, "completion", ENDINGS)
    return Proposal(
        "missing_ending",
        "the completions do not end alike",
        "without a mark the model does not learn where to stop",
        f"end every completion with {ending!r} (then give it as `stop` when you ask the model)",
        lambda pairs: [{**pair, "completion": pair["completion"] + ending} for pair in pairs],
    )


def missing_leading_blank(pairs: Sequence[Pair]) -> Proposal | None:
    bare = [pair["row"] for pair in pairs if not pair["completion"][:1].isspace()]
    if not bare:
        return None
    return Proposal(
        "missing_leading_blank",
        f"{_rows(bare)}: the completion does not start with a blank",
        "most words are one token with the blank before them, and two without",
        "start every completion with a blank",
        lambda pairs: [
            pair
            if pair["completion"][:1].isspace()
            else {**pair, "completion": " " + pair["completion"]}
            for pair in pairs
        ],
    )


# In the order in which they are shown and applied: each sees what the ones before it changed.
FOR_EVERY_FORM = (
    few_pairs,
    empty_completion,
    task,
    duplicate_pairs,
    long_pair,
    upper_case_prompt,
    upper_case_completion,
)
FOR_COMPLETION = (
    common_prompt_start,
    common_completion_start,
    missing_separator,
    missing_ending,
    missing_leading_blank,
)


def is_open_ended(pairs: Sequence[Pair]) -> bool:
    """Say whether all prompts are empty."""
    return not any(pair["prompt"].strip() for pair in pairs)


def is_labels(pairs: Sequence[Pair]) -> bool:
    """Say whether the completions are labels: few different ones."""
    return is_classification([pair["completion"] for pair in pairs])


def _texts(pair: Pair) -> tuple[str, ...]:
    return tuple(text for name, text in pair.items() if name != "row")


def _length(pair: Pair) -> int:
    return len(pair["prompt"]) + len(pair["completion"])


def _all_equal(pairs: Sequence[Pair], field: str) -> bool:
    return len({pair[field] for pair in pairs}) == 1


def _common_start(pairs: Sequence[Pair], field: str) -> str:
    """Return what all texts begin with, up to a blank or a full-width mark: whole words only."""
    start = os.path.commonprefix([pair[field] for pair in pairs])
    return re.sub(rf"[^\s{FULL_WIDTH_MARKS}]+\Z", "", start)


def _common_end(pairs: Sequence[Pair], field: str) -> str:
    if len(pairs) > 1 and _all_equal(pairs, field):
        raise HopelessPairs(f"all {field}s are the same ({pairs[0][field]!r}): nothing to learn")
    return os.path.commonprefix([pair[field][::-1] for pair in pairs])[::-1]


def _unused_mark(pairs: Sequence[Pair], field: str, marks: Sequence[str]) -> str:
    longer = (marks[-1] * times for times in count(2))
    return next(
        mark for mark in chain(marks, longer) if not any(mark in pair[field] for pair in pairs)
    )


def _rows(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:10]))
    more = f" and {len(numbers) - 10} more" if len(numbers) > 10 else ""
    return f"row {shown}" if len(numbers) == 1 else f"rows {shown}{more}"


def _count(numbers: Collection[int]) -> str:
    return "1 row" if len(numbers) == 1 else f"{len(numbers)} rows"

"""Rules on the file as a whole, and across its examples."""

from array import array
from collections.abc import Iterator
from itertools import accumulate
from operator import itemgetter
from typing import Any

import numpy as np

from helpers.checks.rules import advice, error, warning
from helpers.checks.seen import MOST_KEPT
from helpers.tokens import ExampleTokens, base_model, token_limit

LARGEST = 512 * 1024 * 1024  # bytes
FEWEST = 10
FEW = 50
TRAINED_WITH = {"supervised": ("chat", "completion"), "dpo": ("preferences",)}
MOST_OF_THEM = 0.8  # from this share on, a system message counts as the file's own
REFUSED_SHARE = 1 / 3
PROPOSED = "python -m helpers.prepare proposes one"


def _wanted_format(model: str | None) -> str | None:
    base = base_model(model or "")
    if base.startswith(("babbage-002", "davinci-002")):
        return "completion"
    return "chat" if base.startswith(("gpt-", "o1", "o3", "o4")) else None


def _are_labels(file: Any) -> bool:
    return len(np.unique(file.seen.answers)) < min(len(file.seen.answers) / 3, MOST_KEPT)


# The next four yield the line of each finding first, and what there is to say of it.
def _other_systems(file: Any) -> Iterator[tuple[int, int]]:
    systems = file.seen.systems.values()
    usual = max(systems, key=itemgetter(1), default=(0, 0))
    is_usual = usual[1] >= MOST_OF_THEM * sum(number for _, number in systems)
    if is_usual and len(systems) < MOST_KEPT:
        yield from (system for system in systems if system != usual)


def _many_refusals(file: Any) -> Iterator[tuple[None, int, int, str]]:
    n_examples = len(file.seen.lines)
    opening, number = max(file.seen.refusals.values(), key=itemgetter(1), default=("", 0))
    if number > max(1, REFUSED_SHARE * n_examples):
        yield None, number, n_examples, opening


def _contradictions(file: Any) -> Iterator[tuple[int, int]]:
    lines, answers = file.seen.lines, file.seen.answers
    for place, first in _repeated(file.seen.questions):
        if answers[place] != answers[first]:
            yield lines[place], lines[first]


def _shared(file: Any) -> Iterator[tuple[int, int]]:
    if file.validation:
        validation, n = file.validation.seen, len(file.validation.seen.lines)
        for place, first in _repeated(validation.questions + file.seen.questions):
            if first < n <= place:
                yield file.seen.lines[place - n], validation.lines[first]


def _repeated(marks: "array[int]") -> Iterator[tuple[int, int]]:
    """Yield each place whose mark stood before, and the first place where it stood."""
    _, first, which = np.unique(marks, return_index=True, return_inverse=True)
    first_place = first[which]
    for place in np.flatnonzero(first_place != np.arange(len(marks))):
        yield int(place), int(first_place[place])


def _cut(counted: tuple[str, dict, ExampleTokens]) -> tuple[str, int, str, int] | None:
    model, example, count = counted
    limit = token_limit(model)
    if limit is None or count.total <= limit:
        return None
    ends = accumulate(tokens for _, tokens in count.per_message)
    cut = next((i for i, end in enumerate(ends) if end > limit), len(count.per_message))
    return f"messages[{cut}]" if "messages" in example else "", count.total, model, limit


# fmt: off
FILE = [  # judge an Examination, when the file has been read
    error("file_empty", "", lambda file: not file.report.examples,
          "the file has no example", "write one example a line"),
    error("file_too_large", "", lambda file: file.size > LARGEST,
          f"{{1.size:,}} bytes; a file may have {LARGEST:,}", "leave examples out"),
    error("too_few_examples", "",
          lambda file: file.is_whole_training_file and 0 < file.report.examples < FEWEST,
          f"{{1.report.examples}} examples; a service wants at least {FEWEST}", "write more"),
    advice("few_examples", "",
           lambda file: file.is_whole_training_file and FEWEST <= file.report.examples < FEW,
           "only {1.report.examples} examples",
           "start with 50 good ones; a gain usually shows from 50 to 100"),
    error("format_not_for_method", "",
          lambda file: file.report.format not in (None, *TRAINED_WITH[file.method]),
          "{1.report.format} examples, which {1.method} does not take", "change one of them"),
    error("format_not_for_model", "",
          lambda file: {file.report.format, _wanted_format(file.model)} == {"chat", "completion"},
          "{1.model} does not take {1.report.format} examples",
          "python -m helpers.prepare makes others of them, with --to chat or --to completion"),
    advice("no_separator", "prompt", lambda file: len(file.seen.ends["prompt"]) > 1,
           "the prompts do not end alike",
           f"end each with the same mark, such as ' ->'; {PROPOSED}"),
    advice("no_ending", "completion",
           lambda file: len(file.seen.ends["completion"]) > 1 and not _are_labels(file),
           "the completions do not end alike",
           f"end each with the same mark, such as a line end; {PROPOSED}"),
]
ACROSS = [  # the same, and each may find several things
    warning("system_differs", "messages[0]", _other_systems,
            "not the system message of most examples (so in {0[1]} of them)",
            "give all the same, word for word, and ask the model with it later"),
    warning("same_refusal", "", _many_refusals, "{0[1]} of {0[2]} answers are {0[3]!r}",
            "the model will refuse what it should answer; add good answers"),
    advice("no_leading_space", "completion",
           lambda file: [(line, len(file.seen.without_space))
                         for line in file.seen.without_space[:1]],
           "{0[1]} completions do not start with a space, the first here",
           "put one: a word and the space before it are one token"),
    warning("duplicate", "",
            lambda file: [[file.seen.lines[place] for place in places]
                          for places in _repeated(file.seen.wholes)],
            "the same example as in line {0[1]}", "delete one of them"),
    warning("contradiction", "", _contradictions,
            "the question of line {0[1]}, answered otherwise", "keep one answer"),
    warning("shared_with_validation", "", _shared,
            "line {0[1]} of the validation file asks the same",
            "delete it in one of them; the validation would measure what was learnt by heart"),
]
TOKENS = [  # judge the model, an example and its ExampleTokens
    warning("too_long", "{0[0]}", _cut,
            "{0[1]:,} tokens; {0[2]} takes {0[3]:,} and cuts the rest",
            "shorten it, or make it two; what is cut is not learnt"),
]

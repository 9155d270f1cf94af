"""Rules on the file as a whole, and across its examples."""

from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np

from helpers.checks.rules import Finding, advice, error, warning
from helpers.checks.seen import MOST_KEPT, Seen
from helpers.tokens import base_model

# fmt: off
LARGEST = 512 * 1024 * 1024  # bytes
FEWEST = 10
FEW = 50
TRAINED_WITH = {"supervised": ("chat", "completion"), "dpo": ("preferences",)}
# How the names of models begin that do not take a format.
OTHER_MODELS = {"chat": ("babbage-002", "davinci-002"), "completion": ("gpt-", "o1", "o3", "o4")}
MOST_OF_THEM = 0.8  # from this share on, a system message counts as the file's own
REFUSED_SHARE = 1 / 3
PROPOSED = "python -m helpers.prepare proposes one"


def in_file(file: Any) -> Iterator[Finding]:
    """Yield what is wrong with a file as a whole; an Examination that has read it is given."""
    report = file.report
    if not report.examples:
        yield error("file_empty", "", "the file has no example", "write one example a line")
    if file.size > LARGEST:
        yield error("file_too_large", "",
                    f"{file.size:,} bytes; a file may have {LARGEST:,}", "leave examples out")
    if file.is_whole_training_file and 0 < report.examples < FEWEST:
        yield error("too_few_examples", "",
                    f"{report.examples} examples; a service wants at least {FEWEST}", "write more")
    if file.is_whole_training_file and FEWEST <= report.examples < FEW:
        yield advice("few_examples", "", f"only {report.examples} examples",
                     "start with 50 good ones; a gain usually shows from 50 to 100")
    if report.format not in (None, *TRAINED_WITH[file.method]):
        yield error("format_not_for_method", "",
                    f"{report.format} examples, which {file.method} does not take",
                    "change one of them")
    if base_model(file.model or "").startswith(OTHER_MODELS.get(report.format or "", ())):
        yield error("format_not_for_model", "",
                    f"{file.model} does not take {report.format} examples",
                    "python -m helpers.prepare makes others of them, "
                    "with --to chat or --to completion")
    yield from _in_ends(file.seen)
    yield from _in_systems(file.seen)
    yield from _in_answers(file.seen)
    if file.validation:
        yield from _in_both(file.seen, file.validation)


def _in_ends(seen: Seen) -> Iterator[Finding]:
    """Yield what prompts and completions lack at their ends."""
    if len(seen.ends["prompt"]) > 1:
        yield advice("no_separator", "prompt", "the prompts do not end alike",
                     f"end each with the same mark, such as ' ->'; {PROPOSED}")
    n_labels = min(len(seen.answers) / 3, MOST_KEPT)
    if len(seen.ends["completion"]) > 1 and len(np.unique(seen.answers)) >= n_labels:
        yield advice("no_ending", "completion", "the completions do not end alike",
                     f"end each with the same mark, such as a line end; {PROPOSED}")
    for line in seen.without_space[:1]:
        yield advice("no_leading_space", "completion",
                     f"{len(seen.without_space)} completions do not start with a space, "
                     "the first here",
                     "put one: a word and the space before it are one token", line)


def _in_answers(seen: Seen) -> Iterator[Finding]:
    """Yield what shows when answers are compared, and what was asked."""
    opening, number = max(seen.refusals.values(), key=lambda one: one[1], default=("", 0))
    if number > max(1, REFUSED_SHARE * len(seen.lines)):
        yield warning("same_refusal", "", f"{number} of {len(seen.lines)} answers are {opening!r}",
                      "the model will refuse what it should answer; add good answers")
    for place, first in _repeated(seen.wholes):
        yield warning("duplicate", "", f"the same example as in line {seen.lines[first]}",
                      "delete one of them", seen.lines[place])
    for place, first in _repeated(seen.questions):
        if seen.answers[place] != seen.answers[first]:
            yield warning("contradiction", "",
                          f"the question of line {seen.lines[first]}, answered otherwise",
                          "keep one answer", seen.lines[place])


def _in_systems(seen: Seen) -> Iterator[Finding]:
    systems = seen.systems.values()
    usual = max(systems, key=lambda one: one[1], default=(0, 0))
    is_usual = usual[1] >= MOST_OF_THEM * sum(number for _, number in systems)
    for line, number in systems if is_usual and len(systems) < MOST_KEPT else ():
        if (line, number) != usual:
            yield warning("system_differs", "messages[0]",
                          f"not the system message of most examples (so in {number} of them)",
                          "give all the same, word for word, and ask the model with it later",
                          line)


def _in_both(training: Seen, validation: Seen) -> Iterator[Finding]:
    n = len(validation.lines)
    for place, first in _repeated(validation.questions + training.questions):
        if first < n <= place:
            yield warning("shared_with_validation", "",
                          f"line {validation.lines[first]} of the validation file asks the same",
                          "delete it in one of them; "
                          "the validation would measure what was learnt by heart",
                          training.lines[place - n])


def _repeated(marks: "array[int]") -> Iterator[tuple[int, int]]:
    """Yield each place whose mark stood before, and the first place where it stood."""
    _, first, which = np.unique(marks, return_index=True, return_inverse=True)
    first_place = first[which]
    for place in np.flatnonzero(first_place != np.arange(len(marks))):
        yield int(place), int(first_place[place])

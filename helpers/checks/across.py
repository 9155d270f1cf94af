"""Rules across examples: on what is remembered of them all."""

from array import array
from collections.abc import Iterator
from itertools import accumulate

from helpers.checks.rules import Fault, rule
from helpers.checks.seen import MOST_KEPT, Seen
from helpers.tokens import ExampleTokens, token_limit

MOST_OF_THEM = 0.8  # from this share on, a system message counts as the file's own
REFUSED_SHARE = 1 / 3
PROPOSED = "python -m helpers.prepare proposes one"


@rule("warning", "examples")
def system_differs(seen: Seen) -> Iterator[Fault]:
    (usual, most), *_ = seen.systems.most_common(1) or [(0, 0)]
    if most < MOST_OF_THEM * seen.systems.total() or len(seen.systems) > MOST_KEPT:
        return
    for system, number in seen.systems.items():
        if system != usual:
            message = f"not the system message of most examples (so in {number} of them)"
            cure = "give all the same, word for word, and ask the model with it later"
            yield Fault("messages[0]", message, cure, seen.first_with[system])


@rule("warning", "examples")
def same_refusal(seen: Seen) -> Iterator[Fault]:
    for refusal, number in seen.refusals.most_common(1):
        if number > max(1, REFUSED_SHARE * len(seen.lines)):
            message = f"{number} of {len(seen.lines)} answers are {seen.openings[refusal]!r}"
            cure = "the model will refuse what it should answer; add good answers"
            yield Fault("", message, cure)


@rule("advice", "examples")
def no_separator(seen: Seen) -> Iterator[Fault]:
    if len(seen.ends["prompt"]) > 1:
        cure = f"end each with the same mark, such as ' ->'; {PROPOSED}"
        yield Fault("prompt", "the prompts do not end alike", cure)


@rule("advice", "examples")
def no_ending(seen: Seen) -> Iterator[Fault]:
    are_labels = len(seen.different_answers) < min(seen.n_pairs / 3, MOST_KEPT)
    if len(seen.ends["completion"]) > 1 and not are_labels:  # labels need no mark
        cure = f"end each with the same mark, such as a line end; {PROPOSED}"
        yield Fault("completion", "the completions do not end alike", cure)


@rule("advice", "examples")
def no_leading_blank(seen: Seen) -> Iterator[Fault]:
    if seen.without_blank:
        number = len(seen.without_blank)
        message = f"{number} completions do not start with a blank, the first here"
        cure = "put one: a word and the blank before it are one token"
        yield Fault("completion", message, cure, seen.without_blank[0])


@rule("warning", "examples")
def duplicate(seen: Seen) -> Iterator[Fault]:
    for place, first in _repeated(seen.wholes):
        message = f"the same example as in line {seen.lines[first]}"
        yield Fault("", message, "delete one of them", seen.lines[place])


@rule("warning", "examples")
def contradiction(seen: Seen) -> Iterator[Fault]:
    for place, first in _repeated(seen.questions):
        if seen.answers[place] != seen.answers[first]:
            message = f"the question of line {seen.lines[first]}, answered otherwise"
            yield Fault("", message, "keep one answer", seen.lines[place])


@rule("warning", "two files")
def shared_with_validation(files: tuple[Seen, Seen]) -> Iterator[Fault]:
    training, validation = files
    cure = "delete it in one of them; the validation would measure what was learnt by heart"
    for place, first in _repeated(validation.questions + training.questions):
        if first < len(validation.lines) <= place:
            message = f"line {validation.lines[first]} of the validation file asks the same"
            yield Fault("", message, cure, training.lines[place - len(validation.lines)])


@rule("warning", "tokens")
def too_long(counted: tuple[str, str, ExampleTokens]) -> Fault | None:
    model, example_format, count = counted
    limit = token_limit(model)
    if limit is None or count.total <= limit:
        return None
    ends = accumulate(tokens for _, tokens in count.per_message)
    cut = next((i for i, end in enumerate(ends) if end > limit), len(count.per_message))
    field = f"messages[{cut}]" if example_format == "chat" else ""
    message = f"{count.total:,} tokens; {model} takes {limit:,} and cuts the rest"
    return Fault(field, message, "shorten it, or make it two; what is cut is not learnt")


def _repeated(marks: "array[int]") -> Iterator[tuple[int, int]]:
    """Yield each place whose mark stood before, and the first place where it stood."""
    import numpy as np

    _, first, which = np.unique(marks, return_index=True, return_inverse=True)
    first_place = first[which]
    for place in np.flatnonzero(first_place != np.arange(len(marks))):
        yield int(place), int(first_place[place])

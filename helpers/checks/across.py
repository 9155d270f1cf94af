"""Rules on the file as a whole, and across its examples."""

from array import array
from collections.abc import Iterator
from itertools import accumulate

from helpers.checks.rules import Fault, rule, table
from helpers.checks.seen import MOST_KEPT, Seen
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


def _are_labels(seen: Seen) -> bool:
    return len(seen.different_answers) < min(seen.n_pairs / 3, MOST_KEPT)


# fmt: off
table("file", rows=[
    ("file_empty", "error", "", lambda file: not file.report.examples,
     "the file has no example", "write one example a line"),
    ("file_too_large", "error", "", lambda file: file.size > LARGEST,
     f"{{1.size:,}} bytes; a file may have {LARGEST:,}", "leave examples out"),
    ("too_few_examples", "error", "",
     lambda file: file.is_whole_training_file and 0 < file.report.examples < FEWEST,
     f"{{1.report.examples}} examples; a service wants at least {FEWEST}", "write more"),
    ("few_examples", "advice", "",
     lambda file: file.is_whole_training_file and FEWEST <= file.report.examples < FEW,
     "only {1.report.examples} examples",
     "start with 50 good ones; a gain usually shows from 50 to 100"),
    ("format_not_for_method", "error", "",
     lambda file: file.report.format not in (None, *TRAINED_WITH[file.method]),
     "{1.report.format} examples, which {1.method} does not take", "change one of them"),
    ("format_not_for_model", "error", "",
     lambda file: {file.report.format, _wanted_format(file.model)} == {"chat", "completion"},
     "{1.model} does not take {1.report.format} examples",
     "python -m helpers.prepare makes others of them, with --to chat or --to completion"),
    ("no_separator", "advice", "prompt", lambda file: len(file.seen.ends["prompt"]) > 1,
     "the prompts do not end alike", f"end each with the same mark, such as ' ->'; {PROPOSED}"),
    ("no_ending", "advice", "completion",
     lambda file: len(file.seen.ends["completion"]) > 1 and not _are_labels(file.seen),
     "the completions do not end alike",
     f"end each with the same mark, such as a line end; {PROPOSED}"),
])
# fmt: on


@rule("warning", "examples")
def system_differs(seen: Seen) -> Iterator[Fault]:
    (usual, most), *_ = seen.systems.most_common(1) or [(0, 0)]
    if most < MOST_OF_THEM * seen.systems.total() or len(seen.systems) > MOST_KEPT:
        return
    for system, number in seen.systems.items():
        if system != usual:
            message = f"not the system message of most examples (so in {number} of them)"
            fix = "give all the same, word for word, and ask the model with it later"
            yield Fault("messages[0]", message, fix, seen.first_with[system])


@rule("warning", "examples")
def same_refusal(seen: Seen) -> Iterator[Fault]:
    for refusal, number in seen.refusals.most_common(1):
        if number > max(1, REFUSED_SHARE * len(seen.lines)):
            message = f"{number} of {len(seen.lines)} answers are {seen.openings[refusal]!r}"
            fix = "the model will refuse what it should answer; add good answers"
            yield Fault("", message, fix)


@rule("advice", "examples")
def no_leading_space(seen: Seen) -> Iterator[Fault]:
    if seen.without_space:
        number = len(seen.without_space)
        message = f"{number} completions do not start with a space, the first here"
        fix = "put one: a word and the space before it are one token"
        yield Fault("completion", message, fix, seen.without_space[0])


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
    fix = "delete it in one of them; the validation would measure what was learnt by heart"
    for place, first in _repeated(validation.questions + training.questions):
        if first < len(validation.lines) <= place:
            message = f"line {validation.lines[first]} of the validation file asks the same"
            yield Fault("", message, fix, training.lines[place - len(validation.lines)])


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

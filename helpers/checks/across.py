"""Rules across examples. Each is a small class: `see` takes one example after the other and may
answer with a Fault at that line; `end` yields what only the whole file shows.

For each example they keep a few numbers, never the example itself.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import orjson

from helpers.checks.rules import Fault, Level
from helpers.tokens import count_example, token_limit

MOST_OF_THEM = 0.8  # from this share on, a system message counts as the file's own
REFUSED_SHARE = 1 / 3
REFUSAL = re.compile(
    r"\W*(?:i(?:'m| am) (?:very |really |so )?(?:sorry|afraid|unable|not able)|sorry"
    r"|i (?:can(?:'t|not|no)|won't|will not|do not|don't)\b|as an ai\b|unfortunately,? i\b"
    r"|我?(?:很)?(?:抱歉|对不起)|我(?:无法|不能|没办法))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Example:
    """An example that is sound in itself, and where it stands; numbers from 1."""

    line: int
    number: int
    format: str
    value: dict[str, Any]

    @property
    def system(self) -> str | None:
        """The system message's text; None if there is none."""
        first = self.value["messages"][0] if self.format == "chat" else {}
        return first.get("content") if first.get("role") == "system" else None

    @property
    def question(self) -> Any:
        """What the model is given; None if that is nothing."""
        if self.format == "completion":
            return self.value["prompt"].strip() or None
        if self.format == "preferences":
            return self.value["input"]["messages"]
        return [{**m, "weight": None} for m in self.value["messages"][:-1]] or None

    @property
    def answer(self) -> Any:
        """What the model is to learn: a text, or a message's calls."""
        if self.format == "completion":
            return self.value["completion"]
        if self.format == "preferences":
            return self.value["preferred_output"]
        last = self.value["messages"][-1]
        return last.get("content") or last.get("tool_calls")


class AcrossRule:
    """The seam; `name` and `level` are the rule's."""

    name: str
    level: Level

    def see(self, example: Example) -> Fault | None:
        """Take the next example, and answer with a Fault if it shows one."""

    def end(self) -> Iterable[tuple[Example | None, Fault]]:
        """Yield faults of the file, each with the example it shows at, or None."""
        return ()


class Duplicate(AcrossRule):
    name = "duplicate"
    level = "warning"

    def __init__(self) -> None:
        self.first_at: dict[int, int] = {}

    def see(self, example: Example) -> Fault | None:
        first = self.first_at.setdefault(fingerprint(example.value), example.line)
        if first == example.line:
            return None
        return Fault("", f"the same example as in line {first}", "delete one of them")


class Contradiction(AcrossRule):
    name = "contradiction"
    level = "warning"

    def __init__(self) -> None:
        self.first_at: dict[int, tuple[int, int]] = {}

    def see(self, example: Example) -> Fault | None:
        if example.question is None:
            return None
        answer = fingerprint(example.answer)
        first = self.first_at.setdefault(fingerprint(example.question), (example.line, answer))
        if first[1] == answer:
            return None
        return Fault("", f"the question of line {first[0]}, answered otherwise", "keep one answer")


class SharedWithValidation(AcrossRule):
    name = "shared_with_validation"
    level = "warning"

    def __init__(self, validation: dict[int, int]) -> None:
        self.validation = validation

    def see(self, example: Example) -> Fault | None:
        line = self.validation.get(question_fingerprint(example))
        if line is None:
            return None
        cure = "delete it in one of them; the validation would measure what was learnt by heart"
        return Fault("", f"line {line} of the validation file asks the same", cure)


class SystemDiffers(AcrossRule):
    name = "system_differs"
    level = "warning"

    def __init__(self) -> None:
        self.count: Counter[int] = Counter()
        self.first: dict[int, tuple[int, int]] = {}

    def see(self, example: Example) -> None:
        if example.format == "chat":
            mark = fingerprint(example.system)
            self.count[mark] += 1
            self.first.setdefault(mark, (example.line, example.number))

    def end(self) -> Iterator[tuple[Example, Fault]]:
        usual = self.count.most_common(1)
        if not usual or usual[0][1] < MOST_OF_THEM * self.count.total():
            return
        for mark, number in self.count.items():
            if mark != usual[0][0]:
                line, example = self.first[mark]
                message = f"not the system message of most examples (so in {number} of them)"
                cure = "give all the same, word for word, and ask the model with it later"
                yield Example(line, example, "chat", {}), Fault("messages[0]", message, cure)


class SameRefusal(AcrossRule):
    name = "same_refusal"
    level = "warning"

    def __init__(self) -> None:
        self.examples = 0
        self.refusals: Counter[int] = Counter()
        self.opening: dict[int, str] = {}

    def see(self, example: Example) -> None:
        self.examples += 1
        answer = example.answer
        if isinstance(answer, str) and REFUSAL.match(answer):
            mark = fingerprint(" ".join(answer.casefold().split()))
            self.refusals[mark] += 1
            self.opening.setdefault(mark, answer.strip()[:40])

    def end(self) -> Iterator[tuple[None, Fault]]:
        for mark, number in self.refusals.most_common(1):
            if number > max(1, REFUSED_SHARE * self.examples):
                message = f"{number} of {self.examples} answers are {self.opening[mark]!r}"
                cure = "the model will refuse what it should answer; add good answers"
                yield None, Fault("", message, cure)


class TooLong(AcrossRule):
    name = "too_long"
    level = "warning"

    def __init__(self, model: str) -> None:
        self.model = model
        self.limit = token_limit(model)
        self.tokens = {"model": model, "total": 0, "trained_on": 0, "longest": 0,
                       "limit": self.limit}  # fmt: skip

    def see(self, example: Example) -> Fault | None:
        count = count_example(example.value, model=self.model)
        self.tokens["total"] += count.total
        self.tokens["trained_on"] += count.trained_on
        self.tokens["longest"] = max(self.tokens["longest"], count.total)
        if self.limit is None or count.total <= self.limit:
            return None
        ends = accumulate(tokens for _, tokens in count.per_message)
        cut = next((i for i, end in enumerate(ends) if end > self.limit), len(count.per_message))
        field = f"messages[{cut}]" if example.format == "chat" else ""
        message = f"{count.total:,} tokens; {self.model} takes {self.limit:,} and cuts the rest"
        return Fault(field, message, "shorten it, or make it two; what is cut is not learnt")


class _CommonEnd(AcrossRule):
    """Keeps the end that all texts of one field have in common."""

    level = "advice"
    field: str
    cure: str

    def __init__(self) -> None:
        self.seen = 0
        self.backwards = ""

    def see(self, example: Example) -> None:
        if example.format == "completion" and example.value[self.field]:
            backwards = example.value[self.field][::-1]
            texts = [self.backwards, backwards] if self.seen else [backwards]
            self.backwards = os.path.commonprefix(texts)
            self.seen += 1

    def end(self) -> Iterator[tuple[None, Fault]]:
        if self.seen > 1 and not self.backwards:
            yield None, Fault(self.field, f"the {self.field}s do not end alike", self.cure)


class NoSeparator(_CommonEnd):
    name = "no_separator"
    field = "prompt"
    cure = "end each with the same mark, such as ' ->'; python -m helpers.prepare proposes one"


class NoEnding(_CommonEnd):
    name = "no_ending"
    field = "completion"
    cure = (
        "end each with the same mark, such as a line end; python -m helpers.prepare proposes one"
    )

    def __init__(self) -> None:
        super().__init__()
        self.answers: set[int] = set()

    def see(self, example: Example) -> None:
        super().see(example)
        if example.format == "completion":
            self.answers.add(fingerprint(example.answer))

    def end(self) -> Iterator[tuple[None, Fault]]:
        are_labels = len(self.answers) < self.seen / 3  # labels need no mark
        return iter(()) if are_labels else super().end()


class NoLeadingBlank(AcrossRule):
    name = "no_leading_blank"
    level = "advice"

    def __init__(self) -> None:
        self.first: Example | None = None
        self.number = 0

    def see(self, example: Example) -> None:
        if example.format == "completion" and not example.value["completion"][:1].isspace():
            self.first = self.first or Example(example.line, example.number, "completion", {})
            self.number += 1

    def end(self) -> Iterator[tuple[Example, Fault]]:
        if self.first:
            message = f"{self.number} completions do not start with a blank, the first here"
            cure = "put one: a word and the blank before it are one token"
            yield self.first, Fault("completion", message, cure)


def fingerprint(value: Any) -> int:
    """Return a number that is the same for the same JSON value, whatever its keys' order."""
    return hash(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))


def question_fingerprint(example: Example) -> int:
    """Return the mark by which training and validation are compared."""
    return fingerprint(example.value if example.question is None else example.question)

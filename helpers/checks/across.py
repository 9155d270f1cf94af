"""Rules across examples. Each is a small class: `see` takes one example after the other and may
answer with a Fault at that line; `end` yields what only the whole file shows.

They keep numbers, never examples. Most examples they do not even see: `see_alike` tells them of
those that are proven sound, and the rules on repetitions get only what repeats a question.
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
from helpers.tokens import ExampleTokens, TokenCounter, token_limit

MOST_OF_THEM = 0.8  # from this share on, a system message counts as the file's own
REFUSED_SHARE = 1 / 3
MOST_KEPT = 10_000  # different system messages, refusals, answers; more have nothing in common
# Also used on bytes, where a character is several: hence (?:我)?, and a, which keeps to ASCII.
REFUSAL = re.compile(
    r"\W*(?:(?ai:i(?:'m| am) (?:very |really |so )?(?:sorry|afraid|unable|not able)|sorry"
    r"|i (?:can(?:'t|not|no)|won't|will not|do not|don't)\b|as an ai\b|unfortunately,? i\b)"
    r"|(?:我)?(?:很)?(?:抱歉|对不起)|我(?:无法|不能|没办法))"
)


@dataclass(slots=True)
class Example:
    """An example that is sound in itself, and the line where it stands, from 1."""

    line: int
    format: str
    value: dict[str, Any]

    @property
    def system(self) -> str | None:
        """The system message's text; None if there is none."""
        first = self.value["messages"][0] if self.format == "chat" else {}
        return first.get("content") if first.get("role") == "system" else None

    @property
    def question(self) -> bytes | None:
        """What the model is given, the same bytes for the same; None if that is nothing."""
        if self.format == "completion":
            prompt = self.value["prompt"].strip()
            return orjson.dumps(prompt) if prompt else None
        if self.format == "preferences":
            return _sorted(self.value["input"]["messages"])
        return spelled(self.value["messages"][:-1]) if len(self.value["messages"]) > 1 else None

    @property
    def question_mark(self) -> int:
        """The mark by which examples are compared; see helpers/checks/marks.py."""
        return hash(self.question or _sorted(self.value))

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

    def see_alike(self, example: Example, number: int) -> None:
        """Take note of `number` chats with the system message of `example` and no refusal."""

    def end(self) -> Iterable[tuple[int | None, Fault]]:
        """Yield faults of the file, each with the line it shows at, or None."""
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
        first = self.first_at.setdefault(example.question_mark, (example.line, answer))
        if first[1] == answer:
            return None
        return Fault("", f"the question of line {first[0]}, answered otherwise", "keep one answer")


class SharedWithValidation(AcrossRule):
    name = "shared_with_validation"
    level = "warning"

    def __init__(self, shared: Iterable[tuple[int, int]]) -> None:
        self.shared = shared  # lines of training and validation that ask the same

    def end(self) -> Iterator[tuple[int, Fault]]:
        cure = "delete it in one of them; the validation would measure what was learnt by heart"
        for line, other in self.shared:
            yield line, Fault("", f"line {other} of the validation file asks the same", cure)


class SystemDiffers(AcrossRule):
    name = "system_differs"
    level = "warning"

    def __init__(self) -> None:
        self.count: Counter[int] = Counter()
        self.first: dict[int, int] = {}

    def see(self, example: Example) -> None:
        if example.format == "chat" and len(self.count) <= MOST_KEPT:
            mark = fingerprint(example.system)
            self.count[mark] += 1
            self.first.setdefault(mark, example.line)

    def see_alike(self, example: Example, number: int) -> None:
        self.count[fingerprint(example.system)] += number

    def end(self) -> Iterator[tuple[int, Fault]]:
        usual = self.count.most_common(1)
        has_usual = usual and usual[0][1] >= MOST_OF_THEM * self.count.total()
        if not has_usual or len(self.count) > MOST_KEPT:
            return
        for mark, number in self.count.items():
            if mark != usual[0][0]:
                message = f"not the system message of most examples (so in {number} of them)"
                cure = "give all the same, word for word, and ask the model with it later"
                yield self.first[mark], Fault("messages[0]", message, cure)


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
            if mark in self.refusals or len(self.refusals) < MOST_KEPT:
                self.refusals[mark] += 1
                self.opening.setdefault(mark, answer.strip()[:40])

    def see_alike(self, example: Example, number: int) -> None:
        self.examples += number

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
        self.counter = TokenCounter(model)
        self.faults: list[tuple[int, Fault]] = []

    def see(self, example: Example) -> None:
        for counted in self.counter.add((example.line, example.format), example.value):
            self._take(*counted)

    def end(self) -> Iterator[tuple[int, Fault]]:
        for counted in self.counter.finish():
            self._take(*counted)
        yield from self.faults

    def _take(self, place: tuple[int, str], count: ExampleTokens) -> None:
        self.tokens["total"] += count.total
        self.tokens["trained_on"] += count.trained_on
        self.tokens["longest"] = max(self.tokens["longest"], count.total)
        if self.limit is None or count.total <= self.limit:
            return
        line, example_format = place
        ends = accumulate(tokens for _, tokens in count.per_message)
        cut = next((i for i, end in enumerate(ends) if end > self.limit), len(count.per_message))
        field = f"messages[{cut}]" if example_format == "chat" else ""
        message = f"{count.total:,} tokens; {self.model} takes {self.limit:,} and cuts the rest"
        cure = "shorten it, or make it two; what is cut is not learnt"
        self.faults.append((line, Fault(field, message, cure)))


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
        if example.format == "completion" and len(self.answers) < MOST_KEPT:
            self.answers.add(fingerprint(example.answer))

    def end(self) -> Iterator[tuple[None, Fault]]:
        are_labels = len(self.answers) < min(self.seen / 3, MOST_KEPT)  # labels need no mark
        return iter(()) if are_labels else super().end()


class NoLeadingBlank(AcrossRule):
    name = "no_leading_blank"
    level = "advice"

    def __init__(self) -> None:
        self.first: int | None = None
        self.number = 0

    def see(self, example: Example) -> None:
        if example.format == "completion" and not example.value["completion"][:1].isspace():
            self.first = self.first or example.line
            self.number += 1

    def end(self) -> Iterator[tuple[int, Fault]]:
        if self.first:
            message = f"{self.number} completions do not start with a blank, the first here"
            cure = "put one: a word and the blank before it are one token"
            yield self.first, Fault("completion", message, cure)


# The rules that see every example, told by `see_alike` of those that are proven sound.
ON_ALL = (SystemDiffers, SameRefusal, NoSeparator, NoEnding, NoLeadingBlank)


def fingerprint(value: Any) -> int:
    """Return a number that is the same for the same JSON value, whatever its keys' order."""
    return hash(_sorted(value))


def spelled(messages: list[dict[str, Any]]) -> bytes:
    """Return how json.dumps begins a chat with these messages, `weight` left out.

    The same messages give the same bytes, however the file spells them.
    """
    return b'{"messages": [' + b"".join(_spelled_message(one) + b", " for one in messages)


def _spelled_message(message: dict[str, Any]) -> bytes:
    if "weight" in message:
        message = {key: value for key, value in message.items() if key != "weight"}
    if message.keys() != {"role", "content"}:
        return _sorted(message)
    role, content = orjson.dumps(message["role"]), _sorted(message["content"])
    return b'{"role": %b, "content": %b}' % (role, content)


def _sorted(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)

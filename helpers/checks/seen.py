"""What is remembered of a file's sound examples, so that they can be compared at its end."""

import re
from array import array
from collections import Counter
from typing import Any

import msgspec
import orjson

from helpers.checks.plain import Chat, Message

MOST_KEPT = 10_000  # different system messages, refusals, answers; more have nothing in common
REFUSAL = re.compile(
    r"\W*(?=[AISUaisu我很抱对])"  # spares time
    r"(?:(?ai:i(?:'m| am) (?:very |really |so )?(?:sorry|afraid|unable|not able)|sorry"
    r"|i (?:can(?:'t|not|no)|won't|will not|do not|don't)\b|as an ai\b|unfortunately,? i\b)"
    r"|我?很?(?:抱歉|对不起)|我(?:无法|不能|没办法))"
)


class Seen:
    """Numbers and a few texts, never examples: 32 bytes of each.

    The same question, answer or example has the same mark; so has, once in 10**8 files of 200,000
    examples, another. Marks are good within one run of Python: `hash` is another in each.
    """

    def __init__(self) -> None:
        self.lines = array("q")
        self.questions = array("q")  # marks; of the whole example where nothing is asked
        self.answers = array("q")
        self.wholes = array("q")
        self.systems: Counter[int] = Counter()
        self.first_with: dict[int, int] = {}  # lines, by the mark of the system message
        self.refusals: Counter[int] = Counter()
        self.openings: dict[int, str] = {}  # how the refusals begin
        self.n_pairs = 0
        self.ends: dict[str, set[str]] = {"prompt": set(), "completion": set()}
        self.different_answers: set[int] = set()
        self.without_blank = array("q")  # lines

    def add_plain(self, line: int, chat: Chat) -> None:
        """Remember a plain chat."""
        first, answer = chat.messages[0], chat.messages[-1].content
        question = hash(chat.messages[:-1])
        self.lines.append(line)
        self.questions.append(question)
        self.answers.append(hash(answer))
        self.wholes.append(hash((question, answer)))
        self._add_refusal(answer)
        self._add_system(line, first.content if first.role == "system" else None)

    def add(self, line: int, example_format: str, example: dict[str, Any]) -> None:
        """Remember a sound example."""
        question, answer = _question_and_answer(example_format, example)
        whole = mark(example)
        self.lines.append(line)
        self.questions.append(whole if question is None else question)
        self.answers.append(mark(answer))
        self.wholes.append(whole)
        if isinstance(answer, str):
            self._add_refusal(answer)
        if example_format == "chat":
            first = example["messages"][0]
            self._add_system(line, first.get("content") if first["role"] == "system" else None)
        elif example_format == "completion":
            self._add_pair(line, example)

    def _add_refusal(self, answer: str) -> None:
        if not REFUSAL.match(answer):
            return
        refusal = mark(" ".join(answer.casefold().split()))
        if refusal in self.refusals or len(self.refusals) < MOST_KEPT:
            self.refusals[refusal] += 1
            self.openings.setdefault(refusal, answer.strip()[:40])

    def _add_system(self, line: int, content: Any) -> None:
        if len(self.systems) <= MOST_KEPT:
            system = mark(content)
            self.systems[system] += 1
            self.first_with.setdefault(system, line)

    def _add_pair(self, line: int, pair: dict[str, str]) -> None:
        self.n_pairs += 1
        for key, ends in self.ends.items():
            ends.update(pair[key][-1:])
        if len(self.different_answers) < MOST_KEPT:
            self.different_answers.add(self.answers[-1])
        if not pair["completion"][:1].isspace():
            self.without_blank.append(line)


def mark(value: Any) -> int:
    """Return a number that is the same for the same JSON value, whatever its keys' order."""
    if isinstance(value, str):
        return hash(value)
    return hash(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))


def _question_and_answer(example_format: str, example: dict[str, Any]) -> tuple[int | None, Any]:
    """Return the mark of what the model is given, if anything, and what it is to learn."""
    if example_format == "completion":
        prompt = example["prompt"].strip()
        return mark(prompt) if prompt else None, example["completion"]
    if example_format == "preferences":
        return mark(example["input"]["messages"]), example["preferred_output"]
    *before, last = example["messages"]
    # A weight says what is learnt, not what is asked.
    asked = [{key: one[key] for key in one if key != "weight"} for one in before]
    try:
        question = hash(msgspec.convert(asked, tuple[Message, ...]))
    except msgspec.ValidationError:
        question = mark(asked)
    return question if before else None, last.get("content") or last.get("tool_calls")

"""What is remembered of a file's correct examples, so that they can be compared at its end."""

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
        self.without_space = array("q")  # lines

    def add_plain(self, line: int, chat: Chat) -> None:
        """Remember a plain chat."""
        opening, answer = chat.messages[0], chat.messages[-1].content
        question = hash(chat.messages[:-1])
        self._add(line, question, answer, hash((question, answer)))
        self._add_system(line, opening.content if opening.role == "system" else None)

    def add(self, line: int, example: dict[str, Any]) -> None:
        """Remember a correct example."""
        whole = mark(example)
        if "messages" in example:
            *asked, last = example["messages"]
            opening = example["messages"][0]
            answer = last.get("content") or last.get("tool_calls")
            self._add(line, _mark_asked(asked) if asked else whole, answer, whole)
            self._add_system(line, opening.get("content") if opening["role"] == "system" else None)
        elif "input" in example:
            asked = example["input"]["messages"]
            self._add(line, mark(asked), example["preferred_output"], whole)
        else:
            prompt = example["prompt"].strip()
            self._add(line, mark(prompt) if prompt else whole, example["completion"], whole)
            self._add_pair(line, example)

    def _add(self, line: int, question: int, answer: Any, whole: int) -> None:
        self.lines.append(line)
        self.questions.append(question)
        self.answers.append(mark(answer))
        self.wholes.append(whole)
        if isinstance(answer, str) and REFUSAL.match(answer):
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
            self.without_space.append(line)


def mark(value: Any) -> int:
    """Return a number that is the same for the same JSON value, whatever its keys' order."""
    if isinstance(value, str):
        return hash(value)
    return hash(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))


def _mark_asked(messages: list[dict[str, Any]]) -> int:
    # A weight says what is learnt, not what is asked.
    asked = [{key: one[key] for key in one if key != "weight"} for one in messages]
    try:
        return hash(msgspec.convert(asked, tuple[Message, ...]))  # as that of a plain chat
    except msgspec.ValidationError:
        return mark(asked)

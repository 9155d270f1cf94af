"""What is remembered of a file's correct examples, so that they can be compared at its end."""

import re
from array import array
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
        # By mark: what the first has, and how many there are.
        self.systems: dict[int, tuple[int, int]] = {}  # a line
        self.refusals: dict[int, tuple[str, int]] = {}  # how it begins
        self.ends: dict[str, set[str]] = {"prompt": set(), "completion": set()}
        self.without_space = array("q")  # lines

    def add(self, line: int, example: Chat | dict[str, Any]) -> None:
        """Remember a correct example."""
        if isinstance(example, Chat):
            opening, answer = example.messages[0], example.messages[-1].content
            question = hash(example.messages[:-1])
            self._add(line, question, answer, hash((question, answer)))
            _count(self.systems, opening.content if opening.role == "system" else None, line)
            return
        whole = mark(example)
        if "messages" in example:
            *asked, last = example["messages"]
            answer = last.get("content") or last.get("tool_calls")
            self._add(line, _mark_asked(asked) if asked else whole, answer, whole)
            first = example["messages"][0]
            _count(self.systems, first.get("content") if first["role"] == "system" else None, line)
        elif "input" in example:
            self._add(line, mark(example["input"]["messages"]), example["preferred_output"], whole)
        else:
            prompt, completion = example["prompt"].strip(), example["completion"]
            self._add(line, mark(prompt) if prompt else whole, completion, whole)
            for key, ends in self.ends.items():
                ends.update(example[key][-1:])
            if not completion[:1].isspace():
                self.without_space.append(line)

    def _add(self, line: int, question: int, answer: Any, whole: int) -> None:
        self.lines.append(line)
        self.questions.append(question)
        self.answers.append(mark(answer))
        self.wholes.append(whole)
        if isinstance(answer, str) and REFUSAL.match(answer):
            _count(self.refusals, " ".join(answer.casefold().split()), answer.strip()[:40])


def _count(table: dict[int, tuple[Any, int]], value: Any, about: Any) -> None:
    """Count a value; keep what there is to say of the first that is like it."""
    key = mark(value)
    if key in table or len(table) < MOST_KEPT:
        first, number = table.get(key, (about, 0))
        table[key] = first, number + 1


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

"""Put a file through the rules."""

import codecs
from array import array
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import msgspec
from tqdm import tqdm

from helpers.checks.across import in_file
from helpers.checks.examples import format_of, in_example, messages_in, texts_in
from helpers.checks.lines import read_lines, read_object
from helpers.checks.messages import in_chat, in_conversation, in_message
from helpers.checks.plain import Chat, plain_chat
from helpers.checks.report import Report
from helpers.checks.rules import Finding, error, warning, within
from helpers.checks.seen import Seen
from helpers.checks.texts import in_text, is_harmless
from helpers.tokens import count_example, token_limit

# fmt: off
LONGEST_IN_PRACTICE = 2 * 1024 * 1024  # bytes of a line, as the practice server takes
SHOWN_OF_A_RULE = 100  # findings kept of each rule, so that memory stays flat


class Examination:
    """One file on its way through the rules, line by line."""

    def __init__(self, path: str | Path, model: str | None, method: str, is_training: bool):
        self.report = Report(str(path))
        self.seen = Seen()
        self.validation: Seen | None = None  # of the file that is compared
        self.model, self.method = model, method
        self.is_whole_training_file = is_training
        self.size = Path(path).stat().st_size
        self._line = 0
        self._found: Counter[str] = Counter()  # by rule
        self._without_example = array("q")  # empty lines, and lines within an indented object
        self._is_within_object = False
        self._is_over = False  # what follows is not to be read
        if model:
            self.report.tokens = {"model": model, "total": 0, "trained_on": 0, "longest": 0}
            self.report.tokens["limit"] = token_limit(model)

    def run(self, progress: bool) -> Report:
        """Judge all lines, then the whole."""
        with tqdm(total=self.size, disable=not progress, unit="B", unit_scale=True, delay=2,
                  leave=False) as bar:
            for raw in read_lines(self.report.file):
                self._line += 1
                self._take(raw)
                if self._is_over:
                    self.is_whole_training_file = False
                    break
                bar.update(len(raw))
        self.report.examples = self._number_of(self._line)
        self._add(None, in_file(self))
        self.report.findings.sort(key=lambda finding: finding.line or 0)
        return self.report

    def _take(self, raw: bytes) -> None:
        """Judge a line, or see at a glance that it is correct."""
        if self._is_within_object and raw.rstrip(b"\r\n")[:1] in (b"", b" ", b"\t", b"}", b"]"):
            self._without_example.append(self._line)
            return
        self._is_within_object = False
        if self._line == 1 and raw.startswith(codecs.BOM_UTF8):
            raw = raw.removeprefix(codecs.BOM_UTF8)
            fix = "save as UTF-8 without BOM (Azure's guide asks for one; OpenAI refuses it)"
            found = error("byte_order_mark", "", "the file starts with a byte order mark", fix)
            self._add(1, [found])
        if chat := plain_chat(raw) if self.report.format in (None, "chat") else None:
            self.report.format = "chat"
            self._remember(chat)
        else:
            self._judge(raw.rstrip(b"\r\n"))

    def _judge(self, raw: bytes) -> None:
        """Put a line through the rules, and remember its example if that is correct."""
        example = read_object(raw)
        if isinstance(example, Finding):
            if example.rule == "empty_line":
                self._without_example.append(self._line)
            self._is_within_object = example.rule == "indented_json"
            # The file is not one of lines of UTF-8 at all: what follows is noise.
            is_other = example.rule in ("json_array", "not_utf8")
            self._is_over = is_other and self._number_of(self._line) == 1
            self._add(self._line, [example])
            return
        found = judge(example)
        if example_format := format_of(example):
            self.report.format = self.report.format or example_format
            if len(raw) > LONGEST_IN_PRACTICE:
                found.append(warning(
                    "long_line", "", "the practice server takes lines of "
                    f"{LONGEST_IN_PRACTICE:,} bytes, and refuses this file",
                    "shorten the example, or train on another service"))
            if example_format != self.report.format and not self._found["mixed_formats"]:
                found.append(error(
                    "mixed_formats", "",
                    f"a {example_format} example in a file of {self.report.format} examples",
                    "make it two files"))
        self._add(self._line, found)
        if "error" not in {one.level for one in found}:
            self._remember(example)

    def _remember(self, example: Chat | dict[str, Any]) -> None:
        self.seen.add(self._line, example)
        if self.model:
            self._add(self._line, self._in_tokens(msgspec.to_builtins(example)))

    def _in_tokens(self, example: dict[str, Any]) -> Iterator[Finding]:
        """Add up an example's tokens, and yield that it has too many, and where it will be cut."""
        tokens = self.report.tokens
        model, limit = tokens["model"], tokens["limit"]
        total, trained_on, per_message = count_example(example, model=model)
        tokens["total"] += total
        tokens["trained_on"] += trained_on
        tokens["longest"] = max(tokens["longest"], total)
        if limit is not None and total > limit:
            ends = accumulate(number for _, number in per_message)
            cut = next((i for i, end in enumerate(ends) if end > limit), len(per_message))
            yield warning("too_long", f"messages[{cut}]" if "messages" in example else "",
                          f"{total:,} tokens; {model} takes {limit:,} and cuts the rest",
                          "shorten it, or make it two; what is cut is not learnt")

    def _number_of(self, line: int) -> int:
        """Return the number of the example that stands on a line."""
        return line - bisect(self._without_example, line)

    def _add(self, line: int | None, found: Iterable[Finding]) -> None:
        for one in found:
            self._found[one.rule] += 1
            if self._found[one.rule] > SHOWN_OF_A_RULE:
                self.report.left_off[one.rule] = self._found[one.rule] - SHOWN_OF_A_RULE
                continue
            at = one.line or line
            number = self._number_of(at) if at and one.rule != "empty_line" else None
            self.report.findings.append(replace(one, line=at, example=number))


def judge(example: dict[str, Any]) -> list[Finding]:
    """Return all that is wrong with one example.

    From the outside in: the conversation and its texts are judged only when every key, role and
    content is correct, so that one fault is reported once.
    """
    found = list(in_example(example))
    for where, message in messages_in(example):
        found += within(where, in_message(message))
    if "error" in {one.level for one in found}:
        return found
    if "messages" in example:
        found += in_chat(example["messages"])
    elif "input" in example:
        found += within("input", in_conversation(example["input"]["messages"]))
    for where, text in texts_in(example):
        if not is_harmless(text):
            found += within(where, in_text(text))
    return found

"""Put a file through the rules."""

import codecs
from array import array
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from tqdm import tqdm

# Importing a module of rules enters its rules into RULES.
from helpers.checks import across, conversations, messages, texts  # noqa: F401
from helpers.checks.examples import Example, format_of, messages_in, texts_in
from helpers.checks.lines import read_lines, read_object
from helpers.checks.plain import plain_chat
from helpers.checks.report import Finding, Report
from helpers.checks.rules import RULES, About, Format, Located, broken
from helpers.checks.seen import Seen
from helpers.checks.texts import is_harmless
from helpers.tokens import count_example, token_limit

SHOWN_OF_A_RULE = 100  # findings kept of each rule, so that memory stays flat


class Examination:
    """One file on its way through the rules, line by line."""

    def __init__(self, path: str | Path, model: str | None, method: str, is_training: bool):
        self.report = Report(str(path))
        self.seen = Seen()
        self.model = model
        self.method = method
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

    def run(self, progress: bool, validation: Seen | None = None) -> Report:
        """Judge all lines, then the whole; `validation` is what was Seen of that file."""
        options: dict[str, Any] = {"unit": "B", "unit_scale": True, "delay": 2, "leave": False}
        with tqdm(total=self.size, disable=not progress, **options) as bar:
            for raw in read_lines(self.report.file):
                self._take(raw)
                if self._is_over:
                    self.is_whole_training_file = False
                    break
                bar.update(len(raw))
        self.report.examples = self._number_of(self._line)
        self._add(None, broken("file", self))
        things: list[tuple[About, Any]] = [("examples", self.seen)]
        if validation:
            things.append(("two files", (self.seen, validation)))
        for about, thing in things:
            for one in RULES[about]:
                for fault in one.judge(thing):
                    self._add(fault.line, [("", one, fault)])
        self.report.findings.sort(key=lambda finding: finding.line or 0)
        return self.report

    def _take(self, raw: bytes) -> None:
        self._line += 1
        if self._is_within_object and raw.rstrip(b"\r\n")[:1] in (b"", b" ", b"\t", b"}", b"]"):
            self._without_example.append(self._line)
            return
        self._is_within_object = False
        if self._line == 1:
            self._add(1, broken("first line", raw))
            raw = raw.removeprefix(codecs.BOM_UTF8)
        chat = plain_chat(raw) if self.report.format in (None, "chat") else None
        if chat is None:
            self._judge(raw.rstrip(b"\r\n"))
            return
        self.report.format = "chat"
        self.seen.add_plain(self._line, chat)
        if self.model:
            self._count("chat", msgspec.to_builtins(chat))

    def _judge(self, raw: bytes) -> None:
        """Put a line through the rules, and remember its example if that is correct."""
        example = read_object(raw)
        if not isinstance(example, dict):
            self._pass_over(example)
            return
        found = list(judge(example))
        if example_format := format_of(example):
            self.report.format = self.report.format or example_format
            found += broken("example line", raw)
            if not self._found["mixed_formats"]:
                found += broken("formats", (self.report.format, example_format))
        self._add(self._line, found)
        if example_format and not has_error(found):
            self.seen.add(self._line, example)
            if self.model:
                self._count(example_format, example)

    def _pass_over(self, found: Located) -> None:
        """Report a line that holds no object."""
        _, one, fault = found
        # The file is not one of lines at all, so that all that follows is noise.
        is_other = one.name == "json_array" or one.name == "not_utf8" and "UTF-" in fault.message
        self._is_over = is_other and self._number_of(self._line) == 1
        self._is_within_object = one.name == "indented_json"
        if one.name == "empty_line":
            self._without_example.append(self._line)
        self._add(self._line, [found])

    def _count(self, example_format: Format, example: Example) -> None:
        """Add up tokens, and say where an example has too many."""
        assert self.model
        count = count_example(example, model=self.model)
        tokens = self.report.tokens
        tokens["total"] += count.total
        tokens["trained_on"] += count.trained_on
        tokens["longest"] = max(tokens["longest"], count.total)
        self._add(self._line, broken("tokens", (self.model, example_format, count)))

    def _number_of(self, line: int) -> int:
        """Return the number of the example that stands on a line."""
        return line - bisect(self._without_example, line)

    def _add(self, line: int | None, found: Iterable[Located]) -> None:
        for where, (rule, level, *_), fault in found:
            self._found[rule] += 1
            if self._found[rule] > SHOWN_OF_A_RULE:
                self.report.left_off[rule] = self._found[rule] - SHOWN_OF_A_RULE
                continue
            number = self._number_of(line) if line and rule != "empty_line" else None
            field = ".".join(part for part in (where, fault.field) if part)
            finding = Finding(line, number, field, rule, level, fault.message, fault.fix)
            self.report.findings.append(finding)


def has_error(found: Iterable[Located]) -> bool:
    """Say whether something was found for which a service refuses the file."""
    return any(one.level == "error" for _, one, _ in found)


def judge(example: Example) -> Iterator[Located]:
    """Yield all that is wrong with one example.

    From the outside in: the conversation and its texts are judged only when every key, role and
    content is correct, so that one fault is reported once.
    """
    example_format = format_of(example)
    if example_format is None:
        yield from broken("no format", example)
        return
    found = list(broken(example_format, example))
    for where, message in messages_in(example, example_format):
        found += broken("message" if isinstance(message, dict) else "no message", message, where)
    yield from found
    if has_error(found):
        return
    if example_format == "chat":
        yield from broken("chat conversation", example["messages"])
        yield from broken("conversation", example["messages"])
    elif example_format == "preferences":
        yield from broken("conversation", example["input"]["messages"], "input")
    for where, text in texts_in(example, example_format):
        if not is_harmless(text):
            yield from broken("text", text, where)

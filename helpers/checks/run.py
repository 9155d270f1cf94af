"""Put a file through the rules."""

import codecs
from array import array
from bisect import bisect
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

# Importing a module of rules enters its rules into RULES.
from helpers.checks import across, conversations, messages, texts  # noqa: F401
from helpers.checks.examples import format_of, messages_in, texts_in
from helpers.checks.files import FileFacts
from helpers.checks.lines import read_lines, read_object
from helpers.checks.plain import plain_chat
from helpers.checks.report import Finding, Report
from helpers.checks.rules import RULES, About, Format, Located, broken
from helpers.checks.seen import Seen
from helpers.checks.texts import is_harmless
from helpers.tokens import count_example, token_limit


def examine(
    path: str | Path,
    *,
    model: str | None,
    method: str,
    progress: bool,
    is_validation: bool = False,
    validation: Seen | None = None,
) -> tuple[Report, Seen]:
    """Check one file; return its report and what is remembered of it.

    `validation`: what is remembered of the validation file.
    """
    path = Path(path)
    file = Examination(path, model)
    for raw in _with_progress(path, progress):
        file.take(raw)
        if not file.whole:
            break
    report = file.report
    report.examples = file.number_of(file.line)
    facts = FileFacts(path.stat().st_size, report, file.whole, is_validation, method, model)
    file.end(facts, validation)
    return report, file.seen


def _with_progress(path: Path, progress: bool) -> Iterator[bytes]:
    if not progress:
        yield from read_lines(path)
        return
    from tqdm import tqdm

    with tqdm(total=path.stat().st_size, unit="B", unit_scale=True, delay=2, leave=False) as bar:
        for raw in read_lines(path):
            yield raw
            bar.update(len(raw))


class Examination:
    """One file on its way through the rules, line by line."""

    def __init__(self, path: Path, model: str | None) -> None:
        self.report = Report(str(path))
        self.seen = Seen()
        self.line = 0
        self.whole = True  # False: what follows is not to be read
        self._model = model
        self._without_example = array("q")  # blank lines, and lines within an indented object
        self._is_within_object = False
        if model:
            self.report.tokens = {"model": model, "total": 0, "trained_on": 0, "longest": 0}
            self.report.tokens["limit"] = token_limit(model)

    def number_of(self, line: int) -> int:
        """Return the number of the example that stands on a line."""
        return line - bisect(self._without_example, line)

    def take(self, raw: bytes) -> None:
        """Judge the next line, and remember its example if that is sound."""
        self.line += 1
        if self._is_within_object and raw.rstrip(b"\r\n")[:1] in (b"", b" ", b"\t", b"}", b"]"):
            self._without_example.append(self.line)
            return
        self._is_within_object = False
        if self.line == 1:
            self._add(1, broken("first line", raw))
            raw = raw.removeprefix(codecs.BOM_UTF8)
        chat = plain_chat(raw) if self.report.format in (None, "chat") else None
        if chat is None:
            self._judge(raw.rstrip(b"\r\n"))
            return
        self.report.format = "chat"
        self.seen.add_plain(self.line, chat)
        if self._model:
            self._count("chat", msgspec.to_builtins(chat))

    def _judge(self, raw: bytes) -> None:
        """Put a line through the rules, and remember its example if that is sound."""
        example = self._object_on(raw)
        if example is None:
            return
        located = list(judge(example))
        example_format = format_of(example)
        self.report.format = self.report.format or example_format
        if example_format and not self.report.has("mixed_formats"):
            located += broken("formats", (self.report.format, example_format))
        self._add(self.line, located)
        if example_format and not any(one.level == "error" for _, one, _ in located):
            self.seen.add(self.line, example_format, example)
            self._count(example_format, example)

    def _object_on(self, raw: bytes) -> dict[str, Any] | None:
        """Return the object on a line; None if there is none, which is reported."""
        found = read_object(raw)
        if isinstance(found, dict):
            return found
        _, one, fault = found
        opens_file = self.number_of(self.line) == 1
        self._is_within_object = one.name == "indented_json"
        if one.name == "blank_line":
            self._without_example.append(self.line)
        self._add(self.line, [found])
        # The file is not one of lines at all, so that all that follows is noise.
        is_utf_16 = one.name == "not_utf8" and "UTF-" in fault.message
        self.whole = not (opens_file and (one.name == "json_array" or is_utf_16))
        return None

    def _count(self, example_format: str, example: dict[str, Any]) -> None:
        """Add up tokens if a model is named, and say where an example has too many."""
        if self._model is None:
            return
        count = count_example(example, model=self._model)
        tokens = self.report.tokens
        tokens["total"] += count.total
        tokens["trained_on"] += count.trained_on
        tokens["longest"] = max(tokens["longest"], count.total)
        self._add(self.line, broken("tokens", (self._model, example_format, count)))

    def end(self, facts: FileFacts, validation: Seen | None) -> None:
        """Add what only the whole file shows, and put the findings in the order of lines.

        `validation`: what is remembered of the validation file, if there is one.
        """
        self._add(None, broken("file", facts))
        things: list[tuple[About, Any]] = [("examples", self.seen)]
        if validation is not None:
            things.append(("two files", (self.seen, validation)))
        for about, thing in things:
            for one in RULES[about]:
                for fault in one.judge(thing):
                    self._add(fault.line, [("", one, fault)])
        self.report.findings.sort(key=lambda finding: finding.line or 0)

    def _add(self, line: int | None, found: Iterable[Located]) -> None:
        for where, one, fault in found:
            number = self.number_of(line) if line and one.name != "blank_line" else None
            field = ".".join(part for part in (where, fault.field) if part)
            self.report.add(
                Finding(line, number, field, one.name, one.level, fault.message, fault.cure)
            )


def judge(example: dict[str, Any]) -> Iterator[Located]:
    """Yield all that is wrong with one example.

    From the outside in: the conversation and its texts are judged only when every key, role and
    content is sound, so that one fault is reported once.
    """
    example_format = format_of(example)
    if example_format is None:
        yield from broken("no format", example)
        return
    has_error = False
    for located in _shape(example, example_format):
        has_error = has_error or located[1].level == "error"
        yield located
    if has_error:
        return
    if example_format == "chat":
        yield from broken("chat conversation", example["messages"])
        yield from broken("conversation", example["messages"])
    elif example_format == "preferences":
        yield from broken("conversation", example["input"]["messages"], "input")
    for where, text in texts_in(example, example_format):
        if not is_harmless(text):
            yield from broken("text", text, where)


def _shape(example: dict[str, Any], example_format: Format) -> Iterator[Located]:
    yield from broken(example_format, example)
    for where, message in messages_in(example, example_format):
        about: About = "message" if isinstance(message, dict) else "no message"
        yield from broken(about, message, where)

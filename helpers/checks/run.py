"""Put a file through the rules."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

# Importing a module of rules enters its rules into RULES.
from helpers.checks import across, conversations, lines, messages, texts  # noqa: F401
from helpers.checks.across import Example
from helpers.checks.examples import OUTPUTS, format_of
from helpers.checks.files import FileFacts
from helpers.checks.lines import Line, LineReader, lines_at, read_blocks
from helpers.checks.marks import Marks
from helpers.checks.proof import LINE_END, as_example, is_utf8, opening_of, splitter
from helpers.checks.report import Finding, Report
from helpers.checks.rules import RULES, About, Fault, Level, Rule

Located = tuple[str, Rule, Fault]  # the way to what was judged, the rule, what it found


def examine(
    path: str | Path,
    *,
    model: str | None,
    method: str,
    progress: bool,
    is_validation: bool = False,
    validation: Marks | None = None,
    prove: bool = True,
) -> tuple[Report, Marks]:
    """Check one file; return its report and the marks of its examples.

    `validation`: the marks of the validation file. `prove` False leaves out the fast path.
    """
    path = Path(path)
    file = Examination(path, model, prove)
    for block in _with_progress(path, progress):
        file.take(block)
        if not file.whole:
            break
    size, report = path.stat().st_size, file.report
    report.examples = file.marks.number_of(file.marks.next_line - 1)
    facts = FileFacts(
        size, report.examples, report.format, file.whole, is_validation, method, model
    )
    file.end(facts, validation)
    return report, file.marks


def _with_progress(path: Path, progress: bool) -> Iterator[bytes]:
    if not progress:
        yield from read_blocks(path)
        return
    from tqdm import tqdm

    with tqdm(total=path.stat().st_size, unit="B", unit_scale=True, delay=2, leave=False) as bar:
        for block in read_blocks(path):
            yield block
            bar.update(len(block))


class Examination:
    """One file on its way through the rules, block by block."""

    def __init__(self, path: Path, model: str | None, prove: bool) -> None:
        self.path = path
        self.report = Report(str(path))
        self.marks = Marks()
        self.whole = True  # False: what follows is not to be read
        self._reader = LineReader()
        self._rules = [rule() for rule in across.ON_ALL]
        self._counting = across.TooLong(model) if model else None
        self._n_judged = 0  # sound examples that were judged; the others were proven
        self._prove = prove
        self._opening = b""
        self._alike: Example | None = None  # the first example that has the opening

    def take(self, block: bytes) -> None:
        """Judge whole lines: those that can be proven sound at a glance, the rest by the rules."""
        opening, counting, add = self._opening, self._counting, self.marks.questions.append
        proves = opening and len(block) <= lines.LONGEST_LINE
        for proven, answer, other in splitter(len(opening) if proves else None).findall(block):
            if proven and proven.startswith(opening) and (proven.isascii() or is_utf8(proven)):
                if counting:
                    counting.see(Example(self.marks.next_line, "chat", as_example(proven)))
                add(hash(proven[: -len(answer)]))
                continue
            for raw in (proven + LINE_END if proven else other).split(b"\n"):
                self._judge_line(raw)
                if not self.whole:
                    return

    def _judge_line(self, raw: bytes) -> None:
        """Put a line through the rules; if its example is sound, show it to the rules on all."""
        number = self.marks.next_line
        line = self._reader.read(number, raw)
        if line is None or line.is_blank:
            self.marks.empty.append(number)
        levels = self._levels_found(line) if line else set()
        if line is None or line.value is None or "error" in levels:
            self.marks.unsound.append(number)
            self.whole = line is None or not line.ends_check
            return
        example = Example(number, format_of(line.value), line.value)
        self._n_judged += 1
        self.marks.questions.append(example.question_mark)
        for one in (*self._rules, self._counting):
            if one:
                one.see(example)
        if self._prove and not self._opening and not levels:
            self._opening = opening_of(raw, example.value) or b""
            self._alike = example

    def _levels_found(self, line: Line) -> set[Level]:
        """Judge a line and what it holds; return the levels of what was found."""
        number = None if line.is_blank else self.marks.number_of(line.number)
        if line.number == 1:
            self._add(1, number, "", broken("start", line.marked))
        if line.value is None:
            self._add(line.number, number, "", [(line.rule, line.fault)])
            return {line.rule.level}
        levels = set()
        for where, one, fault in self._located(line.value):
            self._add(line.number, number, where, [(one, fault)])
            levels.add(one.level)
        return levels

    def _located(self, value: dict[str, Any]) -> Iterator[Located]:
        yield from judge(value)
        example_format = format_of(value)
        self.report.format = self.report.format or example_format
        if example_format and not self.report.has("mixed_formats"):
            yield from _at("", "formats", (self.report.format, example_format))

    def end(self, facts: FileFacts, validation: Marks | None) -> None:
        """Add what only the whole file shows, and put the findings in the order of lines.

        `validation`: the marks of the validation file, if there is one.
        """
        self._add(None, None, "", broken("file", facts))
        if self._opening:
            for one in self._rules:
                one.see_alike(self._alike, len(self.marks.questions) - self._n_judged)
        rules = [*self._rules, across.Duplicate(), across.Contradiction()]
        for example in self._repeated():
            number = self.marks.number_of(example.line)
            for one in rules[-2:]:
                if fault := one.see(example):
                    self._add(example.line, number, "", [(one, fault)])
        if validation is not None:
            rules.append(across.SharedWithValidation(self.marks.shared_with(validation)))
        if self._counting:
            rules.append(self._counting)
            self.report.tokens = self._counting.tokens
        for one in rules:
            for line, fault in one.end():
                self._add(line, line and self.marks.number_of(line), "", [(one, fault)])
        self.report.findings.sort(key=lambda finding: finding.line or 0)

    def _repeated(self) -> Iterator[Example]:
        """Read again the examples whose question stands in several lines."""
        for number, raw in lines_at(self.path, self.marks.repeated()):
            value = LineReader().read(number, raw).value
            yield Example(number, format_of(value), value)

    def _add(
        self,
        line: int | None,
        number: int | None,
        where: str,
        faults: Iterable[tuple[Rule | across.AcrossRule, Fault]],
    ) -> None:
        for one, fault in faults:
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
        yield from _at("", "no format", example)
        return
    has_error = False
    for located in _shape(example, example_format):
        has_error = has_error or located[1].level == "error"
        yield located
    if has_error:
        return
    if example_format == "chat":
        yield from _at("", "chat conversation", example["messages"])
        yield from _at("", "conversation", example["messages"])
    elif example_format == "preferences":
        yield from _at("input", "conversation", example["input"]["messages"])
    for where, text in _texts(example, example_format):
        if not texts.is_plain(text):
            yield from _at(where, "text", text)


def _shape(example: dict[str, Any], example_format: str) -> Iterator[Located]:
    yield from _at("", example_format, example)
    for where, message in _messages(example, example_format):
        if not isinstance(message, dict):
            yield from _at(where, "no message", message)
        elif not messages.is_plain(message):
            yield from _at(where, "message", message)


def _messages(example: dict[str, Any], example_format: str) -> Iterator[tuple[str, Any]]:
    lists: dict[str, Any] = {}
    if example_format == "chat":
        lists["messages"] = example["messages"]
    elif example_format == "preferences":
        given = example.get("input")
        lists["input.messages"] = given.get("messages") if isinstance(given, dict) else None
        lists |= {key: example.get(key) for key in OUTPUTS}
    for name, listed in lists.items():
        for i, message in enumerate(listed if isinstance(listed, list) else ()):
            yield f"{name}[{i}]", message


def _texts(example: dict[str, Any], example_format: str) -> Iterator[tuple[str, str]]:
    if example_format == "completion":
        yield from example.items()
        return
    for where, message in _messages(example, example_format):
        content = message.get("content")
        if isinstance(content, str):
            yield f"{where}.content", content
        for i, part in enumerate(content if isinstance(content, list) else ()):
            if part["type"] == "text":
                yield f"{where}.content[{i}].text", part["text"]


def broken(about: About, thing: Any) -> Iterator[tuple[Rule, Fault]]:
    """Yield the rules about something that `thing` breaks, each with its fault."""
    for one in RULES[about]:
        if fault := one.judge(thing):
            yield one, fault


def _at(where: str, about: About, thing: Any) -> Iterator[Located]:
    return ((where, one, fault) for one, fault in broken(about, thing))

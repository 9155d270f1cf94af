"""Put a file through the rules."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Importing a module of rules enters its rules into RULES.
from helpers.checks import across, conversations, files, messages, texts  # noqa: F401
from helpers.checks.across import AcrossRule, Example
from helpers.checks.examples import OUTPUTS, format_of
from helpers.checks.files import FileFacts
from helpers.checks.lines import Line, read_lines
from helpers.checks.report import Finding, Report
from helpers.checks.rules import RULES, About, Fault, Rule

Located = tuple[str, Rule, Fault]  # the way to what was judged, the rule, what it found
Questions = dict[int, int]  # a question's fingerprint, and the line where it stands


def examine(
    path: str | Path,
    *,
    model: str | None,
    method: str,
    progress: bool,
    is_validation: bool = False,
    validation: Questions | None = None,
) -> tuple[Report, Questions]:
    """Check one file; return its report and, of a validation file, its questions."""
    path = Path(path)
    report = Report(str(path))
    rules = _across_rules(model, validation)
    questions: Questions = {}
    whole = True
    for line in _with_progress(path, progress):
        whole = whole and not line.ends_check
        report.examples += not line.is_blank
        example = _example(line, report)
        if example is None:
            continue
        if is_validation:
            questions.setdefault(across.question_fingerprint(example), example.line)
        for one in rules:
            if fault := one.see(example):
                report.add(_finding(example.line, example.number, "", one, fault))
    facts = FileFacts(
        path.stat().st_size, report.examples, report.format, whole, is_validation, method, model
    )
    _finish(report, facts, rules)
    return report, questions


def _across_rules(model: str | None, validation: Questions | None) -> list[AcrossRule]:
    rules = [
        across.Duplicate(),
        across.Contradiction(),
        across.SystemDiffers(),
        across.SameRefusal(),
        across.NoSeparator(),
        across.NoEnding(),
        across.NoLeadingBlank(),
    ]
    if validation is not None:
        rules.append(across.SharedWithValidation(validation))
    return [*rules, across.TooLong(model)] if model else rules


def _with_progress(path: Path, progress: bool) -> Iterator[Line]:
    if not progress:
        yield from read_lines(path)
        return
    from tqdm import tqdm

    with tqdm(total=path.stat().st_size, unit="B", unit_scale=True, delay=2, leave=False) as bar:
        for line in read_lines(path):
            yield line
            bar.update(len(line.raw) + 1)


def _example(line: Line, report: Report) -> Example | None:
    """Judge a line and what it holds into `report`; return its example if that is sound."""
    number = None if line.is_blank else report.examples
    if line.number == 1:
        for one, fault in broken("start", line.marked):
            report.add(_finding(1, number, "", one, fault))
    if line.value is None:
        report.add(_finding(line.number, number, "", line.rule, line.fault))
        return None
    found = list(judge(line.value))
    example_format = format_of(line.value)
    report.format = report.format or example_format
    if example_format and "mixed_formats" not in {finding.rule for finding in report.findings}:
        formats = (report.format, example_format)
        found += [("", one, fault) for one, fault in broken("formats", formats)]
    for where, one, fault in found:
        report.add(_finding(line.number, number, where, one, fault))
    if any(one.level == "error" for _, one, _ in found):
        return None
    return Example(line.number, number, example_format, line.value)


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


def _finding(
    line: int | None, example: int | None, where: str, one: Rule | AcrossRule, fault: Fault
) -> Finding:
    field = ".".join(part for part in (where, fault.field) if part)
    return Finding(line, example, field, one.name, one.level, fault.message, fault.cure)


def _finish(report: Report, facts: FileFacts, rules: list[AcrossRule]) -> None:
    """Add what only the whole file shows, and put the findings in the order of lines."""
    for one, fault in broken("file", facts):
        report.add(_finding(None, None, "", one, fault))
    for one in rules:
        for example, fault in one.end():
            place = (example.line, example.number) if example else (None, None)
            report.add(_finding(*place, "", one, fault))
        if isinstance(one, across.TooLong):
            report.tokens = one.tokens
    report.findings.sort(key=lambda finding: finding.line or 0)

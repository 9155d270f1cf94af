"""What is right in lesson 03."""

import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openai

from helpers.check import Report, check_file
from helpers.checks.messages import in_message
from helpers.exercises.judging import agrees, require, require_results, shortened
from helpers.service import ROOT, connect

MARV = ROOT / "data" / "marv" / "train.jsonl"
WEIGHTS = (0, 1, 2, -1, 0.5, "1", None)


def exercise_1(weight_is_correct: Any) -> None:
    """The rules of the checker on weights."""
    messages: list[dict[str, Any]] = []
    for role in ("assistant", "user", "system"):
        messages += [{"role": role}] + [{"role": role, "weight": weight} for weight in WEIGHTS]
    require_results(
        weight_is_correct,
        [((message,), _keeps_to_the_rules(message)) for message in messages],
        "A weight is 0 or 1, and only the assistant has one.",
    )


def _keeps_to_the_rules(message: dict[str, Any]) -> bool:
    return not any(one.rule.startswith("weight_") for one in in_message(message))


def exercise_2(fixed: Any) -> None:
    """Marv's first twelve lines, with line 10 or without it."""
    is_lines = isinstance(fixed, list | tuple) and all(isinstance(line, str) for line in fixed)
    require(is_lines, "it should be a list of lines, each of them a text.")
    errors = _check(fixed).errors
    require(not errors, f"check_file still finds: {errors and errors[0]}")
    examples = [json.loads(line) for line in fixed]
    wanted = [json.loads(line) for line in _marv()[:12]]
    require(
        examples in (wanted, wanted[:9] + wanted[10:]),
        "no error is left, but lines are missing or changed: line 10 may go, the other eleven "
        "should be there in their order and say what they said.",
    )


def exercise_3(named: Any) -> None:
    """Ask the service."""
    numbers = named if isinstance(named, list | tuple) else [named]
    require(
        agrees(numbers, _named_at_upload()),
        "the upload only asks whether each line is a JSON object, and ends at the first that "
        "is none.",
    )


def _named_at_upload() -> list[int]:
    lines = _marv()[:12]
    lines[2] = str(json.loads(lines[2]))
    lines[4] = lines[4].replace('"assistant"', '"bot"')
    lines[7] = lines[7].replace('"messages"', '"message"')
    lines[9] = lines[9].replace('"assistant"', '"user"')
    sent = ("faulty.jsonl", "\n".join(lines).encode())
    try:
        connect().client.files.create(file=sent, purpose="fine-tune")
    except openai.BadRequestError as error:
        return [int(number) for number in re.findall(r"Line (\d+)", str(error))]
    return []


def exercise_4(attempt: Any) -> None:
    """A rule that finds a fault which is none for the checker, and none in Marv's lines."""
    own_rule, bad_example = attempt
    require(callable(own_rule), f"{shortened(own_rule)} is no function; keep the line with def.")
    report = _check([json.dumps(bad_example)])
    found = [finding for finding in report.findings if finding.line]
    require(not found, f"check_file finds it already: {found and found[0]}")
    said = own_rule(bad_example)
    require(isinstance(said, str) and said, "your rule should return a sentence on bad_example.")
    for number, line in enumerate(_marv(), start=1):
        said = own_rule(json.loads(line))
        require(said is None, f"on Marv's line {number} your rule says {shortened(said)}")


def _marv() -> list[str]:
    return MARV.read_text(encoding="utf-8").splitlines()


def _check(lines: Sequence[str]) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines.jsonl"
        path.write_text("\n".join(lines), encoding="utf-8")
        return check_file(path)

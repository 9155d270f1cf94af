"""Every seeded fault of data/faults is found at its place, and nothing else is reported there."""

import csv
import re
from pathlib import Path

from helpers.check import check_file

FAULTS = Path(__file__).resolve().parent.parent / "data" / "faults"
FILES = sorted(FAULTS.glob("*.jsonl"))
CORRECT = [path for path in FILES if path.name.startswith("correct_")]
# Faults that show only beside something else: a method, a model, a validation file.
OPTIONS = {
    "chats_for_dpo.jsonl": {"method": "dpo"},
    "overlap.jsonl": {"valid": FAULTS / "overlap_valid.jsonl"},
    "pairs_for_a_chat_model.jsonl": {"model": "gpt-4o-mini"},
    "preference_roles.jsonl": {"method": "dpo"},
    "preferences.jsonl": {"method": "dpo"},
    "correct_preferences.jsonl": {"method": "dpo"},
    "too_long.jsonl": {"model": "gpt-3.5-turbo-0613"},
}
# What only a large file can break.
NOT_SEEDED = {"file_too_large", "line_too_long", "long_line", "unbroken_text"}

with open(FAULTS / "faults.csv", encoding="utf-8", newline="") as table:
    ROWS = list(csv.DictReader(table))


def check(path):
    return check_file(path, **OPTIONS.get(path.name, {}))


def place(line, example, field, rule, level):
    """A finding as the table has it: nothing where it concerns the whole file."""
    return (str(line or ""), str(example or ""), field, rule, level)


def test_what_is_reported_is_what_was_seeded():
    for path in FILES:
        seeded = [
            (row["line"], row["example"], row["field"], row["rule"], row["level"])
            for row in ROWS
            if row["file"] == path.name
        ]
        report = check(path)
        found = [place(f.line, f.example, f.field, f.rule, f.level) for f in report.findings]
        assert sorted(found) == sorted(seeded), str(report)


def test_the_table_and_the_folder_hold_the_same_files():
    named = {row["file"] for row in ROWS}
    assert named == {path.name for path in FILES}
    assert len(named) >= 40
    assert all(row["what"] for row in ROWS)


def test_correct_files_have_no_error_and_no_warning():
    for path in CORRECT:
        report = check(path)
        assert report.ok and not report.warnings, str(report)


def test_every_format_has_a_correct_file():
    assert {check(path).format for path in CORRECT} == {"chat", "completion", "preferences"}


def test_every_rule_has_a_seeded_fault():
    sources = (FAULTS.parents[1] / "helpers" / "checks").glob("*.py")
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    rules = set(re.findall(r'\b(?:error|warning|advice|unknown_key)\("(\w+)"', text))
    rules |= {f"{key}_malformed" for key in re.findall(r'\bmalformed\("(\w+)"', text)}
    assert len(rules) > 60
    assert rules - NOT_SEEDED <= {row["rule"] for row in ROWS}


def test_no_file_is_taken_for_one_with_a_real_key():
    for path in FILES:
        assert not re.search(rb"sk-(proj-)?[A-Za-z0-9]{20,}", path.read_bytes()), path

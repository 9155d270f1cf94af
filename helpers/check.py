"""Find every fault of a training file: `python -m helpers.check FILE`, and `check_file`.

Each rule is an `if` in a small function of helpers/checks, found by its name: on lines, examples,
messages, texts, and across examples.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from helpers.checks.fix import fix_file
from helpers.checks.report import Finding, Report
from helpers.checks.run import Examination

__all__ = ["Finding", "Report", "check_file", "fix_file"]


def check_file(
    path: str | Path,
    *,
    valid: str | Path | None = None,
    model: str | None = None,
    method: Literal["supervised", "dpo"] = "supervised",
    progress: bool = False,
) -> Report:
    """Check the training file at `path` against all rules and return the Report.

    `valid` is its validation file: checked too, and compared. `model` adds token counts and the
    model's own rules. `method` says what the file is to be trained with. `progress` shows a bar
    after two seconds.

    Reads line by line; memory grows by 32 bytes an example. Whatever the bytes, it ends with a
    Report; only a file that cannot be read raises OSError.
    """
    training = Examination(path, model, method, is_training=True)
    if valid is not None:
        validation = Examination(valid, model, method, is_training=False)
        training.report.valid = validation.run(progress)
        training.validation = validation.seen
    return training.run(progress)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return 0 (no error), 1 (errors found) or 2 (unusable arguments)."""
    parser = _parser()
    options = vars(parser.parse_args(arguments))
    file, out, as_json = (options.pop(name) for name in ("file", "fix", "json"))
    try:
        changes = fix_file(file, out) if out else []
        report = check_file(out or file, progress=sys.stderr.isatty(), **options)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if as_json:
        fixed = {"fixed": [{"line": line, "change": what} for line, what in changes]}
        print(json.dumps(report.to_dict() | (fixed if out else {})))
    else:
        for line, what in changes:
            print(f"fixed line {line}: {what}")
        print(report)
    return 0 if report.ok else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m helpers.check",
        description="Find every fault of a training file: where, what is wrong, what to do.",
    )
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="training file, JSONL")
    add("--valid", type=Path, metavar="FILE", help="its validation file: checked and compared")
    add("--model", metavar="NAME", help="model to train: its limits are checked, tokens counted")
    add("--method", choices=("supervised", "dpo"), default="supervised")
    add("--fix", type=Path, metavar="OUT", help="write a copy without empty lines, duplicates")
    add("--json", action="store_true", help="print one JSON object")
    return parser


if __name__ == "__main__":
    # What a file holds need not be in the terminal's character set; a pipe has none of its own.
    encoding = sys.stdout.encoding if sys.stdout.isatty() else "utf-8"
    sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(main())

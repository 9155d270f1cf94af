"""Prepare training files: `python -m helpers.prepare FILE`, and the same as functions.

The program reads a table, a list or conversations, shows what it found and what it proposes,
and writes a JSONL file that a fine-tuning service takes. It never changes its input.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from helpers.preparing.convert import UnusableRow, text_in, to_chat, to_completion
from helpers.preparing.read import Row, UnreadableFile, read_rows
from helpers.preparing.review import HopelessPairs, Pair, Review
from helpers.preparing.split import split
from helpers.preparing.write import write_jsonl

__all__ = [
    "UnreadableFile",
    "UnusableRow",
    "read_rows",
    "split",
    "to_chat",
    "to_completion",
    "write_jsonl",
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return 0 (written), 1 (unusable data) or 2 (unusable arguments)."""
    parser = _parser()
    args = parser.parse_args(arguments)
    out = args.out or args.file.with_name(f"{args.file.stem}_prepared.jsonl")
    outputs = [out]
    if args.split is not None:
        if not 0 < args.split < 1:
            parser.error(f"--split {args.split} does not lie between 0 and 1")
        outputs = [out.with_name(f"{out.stem}_{part}{out.suffix}") for part in ("train", "valid")]
    if args.file.resolve() in [output.resolve() for output in outputs]:
        parser.error("--out names the input, which is never overwritten; choose another name")
    try:
        examples = _prepared(args)
        parts = split(examples, fraction=args.split, seed=args.seed) if args.split else [examples]
        for output, part in zip(outputs, parts, strict=True):
            write_jsonl(output, part)
            print(f"{output}: {len(part)} examples")
    except OSError as error:
        parser.error(str(error))
    except (ValueError, KeyboardInterrupt) as error:
        print(f"nothing written: {error or 'stopped'}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m helpers.prepare",
        description="Turn a table, a list or conversations into a training file.",
    )
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="CSV, TSV, XLSX, JSON, JSONL, YAML or TXT")
    add("--to", choices=("chat", "completion"), default="chat", help="form of the examples")
    add("--system", metavar="TEXT", help="system message put in front of every chat example")
    add("--prompt", metavar="COL", default="prompt", help="column of the questions")
    add("--completion", metavar="COL", default="completion", help="column of the answers")
    earlier = "columns of an earlier question and its answer (chat only; may be repeated)"
    add("--earlier", metavar="COL", nargs=2, action="extend", default=[], help=earlier)
    add("--split", metavar="SHARE", type=float, help="share to hold out for validation: 0.2")
    add("--seed", metavar="N", type=int, default=1, help="another seed, another split")
    add("--out", metavar="PATH", type=Path, help="default: NAME_prepared.jsonl")
    add("--yes", action="store_true", help="accept every proposal")
    return parser


def _prepared(args: argparse.Namespace) -> list[Row]:
    rows = read_rows(args.file)
    print(f"{args.file}: {len(rows)} rows")
    if not rows:
        raise UnusableRow("the file has no rows")
    is_chat = args.to == "chat"
    if all("messages" in row for row in rows):
        return to_chat(rows, system=args.system) if is_chat else to_completion(rows)
    earlier = args.earlier if is_chat else []
    columns = {"prompt": args.prompt, "completion": args.completion}
    review = Review(
        _pairs(rows, columns | {name: name for name in earlier}),
        accepts=(lambda: True) if args.yes else _is_accepted,
    )
    review.for_every_form()
    if is_chat:
        return to_chat(review.pairs, system=args.system, earlier=earlier)
    review.for_completion()
    return [{name: pair[name] for name in columns} for pair in review.pairs]


def _pairs(rows: Sequence[Row], columns: dict[str, str]) -> list[Pair]:
    """Return rows with the columns asked for, under the names `prompt` and `completion`."""
    columns = {name: _column(rows[0], column) for name, column in columns.items()}
    if others := [name for name in rows[0] if name not in columns.values()]:
        print(f"- columns left out: {', '.join(others)}")
    return [
        {"row": number} | {name: text_in(row, number, of) for name, of in columns.items()}
        for number, row in enumerate(rows, 1)
    ]


def _column(row: Row, name: str) -> str:
    alike = [column for column in row if column.casefold() == name.casefold()]
    if name in row or not alike:
        return name
    print(f"- column {alike[0]!r} taken for {name!r}")
    return alike[0]


def _is_accepted() -> bool:
    try:
        return input("  do it? [Y/n] ").strip().lower() in ("", "y", "yes")
    except EOFError as error:
        raise HopelessPairs("nobody is here to answer; --yes accepts every proposal") from error


if __name__ == "__main__":
    # What a file holds need not be in the terminal's character set.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(main())

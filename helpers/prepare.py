"""Prepare training files: `python -m helpers.prepare FILE`, and the same as functions.

The program reads a table, a list or conversations, shows what it found and what it proposes,
and writes a JSONL file that a fine-tuning service takes. It never changes its input.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from helpers.preparing.convert import UnusableRow, to_chat, to_completion
from helpers.preparing.propose import (
    FOR_COMPLETION,
    FOR_EVERY_FORM,
    HopelessPairs,
    Pair,
    Proposal,
)
from helpers.preparing.read import Row, UnreadableFile, read_rows
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
    outputs = _outputs(args)
    if any(output.resolve() == args.file.resolve() for output in outputs):
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
    add(
        "--earlier",
        metavar="COL",
        nargs=2,
        action="extend",
        default=[],
        help="columns of an earlier question and its answer (chat only; may be repeated)",
    )
    add("--split", metavar="SHARE", type=_share, help="share to hold out for validation: 0.2")
    add("--seed", metavar="N", type=int, default=1, help="another seed, another split")
    add("--out", metavar="PATH", type=Path, help="default: NAME_prepared.jsonl")
    add("--yes", action="store_true", help="accept every proposal")
    return parser


def _share(text: str) -> float:
    share = float(text)
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError(f"{text} does not lie between 0 and 1")
    return share


def _outputs(args: argparse.Namespace) -> list[Path]:
    out = args.out or args.file.with_name(f"{args.file.stem}_prepared.jsonl")
    if not args.split:
        return [out]
    return [out.with_name(f"{out.stem}_{part}{out.suffix}") for part in ("train", "valid")]


def _prepared(args: argparse.Namespace) -> list[Row]:
    rows = read_rows(args.file)
    print(f"{args.file}: {len(rows)} rows")
    if not rows:
        raise UnusableRow("the file has no rows")
    if all("messages" in row for row in rows):
        convert = to_chat if args.to == "chat" else to_completion
        options = {"system": args.system} if args.to == "chat" else {}
        return convert(rows, **options)
    pairs = _pairs(rows, args)
    accept = (lambda proposal: True) if args.yes else _asked
    if args.to == "chat":
        pairs = review(pairs, FOR_EVERY_FORM, accept)
        return to_chat(pairs, system=args.system, earlier=args.earlier)
    pairs = review(pairs, (*FOR_EVERY_FORM, *FOR_COMPLETION), accept)
    return [{name: pair[name] for name in ("prompt", "completion")} for pair in pairs]


def _pairs(rows: Sequence[Row], args: argparse.Namespace) -> list[Pair]:
    """Take the columns asked for, under the names `prompt` and `completion`."""
    earlier = args.earlier if args.to == "chat" else []
    columns = [_column(rows, name) for name in (args.prompt, args.completion, *earlier)]
    others = [name for name in rows[0] if name not in columns]
    if others:
        print(f"- columns left out: {', '.join(others)}")
    names = ["prompt", "completion", *earlier]
    return [
        {"row": number}
        | {name: _cell(row, number, column) for name, column in zip(names, columns, strict=True)}
        for number, row in enumerate(rows, 1)
    ]


def _column(rows: Sequence[Row], name: str) -> str:
    alike = [column for column in rows[0] if column.casefold() == name.casefold()]
    if name in rows[0] or not alike:
        return name
    print(f"- column {alike[0]!r} taken for {name!r}")
    return alike[0]


def _cell(row: Row, number: int, column: str) -> str:
    value = row.get(column)
    if not isinstance(value, str):
        raise UnusableRow(
            f"row {number}: no text in column {column!r}; the columns are {', '.join(row)}. "
            "Name yours with --prompt and --completion"
        )
    return value


def review(
    pairs: list[Pair],
    rules: Iterable[Callable[[Sequence[Pair]], Proposal | None]],
    accept: Callable[[Proposal], bool],
) -> list[Pair]:
    """Show what each rule finds in `pairs`, apply the changes that `accept` allows.

    Necessary changes are applied without asking. Raises HopelessPairs where no change can help.
    """
    for rule in rules:
        proposal = rule(pairs)
        if proposal is None:
            continue
        print(f"- {proposal.finding}: {proposal.reason}")
        if proposal.apply is None:
            continue
        print(f"  {'necessary' if proposal.necessary else 'proposed'}: {proposal.change}")
        if proposal.necessary or accept(proposal):
            pairs = proposal.apply(pairs)
    if not pairs:
        raise HopelessPairs("no row is left")
    return pairs


def _asked(proposal: Proposal) -> bool:
    try:
        return input("  do it? [Y/n] ").strip().lower() in ("", "y", "yes")
    except EOFError as error:
        raise HopelessPairs("nobody is here to answer; --yes accepts every proposal") from error


if __name__ == "__main__":
    # What a file holds need not be in the terminal's character set.
    sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main())

"""Prepare training files: `python -m helpers.prepare FILE`, and the same as functions.

The program reads a table, conversations or a text, shows what it found and what it proposes,
and writes a JSONL file that a fine-tuning service takes. It never changes its input.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from pathlib import Path
from textwrap import shorten
from typing import Any

from helpers.preparing.columns import Column, find_columns, names_of
from helpers.preparing.convert import CHAT_KEYS, UnusableRow, text_in, to_chat, to_completion
from helpers.preparing.read import read_rows
from helpers.preparing.review import Pair, Review
from helpers.preparing.rows import Ask, Row, Say, UnreadableFile, refuse
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
        description="Turn a table, conversations or a text into a training file.",
    )
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="CSV, TSV, XLSX, JSON, JSONL, YAML, TXT or MD")
    add("--to", choices=("chat", "completion"), default="chat", help="form of the examples")
    add("--system", metavar="TEXT", help="system message put in front of every chat example")
    add("--prompt", metavar="COL", nargs="+", help="column of the questions; several are joined")
    add("--completion", metavar="COL", help="column of the answers")
    add("--assistant", metavar="NAME", help="who answers in a chat export")
    add("--encoding", metavar="NAME", help="encoding of the file; default: what its bytes show")
    earlier = "columns of an earlier question and its answer (chat only; may be repeated)"
    add("--earlier", metavar="COL", nargs=2, action="extend", default=[], help=earlier)
    add("--split", metavar="SHARE", type=float, help="share to hold out for validation: 0.2")
    add("--seed", metavar="N", type=int, default=1, help="another seed, another split")
    add("--out", metavar="PATH", type=Path, help="default: NAME_prepared.jsonl")
    add("--yes", action="store_true", help="accept every proposal")
    return parser


def _prepared(args: argparse.Namespace) -> list[dict[str, Any]]:
    accepts, ask = ((lambda: True), refuse) if args.yes else (_is_accepted, _answer)
    chosen: list[str] = []
    say = chosen.append
    rows = read_rows(args.file, encoding=args.encoding, assistant=args.assistant, say=say, ask=ask)
    are_messages = all("messages" in row for row in rows)
    columns: dict[str, Column] = {name: name for name in CHAT_KEYS}
    if not are_messages:
        columns = _columns(args, rows, say, ask)
    print(f"{args.file}: {len(rows)} rows", *chosen, sep="\n- ")
    if not rows:
        raise ValueError("the file has no rows")
    used = {*chain.from_iterable([c] if isinstance(c, str) else c for c in columns.values())}
    if others := [name for name in names_of(rows) if name not in used]:
        print(f"- columns left out: {', '.join(others)}")
    pairs = {} if are_messages else _pairs(rows, columns)
    if chosen:
        _show(pairs.values() or to_chat(rows))
        if not accepts():
            raise ValueError("other columns are taken with --prompt and --completion")
    if are_messages:
        return to_chat(rows, system=args.system) if args.to == "chat" else to_completion(rows)
    review = Review(pairs, accepts)
    review.for_every_form()
    if args.to == "chat":
        review.for_chat()
        return to_chat(review.pairs.values(), system=args.system, earlier=args.earlier)
    review.for_completion()
    return list(review.pairs.values())


def _columns(args: argparse.Namespace, rows: list[Row], say: Say, ask: Ask) -> dict[str, Column]:
    """Return the columns that become `prompt`, `completion` and the earlier turns."""
    names = names_of(rows)
    earlier = {name: _alike(name, names) for name in args.earlier if args.to == "chat"}
    prompt = tuple(_alike(name, names) for name in args.prompt or ())
    completion = args.completion and _alike(args.completion, names)
    besides = list(earlier.values())
    found = find_columns(rows, prompt, completion, besides=besides, say=say, ask=ask)
    return found | earlier


def _pairs(rows: Sequence[Row], columns: dict[str, Column]) -> dict[int, Pair]:
    """Return the texts of the columns by row, counted from 1."""
    return {
        number: {name: text_in(row, number, column) for name, column in columns.items()}
        for number, row in enumerate(rows, 1)
    }


def _alike(name: str, names: Sequence[str]) -> str:
    """Return the column called `name`, or else the one that differs only in capitals."""
    alike = [each for each in names if each.casefold() == name.casefold()]
    if not alike:
        raise ValueError(f"no column {name!r}; the columns are {', '.join(names)}")
    return name if name in alike else alike[0]


def _show(examples: Iterable[dict[str, Any]]) -> None:
    print("- the first three:")
    for example in islice(examples, 3):
        messages = example.get("messages", ())
        turns = [(m.get("role"), m.get("content")) for m in messages] or example.items()
        lines = [f"    {name}: {shorten(str(text), 70, placeholder=' …')}" for name, text in turns]
        print(*lines, "", sep="\n")


def _is_accepted() -> bool:
    return _input("  do it? [Y/n] ", "--yes accepts every proposal").lower() in ("", "y", "yes")


def _answer(question: str, names: Sequence[str], option: str) -> str:
    answer = _input(f"{question} ({', '.join(names)}) ", f"name one with --{option}")
    return answer if answer in names else _answer(question, names, option)


def _input(question: str, advice: str) -> str:
    try:
        return input(question).strip()
    except EOFError as error:
        raise ValueError(f"nobody is here to answer; {advice}") from error


if __name__ == "__main__":
    # What a file holds need not be in the terminal's character set.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(main())

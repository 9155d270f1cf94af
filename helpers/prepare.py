"""Prepare training files: `python -m helpers.prepare FILE`, and the same as functions.

The program reads a table, conversations or a text, shows what it found and what it proposes,
and writes a JSONL file that a fine-tuning service takes. It never changes its input.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice
from pathlib import Path
from textwrap import shorten

from helpers.preparing.columns import Columns, find_columns, names_of
from helpers.preparing.convert import CHAT_KEYS, text_in, to_chat, to_completion
from helpers.preparing.convert import UnusableRow as UnusableRow
from helpers.preparing.read import read_rows
from helpers.preparing.review import Review
from helpers.preparing.rows import Ask, Row, Say, refuse
from helpers.preparing.rows import UnreadableFile as UnreadableFile
from helpers.preparing.split import split
from helpers.preparing.write import write_jsonl


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return 0 (written), 1 (unusable data) or 2 (unusable arguments)."""
    parser = _parser()
    args = parser.parse_args(arguments)
    if args.split is not None and not 0 < args.split < 1:
        parser.error(f"--split {args.split} does not lie between 0 and 1")
    out = args.out or args.file.with_name(f"{args.file.stem}_prepared.jsonl")
    parts = ("_train", "_valid") if args.split else ("",)
    outputs = [out.with_name(f"{out.stem}{part}{out.suffix}") for part in parts]
    if args.file.resolve() in [output.resolve() for output in outputs]:
        parser.error("--out names the input, which is never overwritten; choose another name")
    try:
        made = _prepared(args)
        halves = split(made, fraction=args.split, seed=args.seed) if args.split else (made,)
        for output, examples in zip(outputs, halves, strict=True):
            print(f"{write_jsonl(output, examples)}: {len(examples)} examples")
        return 0
    except OSError as error:
        parser.error(str(error))
    except EOFError:
        why = "nobody is here to answer; --yes accepts every proposal"
    except (ValueError, KeyboardInterrupt) as error:
        why = str(error) or "stopped"
    print(f"nothing written: {why}", file=sys.stderr)
    return 1


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


def _prepared(args: argparse.Namespace) -> list[Row]:
    """Read the file, show what was found and chosen, and return the examples."""
    accepts, ask = ((lambda: True), refuse) if args.yes else (_is_accepted, _answer)
    chosen: list[str] = []
    say = chosen.append
    rows = read_rows(args.file, encoding=args.encoding, assistant=args.assistant, say=say, ask=ask)
    if not rows:
        raise ValueError("the file has no rows")
    are_messages = all("messages" in row for row in rows)
    columns = {"": CHAT_KEYS} if are_messages else _columns(args, rows, say, ask)
    print(f"{args.file}: {len(rows)} rows", *chosen, sep="\n- ")
    if others := [name for name in names_of(rows) if name not in chain(*columns.values())]:
        print(f"- columns left out: {', '.join(others)}")
    if are_messages:
        _show(to_chat(rows), bool(chosen), accepts)
        return to_chat(rows, system=args.system) if args.to == "chat" else to_completion(rows)
    pairs = {
        number: {name: text_in(row, number, found) for name, found in columns.items()}
        for number, row in enumerate(rows, 1)
    }
    _show(pairs.values(), bool(chosen), accepts)
    review = Review(pairs, accepts)
    review.check(args.to)
    made = list(review.pairs.values())
    return to_chat(made, system=args.system, earlier=args.earlier) if args.to == "chat" else made


def _columns(args: argparse.Namespace, rows: list[Row], say: Say, ask: Ask) -> dict[str, Columns]:
    """Return the columns that become `prompt`, `completion` and the earlier turns."""
    names = names_of(rows)

    def named(name: str) -> str:
        """Return the column called `name`, or else the one that differs only in capitals."""
        alike = [each for each in names if each.casefold() == name.casefold()]
        if not alike:
            raise ValueError(f"no column {name!r}; the columns are {', '.join(names)}")
        return name if name in alike else alike[0]

    earlier = {name: (named(name),) for name in args.earlier if args.to == "chat"}
    given = tuple(map(named, args.prompt or ())), args.completion and named(args.completion)
    besides = [*chain(*earlier.values())]
    return find_columns(rows, *given, besides=besides, say=say, ask=ask) | earlier


def _show(examples: Iterable[Row], was_chosen: bool, accepts: Callable[[], bool]) -> None:
    """Show the first examples where something was chosen, and ask whether they are right."""
    if not was_chosen:
        return
    print("- the first three:")
    for example in islice(examples, 3):
        messages = example.get("messages", ())
        turns = [(m.get("role"), m.get("content")) for m in messages] or example.items()
        lines = [f"    {name}: {shorten(str(text), 70, placeholder=' …')}" for name, text in turns]
        print(*lines, "", sep="\n")
    if not accepts():
        raise ValueError("other columns are taken with --prompt and --completion")


def _is_accepted() -> bool:
    return input("  do it? [Y/n] ").strip().lower() in ("", "y", "yes")


def _answer(question: str, names: Sequence[str], option: str) -> str:
    answer = input(f"{question} ({', '.join(names)}) ").strip()
    return answer if answer in names else _answer(question, names, option)


if __name__ == "__main__":
    # What a file holds need not be in the terminal's character set.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(main())

"""Go the whole road with a file of one's own: `python -m helpers.road FILE`.

It is prepared as by helpers.prepare, checked, counted, and trained on the practice server; the
base model and the tuned one answer what was held out. What the numbers mean, road.html says.
"""

import argparse
import io
import json
import random
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from operator import eq
from pathlib import Path
from typing import Any

import openai
from jinja2 import Template

from helpers import evaluate, jobs, plots, prepare
from helpers.check import check_file
from helpers.service import HOSTED, CourseError, connect, work_folder
from helpers.tokens import count_tokens, default_epochs, estimate_cost

FEWEST = 10  # examples that a service trains on
MOST_TRAINED, MOST_HELD_OUT = 50_000, 8_000  # tokens that two processors take in a minute
MOST_ASKED, LONGEST = 40, 1_500  # questions, and characters of one


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return 0 (report written), 1 (unusable data) or 2 (unusable arguments)."""
    usage = "%(prog)s FILE [--out REPORT.html] [--n-epochs N] [options of helpers.prepare]"
    parser = argparse.ArgumentParser("python -m helpers.road", usage, allow_abbrev=False)
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path, help="default: in the work folder")
    parser.add_argument("--n-epochs", type=int, choices=range(1, 26), metavar="N", help="1 to 25")
    args, others = parser.parse_known_args(arguments)
    try:
        name = f"{args.file.stem}-{jobs.hash_of_file(args.file)[:8]}"
        data = work_folder() / "road" / name / "data.jsonl"
        out = args.out or data.with_name("report.html")
        if out.exists() and 'content="helpers.road"' not in out.read_text("utf-8", "replace"):
            parser.error(f"{out} is no report of helpers.road and stays; choose another --out")
        with redirect_stdout(Heard()) as heard:
            given = [str(args.file), "--split", "0.2", *others, "--out", str(data)]
            if code := prepare.main(given):
                return code
        found = road(data, n_epochs=args.n_epochs)
        page = Template(Path(__file__).with_suffix(".html").read_text("utf-8"), autoescape=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page.render(found, file=args.file.name, heard=heard.getvalue()), "utf-8")
    except OSError as error:
        parser.error(str(error))
    except (ValueError, CourseError, openai.OpenAIError) as error:
        print(f"no report written: {error}", file=sys.stderr)
        return 1
    print(f"report: {out}")
    return 0


class Heard(io.StringIO):
    """Standard output that remembers what was printed."""

    def __init__(self) -> None:
        super().__init__()
        self.shown = sys.stdout

    def write(self, text: str) -> int:
        self.shown.write(text)
        self.shown.flush()
        return super().write(text)


def road(data: Path, *, n_epochs: int | None = None) -> dict[str, Any]:
    """Check, count, train and compare; return what the report shows, by its names there.

    data: helpers.prepare wrote this file in two, with _train and _valid behind its name.
    Raises ValueError for data that cannot be trained on, CourseError for a job that fails.
    """
    train, valid = (data.with_stem(f"{data.stem}_{part}") for part in ("train", "valid"))
    checks = check_file(train, valid=valid)
    print(f"checked: {len(checks.errors)} errors, {len(checks.warnings)} warnings")
    if not checks.ok or checks.examples < FEWEST:
        advice = f"a service needs {FEWEST} examples to train on, without errors; "
        raise ValueError(f"{advice}add rows, or hold out fewer with --split\n{checks}")
    epochs = n_epochs or default_epochs(checks.examples)
    learnt, tokens = sample(train, MOST_TRAINED // epochs, fewest=FEWEST)
    held_out, _ = sample(valid, MOST_HELD_OUT, fewest=1)
    epochs = n_epochs or max(1, min(epochs, MOST_TRAINED // tokens))
    print(f"{len(learnt)} of {checks.examples} examples are trained on, {epochs} times each")
    hosts = [(name, model) for name, (_, model, *_) in HOSTED.items()]
    return {
        "checks": checks,
        "costs": [(*host, estimate_cost(train, service=host[0], model=host[1])) for host in hosts],
        "n_learnt": len(learnt),
        "n_held_out": len(held_out),
        "epochs": epochs,
        **train_and_compare(data.parent, learnt, held_out, epochs),
    }


def sample(path: Path, most: int, *, fewest: int) -> tuple[list[dict], int]:
    """Return examples and their tokens: all of a file, or a share with `most` tokens or so."""
    examples = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    tokens = count_tokens(examples, model="pocket").total
    share = max(most / tokens, fewest / len(examples))
    if share < 1:
        examples = prepare.split(examples, fraction=share, seed=1)[1]
        tokens = count_tokens(examples, model="pocket").total
    return examples, tokens


def train_and_compare(folder: Path, learnt: list, held_out: list, epochs: int) -> dict[str, Any]:
    """Train, ask both models what was held out, and return what the report shows of it."""
    service = connect("practice")
    train = prepare.write_jsonl(folder / "learnt.jsonl", learnt)
    valid = prepare.write_jsonl(folder / "held_out.jsonl", held_out)
    before = jobs.base_losses(service, valid)
    job = jobs.create_once(service, train, validation_path=valid, n_epochs=epochs, seed=1)
    job = jobs.follow(service, job)
    if not job.fine_tuned_model:
        raise CourseError(f"the job is {job.status}: {job.error and job.error.message}")
    events = service.client.fine_tuning.jobs.list_events(job.id, limit=100)
    curve = jobs.results(service, job)
    models = {service.base_model: before, job.fine_tuned_model: curve.iloc[-1]}
    taught = [answer for _, answer in filter(None, map(last_turn, learnt))]
    turns = list(filter(None, map(last_turn, held_out)))
    turns = random.Random(1).sample(turns, min(MOST_ASKED, len(turns)))
    asked, expected = [question for question, _ in turns], [answer for _, answer in turns]
    options: Any = {"max_tokens": 150, "chat": "messages" in learnt[0]}
    given = [evaluate.answers(service, model, asked, **options) for model in models]
    return {
        "models": models,
        "figure": plots.as_svg(curve),
        "sentence": plots.describe(curve),
        "cut": [event.message for event in events if event.level == "warn"],
        "pieces": evaluate.pieces(service, " ".join(taught)),
        "rows": list(zip(asked, expected, *given, strict=True)),
        "exact": (exact := evaluate.is_exact(taught)),
        "near": [evaluate.nearness(each, expected, exact=exact) for each in given],
        "same": [sum(map(eq, each, expected)) for each in given],
        "evaluate": evaluate,
    }


def last_turn(example: dict[str, Any]) -> tuple[Any, str] | None:
    """Return what is asked and the last answer; None if that is no text, or the question long."""
    if "prompt" in example:
        asked, texts = example["prompt"], [example["prompt"], example["completion"]]
    else:
        turns = [{key: m.get(key) for key in ("role", "content")} for m in example["messages"]]
        asked, texts = turns[:-1], [turn["content"] for turn in turns]
    is_text = all(isinstance(text, str) for text in texts)
    is_short = is_text and sum(map(len, texts[:-1])) <= LONGEST
    return (asked, texts[-1].strip()) if is_short else None


if __name__ == "__main__":
    # What a file holds need not be in the terminal's character set.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(main())

"""Train and ask models on many data and settings, and write what came out: a table for each.

    python -m data.settings.sweep             all tables
    python -m data.settings.sweep n_epochs    one of them

A row that is in its table is not made again, so the program can be stopped and started at will.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

from openai.types.fine_tuning import FineTuningJob

from helpers.evaluate import answers
from helpers.jobs import create_once, results, wait
from helpers.plots import by_epoch
from helpers.prepare import read_rows, write_jsonl
from helpers.service import Service, connect, work_folder

HERE = Path(__file__).resolve().parent
DATA = HERE.parent
SEEDS = (1, 2, 3)
SPLITS = ("train", "valid", "test")
USUAL = {"n_epochs": 3, "learning_rate_multiplier": 1, "batch_size": 1}
# Messages to refuse that are trained on at most; the others are asked.
LARGEST_REFUSALS = 20
SWEEPS: dict[str, tuple[float, ...]] = {
    "amount": (25, 50, 100, 200),
    "refusals": (0, 10, LARGEST_REFUSALS),
    "second_writer": (0, 20),
    "letters_kept": (10, 8),
    "n_epochs": (1, 2, 3, 5, 10),
    "learning_rate_multiplier": (0.1, 1, 10),
    "batch_size": (1, 4, 16),
}
REFUSAL = "Sorry, I cannot help with that."


def main(names: list[str]) -> None:
    """Add the rows that are missing to the named tables, or to all of them."""
    for name in names or SWEEPS:
        path = HERE / f"{name}.csv"
        done = {(row["value"], row["seed"]) for row in read_rows(path)} if path.exists() else set()
        for value in SWEEPS[name]:
            for seed in SEEDS:
                if (str(value), str(seed)) not in done:
                    append(path, {"value": value, "seed": seed} | measure(name, value, seed))


def measure(name: str, value: float, seed: int) -> dict[str, Any]:
    """Train one model and ask it; the losses are those of the last epoch."""
    service = connect()
    training, validation, asked = examples(name, value, seed)
    job = create_once(
        service,
        write_jsonl(work_folder() / "training.jsonl", training),
        validation_path=write_jsonl(work_folder() / "validation.jsonl", validation),
        seed=seed,
        **(USUAL | ({name: value} if name in USUAL else {})),
    )
    job = wait(service, job)
    steps = results(service, job)
    losses = by_epoch(steps).iloc[-1]
    right, unwanted = shares(service, job, asked, training)
    row = {
        "steps": len(steps),
        "train_loss": round(losses["training"], 3),
        "valid_loss": round(losses["validation"], 3),
        "right": right,
        "unwanted": unwanted,
    }
    if name == "refusals":
        to_refuse = refusals(asked[0])[LARGEST_REFUSALS:]
        row["refused_rightly"], _ = shares(service, job, to_refuse, training)
    return row


def shares(
    service: Service, job: FineTuningJob, asked: list[dict], training: list[dict]
) -> tuple[float, float]:
    """Ask a job's model, and return two shares of the answers, from 0 to 1.

    The first: those that are right, letter by letter. The second: those that stand in the
    training file though no question here wants them.
    """
    system, questions, wanted = zip(*map(contents, asked), strict=True)
    model = job.fine_tuned_model or ""
    given = answers(service, model, questions, system=system[0], max_tokens=80)
    unwanted = {contents(example)[2] for example in training} - set(wanted)
    right = sum(map(str.__eq__, given, wanted))
    return right / len(asked), sum(answer in unwanted for answer in given) / len(asked)


def examples(name: str, value: float, seed: int) -> tuple[list[dict], list[dict], list[dict]]:
    """Return what is trained on, what the validation loss is measured on, and what is asked.

    Only of the amount each seed draws other examples.
    """
    if name == "amount":
        train, valid, test = (read_rows(DATA / f"orders/{each}.jsonl") for each in SPLITS)
        start = 50 * (seed - 1)
        return (train + train)[start : start + int(value)], valid, test
    labels = read_rows(DATA / "labels/train.jsonl")
    train, asked = labels[:40], labels[80:]
    if name == "refusals":
        train += refusals(labels[0])[: int(value)]
    if name == "second_writer":
        second = [with_answer(each, f"{contents(each)[2].capitalize()}.") for each in train]
        train = [second[i] if i < value else train[i] for i in range(40)]
    if name == "letters_kept":
        train, valid = (
            [with_answer(each, contents(each)[2][: int(value)]) for each in part]
            for part in (train, asked)
        )
        return train, valid, asked
    return train, asked, asked


def refusals(example: dict) -> list[dict]:
    """Return an example like the given one for each message that is to be refused."""
    lines = (HERE / "to_refuse.txt").read_text(encoding="utf-8").splitlines()
    return [with_answer(example, REFUSAL, question=line) for line in lines]


def with_answer(example: dict, answer: str, *, question: str | None = None) -> dict:
    """Return the example with another answer, and perhaps another question."""
    system, user, assistant = example["messages"]
    user = user if question is None else user | {"content": question}
    return {"messages": [system, user, assistant | {"content": answer}]}


def contents(example: dict) -> list[str]:
    """Return what the system, the user and the assistant say."""
    return [message["content"] for message in example["messages"]]


def append(path: Path, row: dict[str, Any]) -> None:
    """Add a row at the end of a table, and its header before the first."""
    is_new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, row, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(row)


if __name__ == "__main__":
    main(sys.argv[1:])

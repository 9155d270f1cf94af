"""Writes agreement.csv: how far two kinds of judge agree with the reader, for three seeds.

    python -m data.judge.measure

One kind names two subjects, which are then compared; the other says "yes" or "no" at once.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.evaluate import answers
from helpers.jobs import create_once, wait
from helpers.prepare import read_rows, write_jsonl
from helpers.service import connect, work_folder

HERE = Path(__file__).resolve().parent
SEEDS = (7, 8, 9)
YES_OR_NO = "Does the remark after the answer belong to the question? Say yes or no."


def main() -> None:
    """Train and ask six judges, and write a row for each."""
    labelled = read_rows(HERE / "labelled.csv")
    labels = [row["label"] == "yes" for row in labelled]
    asked = [f"{row['question']} {row['answer']}" for row in labelled]
    rows = []
    for says, path in training_files().items():
        for seed in SEEDS:
            verdicts = [fits(said) for said in judged(path, seed, asked)]
            agreed = sum(a == b for a, b in zip(verdicts, labels, strict=True))
            measured = {"agreed": agreed, "kappa": f"{kappa(verdicts, labels):.2f}"}
            rows.append({"says": says, "seed": seed} | measured)
    pd.DataFrame(rows).to_csv(HERE / "agreement.csv", index=False, lineterminator="\n")


def training_files() -> dict[str, Path]:
    """The training file of each kind of judge; the second is made from the first."""
    path = HERE / "train.jsonl"
    examples = read_rows(path)
    for example in examples:
        system, _, assistant = example["messages"]
        system["content"] = YES_OR_NO
        assistant["content"] = "yes" if fits(assistant["content"]) else "no"
    other = work_folder() / "judge_yes_or_no.jsonl"
    write_jsonl(other, examples)
    return {"subjects": path, "yes or no": other}


def judged(path: Path, seed: int, asked: list[str]) -> list[str]:
    """What a judge says that was trained on this file with the settings of lesson 10."""
    service = connect()
    settings = {"n_epochs": 1, "batch_size": 4, "learning_rate_multiplier": 2.0}
    job = wait(service, create_once(service, path, suffix="judge", seed=seed, **settings))
    system = read_rows(path)[0]["messages"][0]["content"]
    return answers(service, job.fine_tuned_model, asked, system=system)


def fits(said: str) -> bool:
    """Whether a judge says that the remark belongs to the question."""
    words = said.split()
    return words == ["yes"] or len(words) == 2 and words[0] == words[1]


def kappa(verdicts: list[bool], labels: list[bool]) -> float:
    """Cohen's kappa: how far two agree beyond what chance brings, at most 1."""
    n = len(labels)
    observed = sum(a == b for a, b in zip(verdicts, labels, strict=True)) / n
    yes, other_yes = sum(verdicts) / n, sum(labels) / n
    expected = yes * other_yes + (1 - yes) * (1 - other_yes)
    return (observed - expected) / (1 - expected)


if __name__ == "__main__":
    main()

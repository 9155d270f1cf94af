"""Trains models on train.jsonl, asks them and the base model, and prints how often they are right.

python -m data.tools.measure valid    what the number of epochs was chosen by
python -m data.tools.measure test     the table of the README
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from openai.types.chat import ChatCompletionMessage

from data.tools.generate import TOOLS
from helpers.jobs import create_once, wait
from helpers.prepare import read_rows
from helpers.service import Service, connect

HERE = Path(__file__).resolve().parent
SEEDS = (1, 2, 3)
# How many epochs are tried on which questions.
N_EPOCHS = {"valid": (3, 5, 8), "test": (8,)}
# What is counted, and of how many requests.
COUNTS = ("right functions", "right arguments", "rightly refused")

Row = dict[str, list[dict]]


def main(split: str) -> None:
    """Print the table for the questions of a split."""
    service, rows = connect(), read_rows(HERE / f"{split}.jsonl")
    print("| model |", " | ".join(COUNTS), "|\n| --- | --- | --- | --- |")
    for choice in ("auto", "required"):
        show(f"base, `tool_choice` `{choice}`", measure(service, service.base_model, rows, choice))
    for n_epochs in N_EPOCHS[split]:
        for seed in SEEDS:
            job = create_once(service, HERE / "train.jsonl", n_epochs=n_epochs, seed=seed)
            model = wait(service, job).fine_tuned_model
            counts = measure(service, model, rows, "auto")
            show(f"tuned, {n_epochs} epochs, seed {seed}", counts)


def measure(service: Service, model: str, rows: list[Row], choice: str) -> list[str]:
    """The three counts, each with how many there could be."""

    def ask(row: Row) -> tuple[bool, bool, bool]:
        answer = service.client.chat.completions.create(
            model=model,
            messages=row["messages"][:2],
            tools=TOOLS,
            tool_choice=choice,
            temperature=0,
            max_tokens=120,
        )
        return marks(answer.choices[0].message, row["messages"][2])

    with ThreadPoolExecutor(max_workers=4) as pool:
        all_marks = list(pool.map(ask, rows))
    to_call = ["tool_calls" in row["messages"][2] for row in rows]
    possible = (sum(to_call), sum(to_call), len(rows) - sum(to_call))
    columns = zip(*all_marks, strict=True)
    return [f"{sum(column)} of {n}" for column, n in zip(columns, possible, strict=True)]


def marks(message: ChatCompletionMessage, wanted: dict) -> tuple[bool, bool, bool]:
    """Of an answer: are the functions right, their arguments too, or is it the right refusal?"""
    calls = [call.function for call in message.tool_calls or ()]
    if "tool_calls" not in wanted:
        return False, False, not calls and message.content == wanted["content"]
    right = [call["function"] for call in wanted["tool_calls"]]
    if [call.name for call in calls] != [function["name"] for function in right]:
        return False, False, False
    pairs = zip(calls, right, strict=True)
    return (
        True,
        all(same(call.arguments, function["arguments"]) for call, function in pairs),
        False,
    )


def same(arguments: str, right: str) -> bool:
    """Whether two objects in JSON are equal; one that was cut off is no JSON."""
    try:
        return json.loads(arguments) == json.loads(right)
    except json.JSONDecodeError:
        return False


def show(model: str, counts: list[str]) -> None:
    print(f"| {model} | {' | '.join(counts)} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Ask tuned models for orders, check the answers, and count: python -m data.checked_orders.measure

Five jobs with the settings of lesson 12, which differ in their seed alone.
"""

import csv
import json
import sys
from collections import Counter
from pathlib import Path

import openai

from helpers.jobs import create_once, wait
from helpers.service import ROOT, connect, work_folder

sys.path.insert(0, str(ROOT / "notebooks" / "app"))
from checks import order_of

ORDERS = ROOT / "data" / "orders"
SEEDS = range(7, 12)
ASKED = 40
COUNTED = ("right", "wrong", "refused")


def lines_of(name: str) -> list[str]:
    """The lines of one of the files of orders."""
    return (ORDERS / name).read_text(encoding="utf-8").splitlines()


def model_of(seed: int) -> str:
    """A model that was trained on the first 25 orders."""
    path = work_folder() / "orders_25.jsonl"
    path.write_text("\n".join(lines_of("train.jsonl")[:25]), encoding="utf-8")
    service = connect()
    job = create_once(service, path, n_epochs=3, batch_size=4, suffix="till", seed=seed)
    return wait(service, job).fine_tuned_model


def outcomes(client: openai.OpenAI, model: str, messages: list[dict]) -> list[str]:
    """What becomes of an order if it is asked for once, and if a refused answer is asked again."""
    found = []
    for temperature in (0, 0.7):
        completion = client.chat.completions.create(
            model=model, messages=messages[:2], temperature=temperature, max_tokens=80, seed=1
        )
        try:
            order = order_of(completion.choices[0].message.content, messages[1]["content"])
        except ValueError:
            found.append("refused")
            continue
        result = "right" if order == json.loads(messages[2]["content"]) else "wrong"
        return (found + [result] * 2)[:2]
    return found


def main() -> None:
    asked = [json.loads(line)["messages"] for line in lines_of("test.jsonl")[:ASKED]]
    client = connect().client
    with (Path(__file__).parent / "counts.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["seed", "attempts", *COUNTED])
        for seed in SEEDS:
            model = model_of(seed)
            once_and_twice = zip(*(outcomes(client, model, each) for each in asked), strict=True)
            for attempts, found in enumerate(once_and_twice, start=1):
                table.writerow([seed, attempts, *map(Counter(found).__getitem__, COUNTED)])


if __name__ == "__main__":
    main()

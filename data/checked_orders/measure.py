"""Ask tuned models for orders, check the answers, and count: python -m data.checked_orders.measure

Five jobs with the settings of lesson 12, which differ in their seed alone.
"""

import json
from pathlib import Path

import openai
import pandas as pd

from helpers.jobs import create_once, wait
from helpers.prepare import read_rows, write_jsonl
from helpers.service import ROOT, connect, work_folder
from notebooks.app.checks import order_of

ORDERS = ROOT / "data" / "orders"
SEEDS = range(7, 12)
ASKED = 40
COUNTED = ("right", "wrong", "refused")


def model_of(seed: int) -> str:
    """A model that was trained on the first 25 orders."""
    orders = read_rows(ORDERS / "train.jsonl")[:25]
    path = write_jsonl(work_folder() / "orders_25.jsonl", orders)
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
    asked = [row["messages"] for row in read_rows(ORDERS / "test.jsonl")[:ASKED]]
    client = connect().client
    rows = []
    for seed in SEEDS:
        model = model_of(seed)
        once_and_twice = zip(*(outcomes(client, model, each) for each in asked), strict=True)
        for attempts, found in enumerate(once_and_twice, start=1):
            counts = {name: found.count(name) for name in COUNTED}
            rows.append({"seed": seed, "attempts": attempts} | counts)
    path = Path(__file__).parent / "counts.csv"
    pd.DataFrame(rows).to_csv(path, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()

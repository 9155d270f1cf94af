"""What fine-tuning makes of a real model: the base against the tuned one, and how long it takes.

    python tests/benchmarks/real_model.py FOLDER [--seeds 3] [--questions 40]

FOLDER is a model folder of any engine. Orders: 60 examples, 3 epochs; the shares of test sentences
that become JSON with the right keys, and that become it exactly. Marv: 60 examples, 3 epochs; the
shares of answers to test questions with one of his remarks, and with the right fact.
"""

import argparse
import csv
import json
import os
import re
import sys
import time
from pathlib import Path

# As the server sets it for its children.
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[2]))

from practice_server.engines.engine import Plan, Sampling
from practice_server.engines.model_folder import engine_of
from practice_server.formats.encoding import as_examples

DATA = Path(__file__).parents[2] / "data"
N_EXAMPLES, N_EPOCHS = 60, 3
MOST_TOKENS = 80


def main():
    options = _options()
    for name in options.only or MEASURES:
        measure = MEASURES[name]
        lines = read_lines(DATA / name / "train.jsonl")[:N_EXAMPLES]
        base = engine_of(options.folder).load(options.folder)
        print(f"{name:8} base    {_shown(measure(base, options.questions))}", flush=True)
        for seed in range(1, options.seeds + 1):
            engine = engine_of(options.folder).load(options.folder)
            started = time.monotonic()
            plan = Plan(N_EPOCHS, 1, options.rate, seed)
            steps = list(engine.train(as_examples(engine.tokenizer, lines, 4096), [], plan))
            seconds = time.monotonic() - started
            first, last = (steps[at].metrics["train_loss"] for at in (0, -1))
            shown = _shown(measure(engine, options.questions))
            print(
                f"{name:8} seed {seed}  {shown}"
                f"   {len(steps)} steps in {seconds:.0f} s, loss {first:.2f} to {last:.2f}",
                flush=True,
            )


def orders(engine, n):
    """Is it JSON with the right keys, and is every value right?"""
    right = [line["messages"] for line in read_lines(DATA / "orders" / "test.jsonl")[:n]]
    pairs = [
        (_object(answer(engine, asked)), json.loads(told["content"])) for *asked, told in right
    ]
    return {
        "valid": [got is not None and list(got) == list(want) for got, want in pairs],
        "exact": [got == want for got, want in pairs],
    }


def marv(engine, n):
    """Has the answer a remark of his, and the right fact?"""
    [system, *_] = read_lines(DATA / "marv" / "train.jsonl")[0]["messages"]
    rows = [row for row in read_table("questions.csv") if row["split"] == "test"]
    asked = rows[:: max(1, len(rows) // n)][:n]
    signs = [row["sign"] for row in read_table("style.csv")]
    said = [answer(engine, [system, {"role": "user", "content": r["question"]}]) for r in asked]
    facts = zip(said, asked, strict=True)
    return {
        "remark": [_has_one(text, signs) for text in said],
        "fact": [_has_one(text, row["fact"].split("|")) for text, row in facts],
    }


MEASURES = {"orders": orders, "marv": marv}


def answer(engine, messages):
    """The model's likeliest answer to a conversation."""
    prompt = engine.tokenizer.encode_prompt(messages)
    spoken = engine.generate(prompt, Sampling(max_tokens=MOST_TOKENS, temperature=0))
    tokens = [token.id for token in spoken if token.id not in engine.tokenizer.ends]
    return engine.tokenizer.decode_bytes(tokens).decode("utf-8", "replace")


def read_lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read_table(name):
    with (DATA / "marv" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _has_one(text, phrases):
    return any(re.search(rf"(?<!\w){re.escape(p)}(?!\w)", text, re.IGNORECASE) for p in phrases)


def _object(text):
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _shown(measured):
    return "  ".join(f"{name} {sum(m):3}/{len(m)}" for name, m in measured.items())


def _options():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--rate", type=float, default=1.0, help="the learning rate multiplier")
    parser.add_argument("--only", choices=MEASURES, action="append", help="of the two")
    return parser.parse_args()


if __name__ == "__main__":
    main()

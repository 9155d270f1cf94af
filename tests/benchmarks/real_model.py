"""What fine-tuning makes of a real model: base, few-shot and tuned, and what each costs.

    python tests/benchmarks/real_model.py FOLDER [--seeds 3] [--questions 40] [--shots 5]

FOLDER is a model folder of any engine. Orders: 60 examples, 3 epochs; the shares of test sentences
that become JSON with the right keys, and that become it exactly. Marv: 60 examples, 3 epochs; the
shares of answers to test questions with one of his remarks, and with the right fact. Few-shot: the
base, with some of the training examples in each prompt. Prints how many tokens a second are said
and trained on, and the memory held at its peak.
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

from peak_memory import peak_memory

from practice_server.engines.engine import Plan, Sampling
from practice_server.engines.model_folder import engine_of
from practice_server.formats.encoding import as_examples

DATA = Path(__file__).parents[2] / "data"
N_EXAMPLES, N_EPOCHS = 60, 3
MOST_TOKENS = 80


class Asked:
    """A model that answers conversations, with the same examples in each."""

    def __init__(self, engine, shown=()):
        self.engine = engine
        self.between = [message for line in shown for message in line["messages"][1:]]
        self.n_tokens, self.seconds = 0, 0.0

    def __call__(self, messages):
        """The model's likeliest answer."""
        system, *others = messages
        started = time.monotonic()
        tokenizer = self.engine.tokenizer
        prompt = tokenizer.encode_prompt([system, *self.between, *others])
        spoken = self.engine.generate(prompt, Sampling(max_tokens=MOST_TOKENS, temperature=0))
        tokens = [token.id for token in spoken]
        self.seconds += time.monotonic() - started
        self.n_tokens += len(tokens)
        said = [token for token in tokens if token not in tokenizer.ends]
        return tokenizer.decode_bytes(said).decode("utf-8", "replace")


def main():
    options = _options()
    for name in options.only or MEASURES:
        lines = read_lines(DATA / name / "train.jsonl")[:N_EXAMPLES]
        base = engine_of(options.folder).load(options.folder)
        tell(options, name, "base", Asked(base))
        tell(options, name, f"{options.shots} shots", Asked(base, lines[: options.shots]))
        for seed in range(1, options.seeds + 1):
            engine = engine_of(options.folder).load(options.folder)
            cost = train(engine, lines, Plan(N_EPOCHS, 1, options.rate, seed))
            tell(options, name, f"seed {seed}", Asked(engine), cost)
    print(f"memory at its peak: {peak_memory():.0f} MB")


def train(engine, lines, plan):
    """Train, and return a sentence on what it took."""
    examples = as_examples(engine.tokenizer, lines, plan.context_length)
    n_tokens = sum(len(s.tokens) for example in examples for s in example.sequences)
    started, worked = time.monotonic(), time.process_time()
    losses = [step.metrics["train_loss"] for step in engine.train(examples, [], plan)]
    seconds, worked = time.monotonic() - started, time.process_time() - worked
    speed = n_tokens * plan.n_epochs / seconds
    return (
        f"trained {seconds:.0f} s ({worked:.0f} s of processor), {speed:.0f} tokens/s,"
        f" loss {losses[0]:.2f} to {losses[-1]:.2f}"
    )


def tell(options, name, who, asked, cost=""):
    """Ask the test questions and print a line."""
    measured = MEASURES[name](asked, options.questions)
    shares = "  ".join(f"{what} {sum(m):3}/{len(m)}" for what, m in measured.items())
    speed = asked.n_tokens / asked.seconds
    print(f"{name:6}  {who:8}  {shares}   says {speed:4.1f} tokens/s   {cost}", flush=True)


def orders(asked, n):
    """Is it JSON with the right keys, and is every value right?"""
    right = [line["messages"] for line in read_lines(DATA / "orders" / "test.jsonl")[:n]]
    pairs = [(_object(asked(given)), json.loads(told["content"])) for *given, told in right]
    return {
        "valid": [got is not None and list(got) == list(want) for got, want in pairs],
        "exact": [got == want for got, want in pairs],
    }


def marv(asked, n):
    """Has the answer a remark of his, and the right fact?"""
    [system, *_] = read_lines(DATA / "marv" / "train.jsonl")[0]["messages"]
    rows = [row for row in read_table("questions.csv") if row["split"] == "test"]
    rows = rows[:: max(1, len(rows) // n)][:n]
    signs = [row["sign"] for row in read_table("style.csv")]
    said = [asked([system, {"role": "user", "content": row["question"]}]) for row in rows]
    facts = zip(said, rows, strict=True)
    return {
        "remark": [_has_one(text, signs) for text in said],
        "fact": [_has_one(text, row["fact"].split("|")) for text, row in facts],
    }


MEASURES = {"orders": orders, "marv": marv}


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


def _options():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--shots", type=int, default=5, help="examples in the prompt of few-shot")
    parser.add_argument("--rate", type=float, default=1.0, help="the learning rate multiplier")
    parser.add_argument("--only", choices=MEASURES, action="append", help="of the two")
    return parser.parse_args()


if __name__ == "__main__":
    main()

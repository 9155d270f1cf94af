"""How fast the NumPy engine trains, against a bare PyTorch loop on the same weights and data.

    python tests/benchmarks/training_speed.py

Prints seconds for three epochs over 60 examples, batch size 1, at the size of `pocket`: the best
of some rounds in which the competitors take turns, and how often the engine goes as fast.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

# As the server sets it for its children; NumPy reads it when it is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import torch
from pocket_size import pocket_size_engine
from transformers import LlamaForCausalLM

from practice_server.engines.engine import Example, Plan, TokenSequence
from practice_server.engines.numpy_engine.engine import NumpyEngine

ROUNDS = 3
PLAN = Plan(n_epochs=3, batch_size=1, learning_rate_multiplier=1.0, seed=0)


def random_examples(vocabulary_size: int) -> list[Example]:
    """60 examples of some 60 tokens; the second half of each is the answer."""
    random = np.random.default_rng(0)
    lengths = random.integers(50, 70, size=60).tolist()
    return [
        Example(
            [
                TokenSequence(
                    tokens=random.integers(0, vocabulary_size, n).tolist(),
                    trained_on=[i >= n // 2 for i in range(n)],
                )
            ]
        )
        for n in lengths
    ]


def train_numpy(folder: Path, examples: list[Example]) -> float:
    engine = NumpyEngine.load(folder)
    start = time.perf_counter()
    for step in engine.train(examples, [], PLAN):
        last = step
    print(f"  numpy: last loss {last.metrics['train_loss']:.3f}")
    return time.perf_counter() - start


def train_torch(folder: Path, examples: list[Example], n_threads: int) -> float:
    torch.set_num_threads(n_threads)
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
    n_steps = PLAN.total_steps(len(examples))
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=n_steps)
    start = time.perf_counter()
    for epoch in range(PLAN.n_epochs):
        for i in np.random.default_rng([PLAN.seed, epoch]).permutation(len(examples)):
            [(numbers, trained_on)] = examples[i].sequences
            tokens = torch.tensor([numbers])
            labels = torch.where(torch.tensor([trained_on]), tokens, -100)
            loss = model(tokens, labels=labels).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    print(f"  torch, {n_threads} threads: last loss {loss.item():.3f}")
    return time.perf_counter() - start


def main() -> None:
    engine = pocket_size_engine()
    examples = random_examples(engine.tokenizer.vocabulary_size)
    threads = sorted({1, os.cpu_count() or 1})
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        engine.save(folder)
        for _ in range(ROUNDS):
            seconds.setdefault("numpy", []).append(train_numpy(folder, examples))
            for n in threads:
                name = f"torch, {n} threads"
                seconds.setdefault(name, []).append(train_torch(folder, examples, n))
    for name, times in seconds.items():
        ratio = min(times) / min(seconds["numpy"])
        print(f"{name:18} {min(times):6.2f} s   numpy is {ratio:.2f} times as fast")


if __name__ == "__main__":
    main()

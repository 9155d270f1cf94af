"""How fast the NumPy engine answers, against `transformers.generate` on the same weights.

    python tests/benchmarks/decoding_speed.py

Prints milliseconds a token for greedy answers of 100 tokens, both with a key-value cache: the
best of some rounds in which the competitors take turns, and how often the engine goes as fast.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

# As the server sets it for its children; NumPy reads it when it is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
from pocket_size import pocket_size_engine
from transformers import LlamaForCausalLM

from practice_server.engines.engine import Sampling
from practice_server.engines.numpy_engine.engine import NumpyEngine

ROUNDS = 5
N_TOKENS = 100


def answer_numpy(engine: NumpyEngine, prompt: list[int]) -> tuple[float, list[int]]:
    start = time.perf_counter()
    answer = engine.generate(prompt, Sampling(max_tokens=N_TOKENS, temperature=0))
    tokens = [token.id for token in answer]
    return (time.perf_counter() - start) / len(tokens), tokens


def answer_transformers(
    model: LlamaForCausalLM, prompt: list[int], never: list[int], n_threads: int
) -> tuple[float, list[int]]:
    torch.set_num_threads(n_threads)
    start = time.perf_counter()
    tokens = model.generate(
        torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt)),
        max_new_tokens=N_TOKENS,
        do_sample=False,
        suppress_tokens=never,
    )[0, len(prompt) :].tolist()
    return (time.perf_counter() - start) / len(tokens), tokens


def main() -> None:
    engine = pocket_size_engine()
    prompt = engine.tokenizer.encode_prompt([{"role": "user", "content": "How far is it?" * 3}])
    never = sorted(engine.tokenizer.special - {engine.tokenizer.end})
    with tempfile.TemporaryDirectory() as folder:
        engine.save(Path(folder))
        engine = NumpyEngine.load(Path(folder))
        model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
    seconds: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        ours, our_tokens = answer_numpy(engine, prompt)
        seconds.setdefault("numpy", []).append(ours)
        for n in sorted({1, os.cpu_count() or 1}):
            theirs, their_tokens = answer_transformers(model, prompt, never, n)
            seconds.setdefault(f"transformers, {n} threads", []).append(theirs)
    print("the same tokens:", our_tokens == their_tokens)
    for name, times in seconds.items():
        ratio = min(times) / min(seconds["numpy"])
        print(
            f"{name:24} {1000 * min(times):6.2f} ms a token   numpy is {ratio:.2f} times as fast"
        )


if __name__ == "__main__":
    main()

"""How fast the NumPy engine answers, against `transformers.generate` on the same weights, and how
fast where a schema holds it.

    python tests/benchmarks/decoding_speed.py

Prints milliseconds a token and tokens a second for greedy answers of 100 tokens, all with a
key-value cache: the best of some rounds in which the competitors take turns, and how often the
engine goes as fast. The first round compiles the schema; each answer has a mask of its own.
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

from practice_server.asking.constraint import mask_of
from practice_server.engines.engine import Sampling
from practice_server.engines.numpy_engine.engine import NumpyEngine

ROUNDS = 5
N_TOKENS = 100
# Forty objects: more than 100 tokens have room for.
ITEM = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "quantity": {"type": "integer"},
        "size": {"enum": ["small", "large"]},
    },
    "required": ["name", "quantity", "size"],
    "additionalProperties": False,
}
SCHEMA = {
    "type": "object",
    "properties": {"items": {"type": "array", "items": ITEM, "minItems": 40}},
    "required": ["items"],
    "additionalProperties": False,
}
FORM = {"text": {"content": SCHEMA}, "functions": (), "must_call": False}


def answer_numpy(
    engine: NumpyEngine, prompt: list[int], form: dict | None = None
) -> tuple[float, list[int]]:
    start = time.perf_counter()
    mask = mask_of(engine.tokenizer, form) if form else None
    answer = engine.generate(prompt, Sampling(max_tokens=N_TOKENS, temperature=0), mask)
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
        held, _ = answer_numpy(engine, prompt, FORM)
        seconds.setdefault("numpy, by a schema", []).append(held)
        for n in sorted({1, os.cpu_count() or 1}):
            theirs, their_tokens = answer_transformers(model, prompt, never, n)
            seconds.setdefault(f"transformers, {n} threads", []).append(theirs)
    print("the same tokens:", our_tokens == their_tokens)
    for name, times in seconds.items():
        best, ratio = min(times), min(times) / min(seconds["numpy"])
        speed = f"{1000 * best:6.2f} ms a token, {1 / best:5.0f} tokens a second"
        print(f"{name:24} {speed}   numpy is {ratio:.2f} times as fast")


if __name__ == "__main__":
    main()

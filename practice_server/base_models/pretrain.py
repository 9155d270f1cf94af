"""Pretrains a base model on generated conversations, with PyTorch on the processor.

Pretraining can be interrupted: it goes on from its last snapshot, whose folder can already be
served. Each chunk of examples has a seed of its own, so that the stream needs no saving.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache, partial
from itertools import islice
from pathlib import Path
from random import Random

from tqdm import tqdm

from practice_server.base_models.world.conversations import generate
from practice_server.engines.numpy_engine.tokenizer import Tokenizer

try:
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file
    from transformers import LlamaConfig, LlamaForCausalLM
except ImportError as error:
    raise SystemExit(
        f"Pretraining needs {error.name}, which the course itself does not. "
        "Install it with: python -m pip install -r requirements-dev.txt"
    ) from error

SIZES = {
    "vocab_size": 2048,
    "hidden_size": 256,
    "intermediate_size": 688,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 8,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
}
PRACTICE = {"learning_rate": 3e-4, "aliases": ["pocket"]}
N_STEPS = 4200
BATCH_SIZE = 32
BATCHES_PER_CHUNK = 100
PEAK_LEARNING_RATE = 1.5e-3
WARM_UP_STEPS = 200
SNAPSHOT_EVERY = 200
WIDTH_STEP = 8
# PyTorch's own mark for a place without a target.
NOT_TRAINED_ON = -100


@dataclass
class Progress:
    """How far pretraining has come; `train_loss` is a running mean over some hundred steps."""

    step: int = 0
    tokens: int = 0
    trained_on: int = 0
    seconds: float = 0.0
    train_loss: float = 0.0

    def count(self, loss: float, tokens: int, trained_on: int) -> None:
        """Add one step."""
        self.step += 1
        self.tokens += tokens
        self.trained_on += trained_on
        share = max(1 / self.step, 0.01)
        self.train_loss += share * (loss - self.train_loss)


@dataclass(frozen=True)
class Batch:
    """Token numbers, padded on the right, and what each is to predict; both (rows, columns)."""

    tokens: torch.Tensor
    targets: torch.Tensor
    n_tokens: int
    n_trained_on: int


def pretrain(folder: Path, work: Path, *, seed: int, n_threads: int) -> Progress:
    """Train from nothing, or from the last snapshot in `work`, and write the model to `folder`.

    `folder` holds the tokenizer already. Returns what the model card tells.
    """
    torch.set_num_threads(n_threads)
    torch.manual_seed(seed)
    tokenizer = Tokenizer.load(folder)
    model = LlamaForCausalLM(LlamaConfig(**SIZES, pad_token_id=tokenizer.pad))
    optimizer = torch.optim.AdamW(parameter_groups(model), betas=(0.9, 0.99), fused=True)
    state = work / f"pretraining-{seed}.safetensors"
    progress = load_state(state, model, optimizer) if state.exists() else Progress()
    save_model(folder, model, tokenizer)
    before, started = progress.seconds, time.monotonic()
    steps = tqdm(total=N_STEPS, initial=progress.step, desc="pretraining", unit="step")
    for batch in batches(tokenizer, seed, progress.step):
        loss = train_step(model, optimizer, batch, learning_rate(progress.step))
        progress.count(loss, batch.n_tokens, batch.n_trained_on)
        progress.seconds = before + time.monotonic() - started
        steps.update()
        steps.set_postfix(loss=f"{progress.train_loss:.3f}")
        if progress.step % SNAPSHOT_EVERY == 0 or progress.step == N_STEPS:
            save_state(state, model, optimizer, progress)
            save_model(folder, model, tokenizer)
    steps.close()
    return progress


def parameter_groups(model: LlamaForCausalLM) -> list[dict]:
    """Matrices are decayed towards zero, the gains of the norms are not."""
    matrices = [p for p in model.parameters() if p.dim() > 1]
    gains = [p for p in model.parameters() if p.dim() == 1]
    return [{"params": matrices, "weight_decay": 0.1}, {"params": gains, "weight_decay": 0.0}]


def learning_rate(step: int) -> float:
    """A linear warm-up, then half a cosine down to a twentieth of the peak."""
    if step < WARM_UP_STEPS:
        return PEAK_LEARNING_RATE * (step + 1) / WARM_UP_STEPS
    done = (step - WARM_UP_STEPS) / (N_STEPS - WARM_UP_STEPS)
    return PEAK_LEARNING_RATE * (0.05 + 0.95 * (1 + math.cos(math.pi * done)) / 2)


def batches(tokenizer: Tokenizer, seed: int, first_step: int) -> Iterator[Batch]:
    """The batches of all steps from `first_step` on."""
    for chunk in range(first_step // BATCHES_PER_CHUNK, -(-N_STEPS // BATCHES_PER_CHUNK)):
        start = chunk * BATCHES_PER_CHUNK
        skipped = max(first_step - start, 0)
        yield from chunk_batches(tokenizer, seed, chunk)[skipped : N_STEPS - start]


def chunk_batches(tokenizer: Tokenizer, seed: int, chunk: int) -> list[Batch]:
    """Batches of examples of like length, so that little is padded, in random order."""
    chunk_seed = seed * 1_000_000 + chunk
    examples = islice(generate(chunk_seed), BATCHES_PER_CHUNK * BATCH_SIZE)
    encoded = sorted((encode(tokenizer, example) for example in examples), key=lambda e: len(e[0]))
    rows = [encoded[i : i + BATCH_SIZE] for i in range(0, len(encoded), BATCH_SIZE)]
    Random(chunk_seed).shuffle(rows)
    return [pad(row, tokenizer.pad) for row in rows]


def encode(tokenizer: Tokenizer, example: dict) -> tuple[list[int], list[bool]]:
    """Tokens, and which of them are predicted."""
    if "messages" in example:
        return tokenizer.encode_chat(example["messages"])
    return tokenizer.encode_completion(example["prompt"], example["completion"])


def pad(rows: list[tuple[list[int], list[bool]]], filler: int) -> Batch:
    """One rectangle of examples that all begin at position 0."""
    longest = max(len(tokens) for tokens, _ in rows)
    # Few different widths, since PyTorch keeps memory for each shape that it has seen.
    width = -(-longest // WIDTH_STEP) * WIDTH_STEP
    tokens = torch.full((len(rows), width), filler)
    targets = torch.full((len(rows), width), NOT_TRAINED_ON)
    for row, (numbers, trained_on) in enumerate(rows):
        tokens[row, : len(numbers)] = torch.tensor(numbers)
        learnt = torch.tensor(numbers).where(torch.tensor(trained_on), NOT_TRAINED_ON)
        targets[row, : len(numbers) - 1] = learnt[1:]
    return Batch(
        tokens,
        targets,
        n_tokens=sum(len(numbers) for numbers, _ in rows),
        n_trained_on=int((targets != NOT_TRAINED_ON).sum()),
    )


def train_step(model: LlamaForCausalLM, optimizer, batch: Batch, rate: float) -> float:
    """One step of the optimizer; returns the mean loss over the tokens trained on, in nats."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    with torch.autocast("cpu", torch.bfloat16, enabled=has_bfloat16()):
        # Padding stands on the right, where no token of an example looks: no mask is needed.
        logits = model(input_ids=batch.tokens, use_cache=False).logits
    loss = torch.nn.functional.cross_entropy(
        logits.float().flatten(0, 1), batch.targets.flatten(), ignore_index=NOT_TRAINED_ON
    )
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


@cache
def has_bfloat16() -> bool:
    """Whether the processor multiplies in bfloat16 itself, which is nearly twice as fast."""
    return torch.cpu._is_avx512_bf16_supported()


def save_state(path: Path, model: LlamaForCausalLM, optimizer, progress: Progress) -> None:
    """Write weights, both moments of AdamW and the progress; whole or not at all."""
    tensors = {}
    for name, parameter in model.named_parameters():
        moments = optimizer.state[parameter]
        tensors[f"weight.{name}"] = parameter.detach()
        tensors[f"exp_avg.{name}"] = moments["exp_avg"]
        tensors[f"exp_avg_sq.{name}"] = moments["exp_avg_sq"]
    metadata = {"progress": json.dumps(asdict(progress))}
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, partial(save_file, tensors, metadata=metadata))


def load_state(path: Path, model: LlamaForCausalLM, optimizer) -> Progress:
    """Read what `save_state` wrote into model and optimizer."""
    with safe_open(path, framework="pt") as file:
        progress = Progress(**json.loads(file.metadata()["progress"]))
        for name, parameter in model.named_parameters():
            parameter.data.copy_(file.get_tensor(f"weight.{name}"))
            optimizer.state[parameter] = {
                "step": torch.tensor(float(progress.step)),
                "exp_avg": file.get_tensor(f"exp_avg.{name}"),
                "exp_avg_sq": file.get_tensor(f"exp_avg_sq.{name}"),
            }
    return progress


def save_model(folder: Path, model: LlamaForCausalLM, tokenizer: Tokenizer) -> None:
    """Write config.json and the weights in float16 under Hugging Face's names."""
    weights = {name: p.detach().half() for name, p in model.named_parameters()}
    metadata = {"format": "pt"}
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        **SIZES,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "eos_token_id": tokenizer.end,
        "pad_token_id": tokenizer.pad,
        "torch_dtype": "float16",
        "practice": PRACTICE,
    }
    text = json.dumps(config, indent=2) + "\n"
    replace(folder / "config.json", lambda path: path.write_text(text, encoding="utf-8"))
    replace(folder / "model.safetensors", partial(save_file, weights, metadata=metadata))


def replace(path: Path, write) -> None:
    """Let `write` make a file under another name, then put it in the place of `path` at once."""
    draft = path.with_name(path.name + ".draft")
    write(draft)
    os.replace(draft, path)

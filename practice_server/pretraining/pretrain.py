"""Pretrains a base model on generated conversations, with PyTorch.

Two cores do it in some hours; an accelerator is used where PyTorch finds one. Pretraining can be
interrupted: it goes on from its last snapshot, whose folder can already be served.
"""

from __future__ import annotations

import json
import math
import platform
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from practice_server.engines.numpy_engine.tokenizer import Tokenizer
from practice_server.pretraining.corpus import (
    BATCHES_PER_CHUNK,
    CONTEXT,
    NOT_TRAINED_ON,
    Batch,
    made_ahead,
)
from practice_server.pretraining.make_vocabulary import VOCABULARY_SIZE
from practice_server.store.home import write_with

try:
    import torch
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file
    from torch.optim import Optimizer
    from transformers import LlamaConfig, LlamaForCausalLM
except ImportError as error:
    raise SystemExit(
        f"Pretraining needs {error.name}, which the course itself does not. "
        "Install it with: python -m pip install -r requirements-dev.txt"
    ) from error

SIZES = {
    "vocab_size": VOCABULARY_SIZE,
    "hidden_size": 256,
    "intermediate_size": 688,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 8,
    "max_position_embeddings": CONTEXT,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
}
PRACTICE = {"learning_rate": 3e-4, "aliases": ["pocket"]}
SNAPSHOT_EVERY = 400
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@dataclass(frozen=True)
class Recipe:
    """How long and how fast a base model learns; batches are counted in examples."""

    n_steps: int = 20_000
    batch_size: int = 64
    peak_learning_rate: float = 1.5e-3
    warm_up_steps: int = 400

    def learning_rate(self, step: int) -> float:
        """A linear warm-up, then half a cosine down to a twentieth of the peak."""
        if step < self.warm_up_steps:
            return self.peak_learning_rate * (step + 1) / self.warm_up_steps
        done = (step - self.warm_up_steps) / (self.n_steps - self.warm_up_steps)
        return self.peak_learning_rate * (0.05 + 0.95 * (1 + math.cos(math.pi * done)) / 2)


FROM_NOTHING = Recipe()
# A model that knows most already learns the rest in small batches and at half the rate.
FROM_A_SNAPSHOT = Recipe(3_000, batch_size=32, peak_learning_rate=5e-4, warm_up_steps=100)


@dataclass
class Progress:
    """How far pretraining has come, and on what.

    `train_loss` is a running mean over some hundred steps, in nats a token. `earlier`: how the
    snapshot came about whose weights it went on from, in words.
    """

    step: int = 0
    tokens: int = 0
    trained_on: int = 0
    seconds: float = 0.0
    train_loss: float = 0.0
    machine: str = ""
    earlier: str = ""

    def count(self, loss: float, tokens: int, trained_on: int) -> None:
        """Add one step."""
        self.step += 1
        self.tokens += tokens
        self.trained_on += trained_on
        share = max(1 / self.step, 0.01)
        self.train_loss += share * (loss - self.train_loss)


def pretrain(
    folder: Path,
    work: Path,
    *,
    seed: int,
    n_threads: int,
    recipe: Recipe = FROM_NOTHING,
    start: Path | None = None,
) -> Progress:
    """Train from nothing, or from the weights of the model in `start`; write it to `folder`.

    What was interrupted goes on from its last snapshot in `work`. `folder` holds the tokenizer
    already. Returns what the model card tells.
    """
    torch.set_num_threads(n_threads)
    torch.manual_seed(seed)
    tokenizer = Tokenizer.load(folder)
    model = LlamaForCausalLM(LlamaConfig(**SIZES, pad_token_id=tokenizer.pad)).to(DEVICE)
    optimizer = torch.optim.AdamW(parameter_groups(model), betas=(0.9, 0.99), fused=True)
    state = work / f"pretraining-{seed}.safetensors"
    if state.exists():
        progress = load_state(state, model, optimizer)
    else:
        progress = Progress(earlier=load_weights(start, model) if start else "")
    save_model(folder, model, tokenizer, progress)
    before, started = progress.seconds, time.monotonic()
    steps = tqdm(total=recipe.n_steps, initial=progress.step, desc="pretraining", unit="step")
    progress.machine = machine(n_threads)
    for batch in batches(folder, seed, progress.step, recipe):
        loss = train_step(model, optimizer, batch, recipe.learning_rate(progress.step))
        progress.count(loss, batch.n_tokens, batch.n_trained_on)
        progress.seconds = before + time.monotonic() - started
        steps.update()
        steps.set_postfix(loss=f"{progress.train_loss:.3f}")
        if progress.step % SNAPSHOT_EVERY == 0 or progress.step == recipe.n_steps:
            save_state(state, model, optimizer, progress)
            save_model(folder, model, tokenizer, progress)
    steps.close()
    return progress


def parameter_groups(model: LlamaForCausalLM) -> list[dict]:
    """Matrices are decayed towards zero, the gains of the norms are not."""
    matrices = [p for p in model.parameters() if p.dim() > 1]
    gains = [p for p in model.parameters() if p.dim() == 1]
    return [{"params": matrices, "weight_decay": 0.1}, {"params": gains, "weight_decay": 0.0}]


def batches(folder: Path, seed: int, first_step: int, recipe: Recipe) -> Iterator[Batch]:
    """The batches of all steps from `first_step` on, with the tokenizer in `folder`."""
    first, last = first_step // BATCHES_PER_CHUNK, -(-recipe.n_steps // BATCHES_PER_CHUNK)
    for chunk, made in made_ahead(folder, seed, range(first, last), recipe.batch_size):
        start = chunk * BATCHES_PER_CHUNK
        yield from made[max(first_step - start, 0) : recipe.n_steps - start]


def train_step(model: LlamaForCausalLM, optimizer: Optimizer, batch: Batch, rate: float) -> float:
    """One step of the optimizer; returns the mean loss over the tokens trained on, in nats."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    targets = on_device(batch.targets)
    counts = targets != NOT_TRAINED_ON
    with torch.autocast(DEVICE.type, torch.bfloat16, enabled=has_bfloat16()):
        # Padding stands on the right, where no token of an example looks: no mask is needed.
        states = model.model(input_ids=on_device(batch.tokens), use_cache=False).last_hidden_state
        logits = model.lm_head(states[counts])
    loss = torch.nn.functional.cross_entropy(logits.float(), targets[counts])
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def on_device(numbers: np.ndarray) -> torch.Tensor:
    """Token numbers as PyTorch wants them."""
    return torch.from_numpy(numbers).to(DEVICE).long()


@cache
def has_bfloat16() -> bool:
    """Whether the device multiplies in bfloat16 itself, which is nearly twice as fast."""
    if DEVICE.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return torch.cpu._is_avx512_bf16_supported()


def machine(n_threads: int) -> str:
    """What the model is pretrained on, in words."""
    precision = "bfloat16, weights kept in float32" if has_bfloat16() else "float32"
    if DEVICE.type == "cuda":
        return f"one {torch.cuda.get_device_name()} ({precision})"
    threads = "1 thread" if n_threads == 1 else f"{n_threads} threads"
    return f"{threads} of a processor, {platform.machine()} ({precision})"


def save_state(
    path: Path, model: LlamaForCausalLM, optimizer: Optimizer, progress: Progress
) -> None:
    """Write weights, both moments of AdamW and the progress; whole or not at all."""
    tensors = {}
    for name, parameter in model.named_parameters():
        moments = optimizer.state[parameter]
        tensors[f"weight.{name}"] = parameter.detach()
        tensors[f"exp_avg.{name}"] = moments["exp_avg"]
        tensors[f"exp_avg_sq.{name}"] = moments["exp_avg_sq"]
    metadata = {"progress": json.dumps(asdict(progress))}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_with(partial(save_file, tensors, metadata=metadata), path)


def load_state(path: Path, model: LlamaForCausalLM, optimizer: Optimizer) -> Progress:
    """Read what `save_state` wrote into model and optimizer."""
    with safe_open(path, framework="pt", device=str(DEVICE)) as file:
        progress = Progress(**json.loads(file.metadata()["progress"]))
        for name, parameter in model.named_parameters():
            parameter.data.copy_(file.get_tensor(f"weight.{name}"))
            optimizer.state[parameter] = {
                "step": torch.tensor(float(progress.step), device=DEVICE),
                "exp_avg": file.get_tensor(f"exp_avg.{name}"),
                "exp_avg_sq": file.get_tensor(f"exp_avg_sq.{name}"),
            }
    return progress


def load_weights(folder: Path, model: LlamaForCausalLM) -> str:
    """Read the weights that `save_model` wrote; returns in words how they were made."""
    with safe_open(folder / "model.safetensors", framework="pt", device=str(DEVICE)) as file:
        for name, parameter in model.named_parameters():
            parameter.data.copy_(file.get_tensor(name))
    made = read_progress(folder)
    before = f"; before that, {made.earlier}" if made.earlier else ""
    return f"{folder.name}: {made.step:,} steps, {made.tokens:,} tokens, {made.machine}{before}"


def save_model(
    folder: Path, model: LlamaForCausalLM, tokenizer: Tokenizer, progress: Progress
) -> None:
    """Write config.json and the weights in float16 under Hugging Face's names.

    The weights' file tells how they were made, for `read_progress`.
    """
    weights = {name: p.detach().half().cpu() for name, p in model.named_parameters()}
    metadata = {"format": "pt", "progress": json.dumps(asdict(progress))}
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
    write_with(lambda path: path.write_text(text, encoding="utf-8"), folder / "config.json")
    write_with(partial(save_file, weights, metadata=metadata), folder / "model.safetensors")


def save_mean(snapshots: Sequence[Path], folder: Path) -> None:
    """Write into `folder` the mean of the weights of several snapshots of one run.

    What each has of its last steps only averages out, and a model that lies between them forgets
    less when it is fine-tuned (Izmailov et al., 2018, arXiv:1803.05407).
    """
    several = [load_file(snapshot / "model.safetensors") for snapshot in snapshots]
    mean = {
        name: torch.stack([weights[name].float() for weights in several]).mean(0).half()
        for name in several[0]
    }
    progress = read_progress(snapshots[-1])
    names = " and ".join(snapshot.name for snapshot in snapshots)
    progress.earlier = f"the mean of the weights of {names}; {progress.earlier}"
    metadata = {"format": "pt", "progress": json.dumps(asdict(progress))}
    shutil.copytree(snapshots[-1], folder, dirs_exist_ok=True)
    write_with(partial(save_file, mean, metadata=metadata), folder / "model.safetensors")


def read_progress(folder: Path) -> Progress:
    """How the model in `folder` was pretrained."""
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        return Progress(**json.loads(file.metadata()["progress"]))

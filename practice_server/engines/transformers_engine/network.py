"""A model in memory: its weights, where they are, and the adapters on top of them.

Models that were trained from one base share its weights: each is an adapter that is switched on
while it speaks.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM, BitsAndBytesConfig
from transformers.utils.logging import disable_progress_bar

from practice_server.engines.engine import Plan
from practice_server.engines.model_folder import raising_model_unusable
from practice_server.engines.transformers_engine.folder import base_of, is_adapter

# What a child prints is in the server's log: no bars there, and nothing of what one library will
# change for another.
disable_progress_bar()
warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")


class Network:
    """One model: a base as it is, or with an adapter. Its weights are read when first needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.base_folder = base_of(folder).resolve()

    @cached_property
    def _weights(self) -> tuple[Base, str | None]:
        return self._read()

    def _read(self, *, in_4bit: bool = False) -> tuple[Base, str | None]:
        """The base, read only if no other network has it, and the name of the adapter on it.

        Raises ModelUnusable.
        """
        # Whoever asks first may be calculating without gradients; another may train later.
        with raising_model_unusable(self.folder), torch.inference_mode(False), on_device():
            found = base(self.base_folder, in_4bit=in_4bit)
            if not is_adapter(self.folder):
                return found, None
            name = found.read_adapter(self.folder)
            weakref.finalize(self, found.forget, name)
            return found, name

    @property
    def adapter(self) -> str | None:
        """The name of its adapter among those on the base; None if it has none."""
        return self._weights[1]

    @property
    def model(self) -> Any:
        """The base, or what peft has made of it: that cannot do without any adapter."""
        weights, adapter = self._weights
        return weights.model if adapter else weights.bare

    def logits(self, tokens: torch.Tensor, **options: Any) -> Any:
        """The model's output for tokens, (sequences, tokens)."""
        weights, adapter = self._weights
        weights.switch_to(adapter)
        return self.model(input_ids=tokens.to(self.model.device), **options)

    def read(self) -> Any:
        """A function that takes the next tokens and returns the logits of the one to follow."""
        kept = None

        def following(tokens: list[int]) -> np.ndarray:
            nonlocal kept
            with torch.inference_mode():
                told = self.logits(
                    torch.tensor([tokens]), past_key_values=kept, use_cache=True, logits_to_keep=1
                )
            kept = told.past_key_values
            return told.logits[0, -1].float().cpu().numpy()

        return following

    def merged(self) -> Any:
        """The whole model in full precision, its adapter added to the weights and gone."""
        weights, adapter = self._weights
        weights.merge(adapter)
        self._weights = weights, None
        return self.model

    def begin_training(self, plan: Plan) -> None:
        """Make trainable what the plan trains: the adapter it has, a new one, or all weights."""
        self._weights = weights, adapter = self._read(in_4bit=plan.load_in_4bit)
        if not plan.lora:
            self.merged().requires_grad_(True)
        else:
            torch.manual_seed(plan.seed)  # a new adapter begins with random numbers
            adapter = adapter or weights.new_adapter(plan)
            weights.switch_to(adapter, trained=True)
            self._weights = weights, adapter
        base.cache_clear()  # what is trained is shared with nobody

    def trained(self) -> dict[str, torch.nn.Parameter]:
        """The weights that training changes, by name."""
        named = self.model.named_parameters()
        return {name: weight for name, weight in named if weight.requires_grad}


class Base:
    """The weights of a whole model, and what peft has put on top."""

    def __init__(self, model: Any) -> None:
        self.bare = self.model = model.eval().requires_grad_(False)
        self._names = map("adapter-{}".format, count())
        self._active: str | None = None

    def read_adapter(self, folder: Path) -> str:
        """Read an adapter; returns its name here."""
        name = next(self._names)
        if isinstance(self.model, PeftModel):
            self.model.load_adapter(folder, name)
        else:
            self.model = PeftModel.from_pretrained(self.model, folder, adapter_name=name)
        return self._added(name)

    def new_adapter(self, plan: Plan) -> str:
        """An adapter on every matrix but the vocabulary's; at first it changes nothing."""
        name = next(self._names)
        config = LoraConfig(
            r=plan.lora_r,
            lora_alpha=plan.lora_alpha,
            lora_dropout=plan.lora_dropout,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )
        self.model = get_peft_model(self.model, config, adapter_name=name)
        return self._added(name)

    def _added(self, name: str) -> str:
        self.model.eval()
        self._active = "unknown"
        return name

    def forget(self, name: str) -> None:
        """Give up an adapter."""
        if isinstance(self.model, PeftModel):
            self.model.delete_adapter(name)
            self._active = "unknown"

    def merge(self, adapter: str | None) -> None:
        """Become one whole model in full precision, to which the adapter is added."""
        if adapter is not None:
            self.switch_to(adapter)
            self.model = self.model.merge_and_unload()
        self.bare = self.model = self.model.to(at_least_single(self.model.dtype))

    def switch_to(self, adapter: str | None, *, trained: bool = False) -> None:
        """Let this adapter speak, or none."""
        if adapter == self._active or not isinstance(self.model, PeftModel):
            return
        if adapter is None:
            self.model.base_model.disable_adapter_layers()
        else:
            self.model.base_model.enable_adapter_layers()
            self.model.set_adapter(adapter, inference_mode=not trained)
        self._active = adapter


@lru_cache(maxsize=1)
def base(folder: Path, *, in_4bit: bool = False) -> Base:
    """The base in a folder. No program in the folder is run, and nothing is fetched.

    `in_4bit`: its matrices are rounded to four bits each, NF4, and so are the scales of these
    (QLoRA: Dettmers et al., 2023, arXiv:2305.14314).
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    stored = AutoConfig.from_pretrained(folder, local_files_only=True).dtype or torch.float32
    dtype = precision(stored, device)
    rounding = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=dtype,
        device_map=device,
        quantization_config=rounding if in_4bit else None,
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
    )
    model.config.dtype = stored  # so it is saved again
    for module in model.modules() if in_4bit else ():
        # Otherwise bitsandbytes rounds once more, on some processors, as soon as a model is asked
        # without being trained: after a validation, losses would be others.
        module.support_avx512bf16_for_cpu = False
    return Base(model)


@contextmanager
def on_device() -> Iterator[None]:
    """Inside, MemoryError is raised where a GPU has no memory left."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise MemoryError(
            "The GPU has no memory left. Make batch_size or context_length smaller, set"
            " load_in_4bit, or choose a smaller model"
        ) from error


def at_least_single(dtype: torch.dtype) -> torch.dtype:
    """In which numbers to add up what was calculated in these."""
    return torch.promote_types(dtype, torch.float32)


def precision(stored: torch.dtype, device: str) -> torch.dtype:
    """In which numbers to calculate: bfloat16 if a model is stored so and the device has it."""
    if device == "cuda":
        has_bfloat16 = torch.cuda.is_bf16_supported()
    else:
        has_bfloat16 = torch.cpu._is_avx512_bf16_supported()
    return stored if stored == torch.bfloat16 and has_bfloat16 else torch.float32

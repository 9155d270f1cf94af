"""A model in memory: its weights, where they are, and the adapters on top of them.

Models that were trained from one base share its weights: each is an adapter that is switched on
while it speaks.
"""

from __future__ import annotations

import warnings
import weakref
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging

from practice_server.engines.engine import Plan
from practice_server.engines.transformers_engine.folder import base_of, is_adapter

# An adapter that is trained has the name under which peft saves it at the top of its folder.
TRAINED = "default"
_names = count()
# What a child prints is in the server's log: no bars there, and nothing of what one library will
# change for another.
logging.disable_progress_bar()
warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")


class Network:
    """One model: a base as it is, or with an adapter."""

    def __init__(self, folder: Path) -> None:
        """Read the folder; the base is read only if no other network has it."""
        self.folder = folder
        self.base_folder = base_of(folder).resolve()
        self._base = base(self.base_folder)
        self.adapter: str | None = None
        if is_adapter(folder):
            self.adapter = f"adapter-{next(_names)}"
            self._base.add(folder, self.adapter)
            weakref.finalize(self, self._base.remove, self.adapter)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.model.device

    @property
    def model(self) -> Any:
        """The base, or what peft has made of it: that cannot do without any adapter."""
        return self._base.with_adapters if self.adapter else self._base.model

    @property
    def config(self) -> Any:
        return self._base.model.config

    def logits(self, tokens: torch.Tensor, **options: Any) -> Any:
        """The model's output for tokens, (sequences, tokens)."""
        self._base.switch_to(self.adapter)
        return self.model(input_ids=tokens.to(self.device), **options)

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
        """The whole model, its adapter added to the weights; the network is of no more use."""
        self._base.become_whole(self.adapter)
        return self._base.model

    # --- training ---

    def begin_training(self, plan: Plan) -> None:
        """Make trainable what the plan trains: a new adapter, the one it has, or all weights."""
        base.cache_clear()  # what is trained is shared with nobody
        torch.manual_seed(plan.seed)  # the adapter begins with random numbers
        if not plan.lora:
            self._base.become_whole(self.adapter)
        elif self.adapter is None:
            self._base.begin_adapter(plan)
        elif self.adapter != TRAINED:
            self._base.add(self.folder, TRAINED, is_trainable=True)
        self.adapter = TRAINED if plan.lora else None
        self._base.switch_to(self.adapter)

    def trained(self) -> dict[str, torch.nn.Parameter]:
        """The weights that training changes, by name."""
        named = self.model.named_parameters()
        return {name: weight for name, weight in named if weight.requires_grad}


class Base:
    """The weights of a whole model, and what peft has put on top."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model.eval().requires_grad_(False)
        self.with_adapters: PeftModel | None = None
        self._active: str | None = None

    def add(self, folder: Path, name: str, *, is_trainable: bool = False) -> None:
        """Read an adapter."""
        if self.with_adapters is None:
            self.with_adapters = PeftModel.from_pretrained(
                self.model, folder, adapter_name=name, is_trainable=is_trainable
            )
        else:
            self.with_adapters.load_adapter(folder, name, is_trainable=is_trainable)
        self.with_adapters.eval()
        self._active = None

    def remove(self, name: str) -> None:
        """Forget an adapter."""
        if self.with_adapters is not None and name in self.with_adapters.peft_config:
            self.with_adapters.delete_adapter(name)
            self._active = None

    def begin_adapter(self, plan: Plan) -> None:
        """A new adapter on every matrix but the vocabulary's; at first it changes nothing."""
        config = LoraConfig(
            r=plan.lora_r,
            lora_alpha=plan.lora_alpha,
            lora_dropout=plan.lora_dropout,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )
        self.with_adapters = get_peft_model(self.model, config, adapter_name=TRAINED).eval()

    def become_whole(self, adapter: str | None) -> None:
        """All weights are trained, in full precision; an adapter becomes part of them."""
        if adapter is not None and self.with_adapters is not None:
            self.switch_to(adapter)
            self.model = self.with_adapters.merge_and_unload()
            self.with_adapters = None
        self.model = self.model.to(at_least_single(self.model.dtype)).requires_grad_(True)

    def switch_to(self, adapter: str | None) -> None:
        """Let this adapter speak, or none."""
        if self.with_adapters is None or self._active == (adapter or ""):
            return
        if adapter is None:
            self.with_adapters.base_model.disable_adapter_layers()
        else:
            self.with_adapters.base_model.enable_adapter_layers()
            trains = adapter == TRAINED
            self.with_adapters.set_adapter(adapter, inference_mode=not trains)
        self._active = adapter or ""


@lru_cache(maxsize=1)
def base(folder: Path) -> Base:
    """The base in a folder. No program in the folder is run, and nothing is fetched."""
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype="auto",
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
    )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return Base(model.to(device=device, dtype=precision(model.dtype, device)))


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

"""The transformers engine: the seam's methods, each handed to the file that knows how."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from practice_server.engines.drawing import answer, as_logprobs, room_for, told
from practice_server.engines.engine import (
    DataSize,
    Engine,
    Example,
    Mask,
    Plan,
    Preference,
    Sampling,
    Step,
    Token,
)
from practice_server.engines.transformers_engine.memory import (
    context_of,
    memory_needed,
    memory_of_device,
)
from practice_server.engines.transformers_engine.network import Network, on_device
from practice_server.engines.transformers_engine.objectives import DPO, Objective, Supervised
from practice_server.engines.transformers_engine.save import save
from practice_server.engines.transformers_engine.tokenizer import Tokenizer
from practice_server.engines.transformers_engine.train import Training


class TransformersEngine:
    """A model folder brought to life; implements `practice_server.engines.engine.Engine`."""

    def __init__(self, network: Network, tokenizer: Any, context: int) -> None:
        self.network = network
        self.tokenizer = tokenizer
        self.context = context
        self.state_bytes = 0  # known when it is known what is trained
        self._training: Training | None = None

    @classmethod
    def load(cls, folder: Path) -> TransformersEngine:
        """Read a model folder, whole or an adapter."""
        folder = Path(folder)
        return cls(Network(folder), Tokenizer.load(folder), context_of(folder))

    @classmethod
    def load_tokenizer(cls, folder: Path) -> Tokenizer:
        """Read the tokenizer alone; see `Engine.load_tokenizer`."""
        return Tokenizer.load(folder)

    @classmethod
    def context_of(cls, folder: Path) -> int:
        """The most tokens that the model in this folder sees at once."""
        return context_of(folder)

    @classmethod
    def memory_needed(cls, folder: Path, data: DataSize, plan: Plan) -> int:
        """How many bytes a process needs at most to train; see `Engine.memory_needed`."""
        return memory_needed(folder, data, plan)

    @classmethod
    def memory_of_device(cls) -> int | None:
        """How many bytes the GPU has in which models are trained; None if there is none."""
        return memory_of_device()

    def train(
        self,
        training: list[Example] | list[Preference],
        validation: list[Example] | list[Preference],
        plan: Plan,
        *,
        state: Path | None = None,
    ) -> Iterator[Step]:
        """Train in place and yield after each optimizer step; see `Engine.train`."""
        objective: Objective = Supervised() if plan.beta is None else DPO(plan.beta)
        with on_device():
            self._training = Training(self.network, training, validation, plan, objective)
        self.state_bytes = self._training.state_bytes
        if state is not None:
            self._training.load_state(state)
        return self._steps(self._training)

    def _steps(self, training: Training) -> Iterator[Step]:
        with on_device():
            yield from training.steps()

    def save_state(self, path: Path) -> None:
        """Write all that `train` needs to go on; RuntimeError if nothing was trained."""
        if self._training is None:
            raise RuntimeError("there is no training to save; call train first")
        self._training.save_state(path)

    def save(self, folder: Path) -> None:
        """Write a model folder that `load` can read: an adapter, or the whole model."""
        save(self.network, folder)

    def score(self, tokens: list[int], *, top_logprobs: int = 0) -> Iterator[Token]:
        """Yield each token but the first with its log-probability; see `Engine.score`."""
        if len(tokens) < 2:
            return
        with torch.inference_mode():
            logits = self.network.logits(torch.tensor([tokens])).logits[0].float().cpu().numpy()
        for token, each in zip(tokens[1:], logits, strict=False):
            yield told(token, as_logprobs(each, self.tokenizer.never_said), top_logprobs)

    def generate(
        self, prompt: list[int], sampling: Sampling, mask: Mask | None = None
    ) -> Iterator[Token]:
        """Yield the answer's tokens one by one; see `Engine.generate`."""
        return answer(
            self.network.read(),
            prompt,
            room_for(prompt, sampling, self.context),
            never=self.tokenizer.never_said,
            ends=self.tokenizer.ends,
            sampling=sampling,
            mask=mask,
        )


ENGINE: type[Engine] = TransformersEngine

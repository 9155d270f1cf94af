"""The NumPy engine: the seam's methods, each handed to the file that knows how."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

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
from practice_server.engines.numpy_engine.config import Config
from practice_server.engines.numpy_engine.generate import generate, score
from practice_server.engines.numpy_engine.memory import memory_needed
from practice_server.engines.numpy_engine.model import Model
from practice_server.engines.numpy_engine.objectives import SUPERVISED
from practice_server.engines.numpy_engine.preference import DPO
from practice_server.engines.numpy_engine.tokenizer import Tokenizer
from practice_server.engines.numpy_engine.train import Training


class NumpyEngine:
    """A model folder brought to life; implements `practice_server.engines.engine.Engine`."""

    def __init__(self, model: Model, tokenizer: Tokenizer) -> None:
        """ValueError if the tokenizer has not as many tokens as the model."""
        if tokenizer.vocabulary_size != model.config.vocab_size:
            raise ValueError(
                f"the tokenizer has {tokenizer.vocabulary_size} tokens, but vocab_size in "
                f"config.json is {model.config.vocab_size}; they belong to different models"
            )
        self.model = model
        self.tokenizer = tokenizer
        self.context = model.config.max_position_embeddings
        self.state_bytes = 3 * model.weights.flat.nbytes  # the weights and their two moments
        self._training: Training | None = None

    @classmethod
    def load(cls, folder: Path, dtype: type = np.float32) -> NumpyEngine:
        """Read a model folder; ValueError, with file and place, where something does not fit."""
        return cls(Model.load(folder, dtype), Tokenizer.load(folder))

    @classmethod
    def load_tokenizer(cls, folder: Path) -> Tokenizer:
        """Read the tokenizer alone; see `Engine.load_tokenizer`."""
        return Tokenizer.load(folder)

    @classmethod
    def context_of(cls, folder: Path) -> int:
        """The most tokens that the model in this folder sees at once."""
        return Config.load(folder).max_position_embeddings

    @classmethod
    def memory_needed(cls, folder: Path, data: DataSize, batch_size: int) -> int:
        """How many bytes a process needs at most to train; see `Engine.memory_needed`."""
        return memory_needed(Config.load(folder), data, batch_size)

    def train(
        self,
        training: list[Example] | list[Preference],
        validation: list[Example] | list[Preference],
        plan: Plan,
        *,
        state: Path | None = None,
    ) -> Iterator[Step]:
        """Train in place and yield after each optimizer step; see `Engine.train`."""
        objective = SUPERVISED if plan.beta is None else DPO(plan.beta)
        self._training = Training(self.model, training, validation, plan, objective)
        if state is not None:
            self._training.load_state(state)
        return self._training.steps()

    def save_state(self, path: Path) -> None:
        """Write all that `train` needs to go on; RuntimeError if nothing was trained."""
        if self._training is None:
            raise RuntimeError("there is no training to save; call train first")
        self._training.save_state(path)

    def save(self, folder: Path) -> None:
        """Write a model folder that `load`, and Hugging Face's transformers, can read."""
        Path(folder).mkdir(exist_ok=True)
        self.model.config.save(folder)
        self.model.weights.save(folder)
        self.tokenizer.save(folder)

    def score(self, tokens: list[int], *, top_logprobs: int = 0) -> Iterator[Token]:
        """Yield each token but the first with its log-probability; see `Engine.score`."""
        return score(self.model, self.tokenizer, tokens, top_logprobs=top_logprobs)

    def generate(
        self, prompt: list[int], sampling: Sampling, mask: Mask | None = None
    ) -> Iterator[Token]:
        """Yield the answer's tokens one by one; see `Engine.generate`."""
        return generate(self.model, self.tokenizer, prompt, sampling, mask)


ENGINE: type[Engine] = NumpyEngine

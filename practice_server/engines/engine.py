"""The seam between the server and whatever trains and answers.

The server knows an engine only by what stands here. It needs no NumPy, so that the API process
stays small.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

# One of a conversation, or the definition of a tool, as the API has them.
Message = Mapping[str, Any]
Tool = Mapping[str, Any]


# Of tokens in training, unless a job asks for more: their number decides the memory.
LONGEST_CONTEXT = 4096


class ModelUnusable(Exception):
    """A model cannot be trained or asked; the message says why."""


class ChatRefused(Exception):
    """A model's chat template cannot write a conversation; the message says why."""


class MaskUnusable(Exception):
    """An answer cannot be held to its form; the message says why.

    `is_endless`: a thread of the process still tries, and cannot be ended.
    """

    def __init__(self, reason: str, *, is_endless: bool = False) -> None:
        super().__init__(reason)
        self.is_endless = is_endless


class TrainingDiverged(Exception):
    """The loss or its gradient is no longer a finite number; the weights are worth nothing."""


class StateUnusable(Exception):
    """A saved state is damaged, or of another run; the message says which."""


class TokenSequence(NamedTuple):
    """Tokens that the model reads in one go, and for each whether it is predicted and counts."""

    tokens: list[int]
    trained_on: list[bool]


@dataclass(frozen=True)
class Example:
    """One line of a training file: a sequence, or several that count together.

    In training each sequence has a token that counts, and no more tokens than the model sees at
    once.
    """

    sequences: list[TokenSequence]


@dataclass(frozen=True)
class Preference:
    """Two answers to one prompt, each as an example of its own; the first is the better one."""

    preferred: Example
    other: Example

    @property
    def sequences(self) -> list[TokenSequence]:
        """Those of both answers."""
        return self.preferred.sequences + self.other.sequences


@dataclass(frozen=True)
class DataSize:
    """How large the examples of a job are, those of its validation included.

    `n_tokens` and `longest`, the tokens of all sequences and of the longest, count what the model
    sees. `n_sequences` is the most that one example has; a preference has those of both answers.
    """

    n_examples: int
    n_tokens: int
    longest: int
    n_sequences: int

    def __add__(self, other: DataSize) -> DataSize:
        """The size of both together."""
        return DataSize(
            self.n_examples + other.n_examples,
            self.n_tokens + other.n_tokens,
            max(self.longest, other.longest),
            max(self.n_sequences, other.n_sequences),
        )


@dataclass(frozen=True)
class Plan:
    """How a job trains.

    Without `beta` it learns to say what examples say. With it (above 0) it learns from
    preferences: the model is drawn towards the better answers and away from the others, and
    `beta` holds it near to what it was at the start.

    Batches run on across epochs: 5 examples, 2 epochs and batches of 4 are 10 examples in a row,
    cut into 4 + 4 + 2.

    With `lora` the weights stay as they are, and an adapter is learnt: to each matrix the product
    of two small ones is added, which meet in `lora_r` numbers, times `lora_alpha / lora_r`
    (Hu et al., 2021, arXiv:2106.09685). `lora_dropout` is the share of their input that is left
    out at random. With `load_in_4bit` too, the weights are rounded to four bits each while the
    adapter learns. No more than `context_length` tokens of a sequence are seen. For the share
    `warmup_ratio` of all steps the learning rate rises, from then on it falls.
    """

    n_epochs: int
    batch_size: int
    learning_rate_multiplier: float
    seed: int
    beta: float | None = None
    # What only some engines apply; the module `folder` of each names which.
    lora: bool = True
    lora_r: int = 16
    lora_alpha: float = 16
    lora_dropout: float = 0.0
    context_length: int = LONGEST_CONTEXT
    warmup_ratio: float = 0.0
    load_in_4bit: bool = False

    def total_steps(self, n_examples: int) -> int:
        """The number of optimizer steps."""
        return self.epoch_end(n_examples, self.n_epochs)

    def epoch_end(self, n_examples: int, epoch: int) -> int:
        """The step, counted from 1, in which the epoch, counted from 1, sees its last example."""
        return -(-n_examples * epoch // self.batch_size)

    def epoch_ended(self, n_examples: int, step: int) -> int | None:
        """The epoch that ends with this step, the last one if there are several, or None."""
        seen = min(step * self.batch_size, n_examples * self.n_epochs)
        epoch = seen // n_examples
        return epoch if epoch and self.epoch_end(n_examples, epoch) == step else None


@dataclass(frozen=True)
class Step:
    """One optimizer step: its number (from 1), how many there are, and what was measured.

    `metrics` has the API's names: `train_loss` and `train_mean_token_accuracy` always;
    `valid_loss` and `valid_mean_token_accuracy` every tenth step and on the last;
    `full_valid_loss` and `full_valid_mean_token_accuracy` where an epoch ends. Losses are means
    over the tokens trained on, in nats. With preferences they are means over the pairs, and the
    accuracies are those of the better answers' tokens. `epoch` is its number when this step
    ends it.
    """

    number: int
    total: int
    metrics: dict[str, float]
    epoch: int | None


@dataclass(frozen=True)
class Sampling:
    """How an answer's tokens are drawn.

    `max_tokens`: the most that are drawn; None for as many as the context has room for.
    Temperature 0 takes the likeliest each time; `top_p` keeps the likeliest that together have so
    much probability. The same `seed` gives the same answer, None another one each time.
    `top_logprobs`: of how many of the likeliest tokens is told at each place; None if nobody
    wants to know how likely any of them is. A token's logit is lowered by `presence_penalty` once
    it stands in the answer, and by `frequency_penalty` for each time (OpenAI's API reference).
    """

    max_tokens: int | None = None
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    top_logprobs: int | None = None
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0


@dataclass(frozen=True)
class Token:
    """One generated token, its log-probability, and the likeliest tokens with theirs."""

    id: int
    logprob: float
    top: list[tuple[int, float]]


class Mask(Protocol):
    """Which tokens may come next in one answer; it goes along with the answer."""

    def allowed(self) -> bytes:
        """A bit for each token, the lowest bit of the first byte for token 0; 1 if it may come.

        Raises MaskUnusable.
        """

    def take(self, token: int) -> None:
        """The answer goes on with this token."""


class Tokenizer(Protocol):
    """From conversations and texts to token numbers, and back."""

    @property
    def ends(self) -> frozenset[int]:
        """The tokens with which an answer ends."""

    @property
    def call(self) -> int | None:
        """The token with which an answer begins each call of a tool, after its text; the name of
        the function and its arguments as JSON follow. None if no tools can be called."""

    @property
    def encoding(self) -> Any:
        """The vocabulary, from which masks are made: a `tiktoken.Encoding`, or a fast tokenizer of
        transformers; None if answers cannot be held to a form."""

    def encode_chat(
        self, messages: Sequence[Message], tools: Sequence[Tool] | None = None
    ) -> list[TokenSequence]:
        """A whole conversation for training.

        It is one sequence, or several where a turn that is learnt must be read otherwise than the
        same turn further back. What the assistant says is trained on, with its end, unless the
        message has `"weight": 0`. Raises ChatRefused.
        """

    def encode_prompt(
        self, messages: Sequence[Message], tools: Sequence[Tool] | None = None
    ) -> list[int]:
        """A conversation up to the point where the assistant is to speak. Raises ChatRefused."""

    def encode_completion(self, prompt: str, completion: str) -> TokenSequence:
        """A prompt and its completion for training, which is on the completion and its end."""

    def encode_text_prompt(self, prompt: str) -> list[int]:
        """A prompt up to the point where its completion begins."""

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        """The bytes of tokens; a token may hold only a part of a character."""


class Engine(Protocol):
    """A model that can be trained and asked."""

    @property
    def tokenizer(self) -> Tokenizer:
        """That with which its training examples and prompts are made."""

    context: int
    """The most tokens that the model sees at once."""
    state_bytes: int
    """How many bytes `save_state` writes, about."""

    @classmethod
    def load(cls, folder: Path) -> Engine:
        """Read a model folder: a base model, a checkpoint or a fine-tuned model."""

    @classmethod
    def load_tokenizer(cls, folder: Path) -> Tokenizer:
        """Read the tokenizer alone, without the weights."""

    @classmethod
    def context_of(cls, folder: Path) -> int:
        """The `context` of the model in this folder, without its weights."""

    @classmethod
    def memory_needed(cls, folder: Path, data: DataSize, plan: Plan) -> int:
        """How many bytes a process needs at most to train the model in this folder.

        An estimate from sizes alone, which reads no weights: rather too much than too little, but
        not more than twice what is needed. Raises as `load` does for sizes that do not fit.
        """

    def train(
        self,
        training: list[Example] | list[Preference],
        validation: list[Example] | list[Preference],
        plan: Plan,
        *,
        state: Path | None = None,
    ) -> Iterator[Step]:
        """Train in place and yield after each optimizer step.

        `training` and `validation` are preferences if the plan has a `beta`, otherwise examples.
        `state` is a file that `save_state` wrote: training goes on after its step, with the same
        losses as if it had never stopped. Raises StateUnusable if it cannot, and has changed
        nothing then. Raises TrainingDiverged, and ModelUnusable if the first step's loss is no
        finite number.
        """

    def save_state(self, path: Path) -> None:
        """Write all that `train` needs to go on; the file appears whole or not at all."""

    def save(self, folder: Path) -> None:
        """Write a model folder that `load` can read."""

    def score(self, tokens: list[int], *, top_logprobs: int = 0) -> Iterator[Token]:
        """Yield each token but the first, with how likely the model found it after those before.

        `tokens`: 2 or more, at most as many as the context; with fewer, nothing is yielded.
        """

    def generate(
        self, prompt: list[int], sampling: Sampling, mask: Mask | None = None
    ) -> Iterator[Token]:
        """Yield the answer's tokens one by one, of those that the mask allows if there is one.

        It ends with one of the tokenizer's `ends`, which is yielded too, or without it when
        `max_tokens` are reached or the context is full.
        """

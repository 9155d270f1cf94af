"""Answering: one token after another, remembering what was already read."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from practice_server.engines.drawing import answer, as_logprobs, room_for, told
from practice_server.engines.engine import Mask, Sampling, Token, TokenSequence
from practice_server.engines.numpy_engine.layers import attention
from practice_server.engines.numpy_engine.model import Batch, Model
from practice_server.engines.numpy_engine.tokenizer import Tokenizer


class Cache:
    """Keys and values of the tokens read so far, so that each token is read only once."""

    def __init__(self, model: Model, n_tokens: int) -> None:
        """Room for `n_tokens`."""
        config = model.config
        shape = (n_tokens, config.num_attention_heads, config.head_size)
        both = (config.num_hidden_layers, 2, *shape)
        self.n_tokens = n_tokens
        self._model = model
        self._kept = np.empty(both, model.weights.flat.dtype)
        self.n_read = 0

    def read(self, tokens: list[int]) -> np.ndarray:
        """Read the next tokens; returns the logits, (vocabulary,), of the one to follow."""
        start, self.n_read = self.n_read, self.n_read + len(tokens)
        positions = np.arange(start, self.n_read)
        last = np.array([len(tokens) - 1])
        # Made anew each time: were they kept, they would keep the cache alive after its answer.
        attends = [partial(_attend, keys, values, start) for keys, values in self._kept]
        return self._model.forward(np.array(tokens), positions, last, attends)[0]


def _attend(
    keys: np.ndarray,
    values: np.ndarray,
    start: int,
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Attention of new tokens to all that was read, and themselves; they begin at `start`."""
    new = slice(start, start + len(key))
    keys[new], values[new] = key, value
    return attention(query, keys[: new.stop], values[: new.stop])


def generate(
    model: Model,
    tokenizer: Tokenizer,
    prompt: list[int],
    sampling: Sampling,
    mask: Mask | None = None,
) -> Iterator[Token]:
    """Yield an answer's tokens; see `Engine.generate`.

    Raises ValueError, at once, for an empty prompt or one that fills the model's context.
    """
    context = model.config.max_position_embeddings
    room = room_for(prompt, sampling, context)
    cache = Cache(model, len(prompt) + room)
    never, ends = _never_said(tokenizer), tokenizer.ends
    return answer(cache.read, prompt, room, never=never, ends=ends, sampling=sampling, mask=mask)


def score(
    model: Model, tokenizer: Tokenizer, tokens: list[int], *, top_logprobs: int = 0
) -> Iterator[Token]:
    """Yield each token but the first with its log-probability; see `Engine.score`."""
    if len(tokens) < 2:
        return
    batch = Batch.of([TokenSequence(tokens, [True] * len(tokens))])
    never = _never_said(tokenizer)
    for token, logits in zip(tokens[1:], model.forward_batch(batch), strict=True):
        yield told(token, as_logprobs(logits, never), top_logprobs)


def _never_said(tokenizer: Tokenizer) -> list[int]:
    """Marks of roles are structure, not speech: of the special tokens only the end is said."""
    return sorted(tokenizer.special - {tokenizer.end})

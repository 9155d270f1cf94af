"""Answering: one token after another, remembering what was already read."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from practice_server.engines.engine import Mask, ModelUnusable, Sampling, Token, TokenSequence
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
    if not 0 < len(prompt) < context:
        raise ValueError(
            f"the prompt has {len(prompt)} tokens; the model can answer prompts of "
            f"1 to {context - 1} tokens"
        )
    longest = context if sampling.max_tokens is None else len(prompt) + sampling.max_tokens
    return _tokens(Cache(model, min(context, longest)), tokenizer, prompt, sampling, mask)


def score(
    model: Model, tokenizer: Tokenizer, tokens: list[int], *, top_logprobs: int = 0
) -> Iterator[Token]:
    """Yield each token but the first with its log-probability; see `Engine.score`."""
    if len(tokens) < 2:
        return
    batch = Batch.of([TokenSequence(tokens, [True] * len(tokens))])
    never = _never_said(tokenizer)
    for token, logits in zip(tokens[1:], model.forward_batch(batch), strict=True):
        logprobs = _logprobs(logits, never)
        yield Token(token, float(logprobs[token]), _likeliest(logprobs, top_logprobs))


def _never_said(tokenizer: Tokenizer) -> list[int]:
    """Marks of roles are structure, not speech: of the special tokens only the end is said."""
    return sorted(tokenizer.special - {tokenizer.end})


def _refused(mask: Mask, n_tokens: int) -> np.ndarray:
    """For each token whether the mask refuses it, (vocabulary,) truth values."""
    bits = np.frombuffer(mask.allowed(), np.uint8)
    return np.unpackbits(bits, count=n_tokens, bitorder="little") == 0


def _logprobs(logits: np.ndarray, never: list[int] | np.ndarray) -> np.ndarray:
    """The logarithm of each token's probability, from (vocabulary,) logits; −inf for `never`,
    which are token numbers, or a truth value for each token."""
    if not np.isfinite(logits).all():
        raise ModelUnusable("its weights give no finite numbers")
    logits = logits.astype(np.float64)
    logits[never] = -np.inf
    logprobs = logits - logits.max()
    return logprobs - np.log(np.exp(logprobs).sum())


def _tokens(
    cache: Cache,
    tokenizer: Tokenizer,
    prompt: list[int],
    sampling: Sampling,
    mask: Mask | None,
) -> Iterator[Token]:
    random = np.random.default_rng(None if sampling.seed is None else sampling.seed % 2**64)
    never: list[int] | np.ndarray = _never_said(tokenizer)
    new, said = prompt, np.zeros(tokenizer.vocabulary_size)
    for _ in range(cache.n_tokens - len(prompt)):
        if mask:
            never = _refused(mask, tokenizer.vocabulary_size)
        penalty = sampling.presence_penalty * (said > 0) + sampling.frequency_penalty * said
        logprobs = _logprobs(cache.read(new) - penalty, never)
        token = _draw(logprobs, sampling, random)
        top = _likeliest(logprobs, sampling.top_logprobs or 0)
        yield Token(token, float(logprobs[token]), top)
        if token == tokenizer.end:
            return
        if mask:
            mask.take(token)
        new = [token]
        said[token] += 1


def _draw(logprobs: np.ndarray, sampling: Sampling, random: np.random.Generator) -> int:
    """Draw a token from the likeliest that together have the probability `top_p`.

    The temperature divides the log-probabilities first: below 1 the likely become likelier. At 0
    the likeliest is taken. top_p as in Holtzman et al., 2020, arXiv:1904.09751.
    """
    if sampling.temperature == 0:
        return int(logprobs.argmax())
    # Next to 0, a temperature makes all but the likeliest infinitely unlikely: exp gives 0.
    with np.errstate(over="ignore"):
        weights = np.exp((logprobs - logprobs.max()) / sampling.temperature)
    if sampling.top_p < 1:
        order = np.argsort(-weights, kind="stable")
        reached = np.cumsum(weights[order])
        n_kept = int(np.searchsorted(reached, sampling.top_p * reached[-1])) + 1
        weights[order[n_kept:]] = 0
    reached = np.cumsum(weights)
    return int(np.searchsorted(reached, random.random() * reached[-1], side="right"))


def _likeliest(logprobs: np.ndarray, n: int) -> list[tuple[int, float]]:
    """The n likeliest tokens with their log-probabilities, the likeliest first."""
    if not n:
        return []  # sorting the vocabulary takes longer than all the rest
    order = np.argsort(-logprobs, kind="stable")[:n]
    return [(int(token), float(logprobs[token])) for token in order]

"""An answer, token by token: from a model's logits to log-probabilities, and to one token."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import numpy as np

from practice_server.engines.engine import Mask, ModelUnusable, Sampling, Token


def room_for(prompt: list[int], sampling: Sampling, context: int) -> int:
    """How many tokens are drawn at most.

    Raises ValueError for an empty prompt, or one that fills the model's context.
    """
    if not 0 < len(prompt) < context:
        raise ValueError(
            f"the prompt has {len(prompt)} tokens; the model can answer prompts of "
            f"1 to {context - 1} tokens"
        )
    room = context - len(prompt)
    return room if sampling.max_tokens is None else min(sampling.max_tokens, room)


def answer(
    read: Callable[[list[int]], np.ndarray],
    prompt: list[int],
    room: int,
    *,
    never: list[int],
    ends: Collection[int],
    sampling: Sampling,
    mask: Mask | None,
) -> Iterator[Token]:
    """Yield the tokens of an answer; see `Engine.generate`.

    `read` takes the next tokens and returns the logits, (vocabulary,), of the one to follow.
    `room`: how many are drawn at most. Without a mask, those of `never` do not come.
    """
    random = np.random.default_rng(None if sampling.seed is None else sampling.seed % 2**64)
    new, said = prompt, None
    for _ in range(room):
        logits = read(new)
        said = np.zeros(len(logits)) if said is None else said
        penalty = sampling.presence_penalty * (said > 0) + sampling.frequency_penalty * said
        logprobs = as_logprobs(logits - penalty, refused(mask, len(logits)) if mask else never)
        token = draw(logprobs, sampling, random)
        yield told(token, logprobs, sampling.top_logprobs or 0)
        if token in ends:
            return
        if mask:
            mask.take(token)
        new = [token]
        said[token] += 1


def told(token: int, logprobs: np.ndarray, n: int) -> Token:
    """A token, how likely it was, and the n likeliest in its place."""
    return Token(token, float(logprobs[token]), likeliest(logprobs, n))


def refused(mask: Mask, n_tokens: int) -> np.ndarray:
    """For each token whether the mask refuses it, (vocabulary,) truth values."""
    bits = np.frombuffer(mask.allowed(), np.uint8)
    return np.unpackbits(bits, count=n_tokens, bitorder="little") == 0


def as_logprobs(logits: np.ndarray, never: list[int] | np.ndarray) -> np.ndarray:
    """The logarithm of each token's probability, from (vocabulary,) logits; −inf for `never`,
    which are token numbers, or a truth value for each token."""
    if not np.isfinite(logits).all():
        raise ModelUnusable("its weights give no finite numbers")
    logits = logits.astype(np.float64)
    logits[never] = -np.inf
    logprobs = logits - logits.max()
    return logprobs - np.log(np.exp(logprobs).sum())


def draw(logprobs: np.ndarray, sampling: Sampling, random: np.random.Generator) -> int:
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


def likeliest(logprobs: np.ndarray, n: int) -> list[tuple[int, float]]:
    """The n likeliest tokens with their log-probabilities, the likeliest first."""
    if not n:
        return []  # sorting the vocabulary takes longer than all the rest
    order = np.argsort(-logprobs, kind="stable")[:n]
    return [(int(token), float(logprobs[token])) for token in order]

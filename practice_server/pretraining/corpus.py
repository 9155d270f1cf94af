"""Turns generated conversations into batches of tokens.

Each chunk of batches has a seed of its own, so that the stream can be taken up at any chunk, and
other processes can make the chunks that come next.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random

import numpy as np

from practice_server.engines.engine import TokenSequence
from practice_server.engines.numpy_engine.tokenizer import Tokenizer
from practice_server.formats.encoding import encode
from practice_server.machine.limits import usable_processors
from practice_server.pretraining.world.conversations import Example, generate, generate_long

CONTEXT = 2048
BATCHES_PER_CHUNK = 100
# Of these batches, some are of long conversations: each as many tokens as several others.
LONG_BATCHES = 6
LONG_BATCH_SHARE = 16
WIDTH_STEP = 8
# PyTorch's own mark for a place without a target.
NOT_TRAINED_ON = -100


@dataclass(frozen=True)
class Batch:
    """Token numbers, padded on the right, and what each is to predict; both (rows, columns)."""

    tokens: np.ndarray
    targets: np.ndarray
    n_tokens: int
    n_trained_on: int


def made_ahead(
    folder: Path, seed: int, chunks: range, batch_size: int
) -> Iterator[tuple[int, list[Batch]]]:
    """Each chunk's number and batches, with the tokenizer in `folder`."""
    n_processes = max(1, usable_processors() - 1)
    # Copies of a process that trains would hold its threads' locks.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_processes, context) as pool:
        coming: deque = deque()
        for chunk in chunks:
            coming.append((chunk, pool.submit(make_chunk, folder, seed, chunk, batch_size)))
            if len(coming) > n_processes:
                number, batches = coming.popleft()
                yield number, batches.result()
        for number, batches in coming:
            yield number, batches.result()


def make_chunk(folder: Path, seed: int, chunk: int, batch_size: int) -> list[Batch]:
    """Batches of examples of like length, so that little is padded, in random order."""
    tokenizer = Tokenizer.load(folder)
    chunk_seed = seed * 1_000_000 + chunk
    short = islice(generate(chunk_seed), (BATCHES_PER_CHUNK - LONG_BATCHES) * batch_size)
    long_size = -(-batch_size // LONG_BATCH_SHARE)
    long = islice(generate_long(chunk_seed), LONG_BATCHES * long_size)
    rows = [
        *_of_like_length(short, batch_size, tokenizer),
        *_of_like_length(long, long_size, tokenizer),
    ]
    Random(chunk_seed).shuffle(rows)
    return [pad(several, tokenizer.pad) for several in rows]


def _of_like_length(
    examples: Iterable[Example], batch_size: int, tokenizer: Tokenizer
) -> list[list[TokenSequence]]:
    """The examples in batches, none longer than the context."""
    whole = [encode(tokenizer, example)[0].sequences[0] for example in examples]
    encoded = [TokenSequence(tokens[:CONTEXT], on[:CONTEXT]) for tokens, on in whole]
    encoded.sort(key=lambda sequence: len(sequence.tokens))
    return [encoded[i : i + batch_size] for i in range(0, len(encoded), batch_size)]


def pad(rows: list[TokenSequence], filler: int) -> Batch:
    """One rectangle of examples that all begin at position 0."""
    longest = max(len(tokens) for tokens, _ in rows)
    # Few different widths, since PyTorch keeps memory for each shape that it has seen.
    width = -(-longest // WIDTH_STEP) * WIDTH_STEP
    tokens = np.full((len(rows), width), filler, np.int32)
    targets = np.full((len(rows), width), NOT_TRAINED_ON, np.int32)
    for row, (numbers, trained_on) in enumerate(rows):
        tokens[row, : len(numbers)] = numbers
        learnt = np.where(trained_on, numbers, NOT_TRAINED_ON)
        targets[row, : len(numbers) - 1] = learnt[1:]
    return Batch(
        tokens,
        targets,
        n_tokens=sum(len(numbers) for numbers, _ in rows),
        n_trained_on=int((targets != NOT_TRAINED_ON).sum()),
    )

"""Makes the vocabulary: byte-level byte-pair encoding, learnt from generated conversations.

The method is that of Sennrich, Haddow and Birch (2016) on bytes: begin with the 256 bytes, and
again and again join the pair of neighbours that is most frequent, until the vocabulary is full.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from pathlib import Path

import regex
from tqdm import trange

from practice_server.base_models.world.conversations import generate
from practice_server.engines.numpy_engine.tokenizer import (
    SPECIAL_TOKENS,
    SPLIT_PATTERN,
    Tokenizer,
)

VOCABULARY_SIZE = 2048
N_EXAMPLES = 40_000

Pieces = tuple[bytes, ...]


def make_vocabulary(folder: Path, *, seed: int) -> Tokenizer:
    """Learn a vocabulary of 2048 tokens, specials included, and save it in the folder."""
    words = count_words(texts(seed))
    ranks = learn_ranks(words, VOCABULARY_SIZE - len(SPECIAL_TOKENS))
    tokenizer = Tokenizer(ranks)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(folder)
    return tokenizer


def texts(seed: int) -> Iterator[str]:
    """Every text in the first generated examples."""
    for example in islice(generate(seed), N_EXAMPLES):
        if "messages" in example:
            yield from (message["content"] for message in example["messages"])
        else:
            yield from (example["prompt"], example["completion"])


def count_words(texts: Iterable[str]) -> Counter[bytes]:
    """How often each word, with its leading blank, stands in the texts."""
    split = regex.compile(SPLIT_PATTERN)
    return Counter(word.encode() for text in texts for word in split.findall(text))


def learn_ranks(words: Counter[bytes], size: int) -> dict[bytes, int]:
    """Byte strings and their ranks, 0 … size-1: the bytes first, then what was joined, in order.

    Raises ValueError when the words hold too few different pairs for so many ranks.
    """
    ranks = {bytes([byte]): byte for byte in range(256)}
    pieces = {tuple(bytes([byte]) for byte in word): n for word, n in words.items()}
    for rank in trange(len(ranks), size, desc="vocabulary", unit="token"):
        pairs = count_pairs(pieces)
        if not pairs:
            raise ValueError(
                f"the texts yield only {rank} tokens; give more texts or ask for less"
            )
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        ranks[best[0] + best[1]] = rank
        pieces = {join(word, best): n for word, n in pieces.items()}
    return ranks


def count_pairs(pieces: dict[Pieces, int]) -> Counter[tuple[bytes, bytes]]:
    """How often two pieces stand side by side within the words."""
    pairs: Counter[tuple[bytes, bytes]] = Counter()
    for word, n in pieces.items():
        for pair in pairwise(word):
            pairs[pair] += n
    return pairs


def join(word: Pieces, pair: tuple[bytes, bytes]) -> Pieces:
    """The word with the pair made one piece, from left to right, wherever it stands."""
    joined: list[bytes] = []
    for piece in word:
        if joined and (joined[-1], piece) == pair:
            joined[-1] += piece
        else:
            joined.append(piece)
    return tuple(joined)

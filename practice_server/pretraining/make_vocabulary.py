"""Makes the vocabulary: byte-level byte-pair encoding, learnt from generated conversations.

The method is that of Sennrich, Haddow and Birch (2016) on bytes: begin with the 256 bytes, and
again and again join the pair of neighbours that is most frequent, until the vocabulary is full.

One thing is different: words are learnt without the blank before them, and the blank is joined
last. So a word falls into the same pieces after a blank and after a quotation mark, but for the
first, and a small model can copy words that it never saw from a sentence into JSON.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from pathlib import Path

import regex
from tqdm import trange

from practice_server.engines.numpy_engine.tokenizer import (
    SPECIAL_TOKENS,
    SPLIT_PATTERN,
    Tokenizer,
)
from practice_server.pretraining.world.conversations import generate

VOCABULARY_SIZE = 5120
# Of these, pieces that begin with a blank.
WITH_BLANK = 1536
N_EXAMPLES = 100_000

Pieces = tuple[bytes, ...]
Pair = tuple[bytes, bytes]


def make_vocabulary(folder: Path, *, seed: int) -> Tokenizer:
    """Learn VOCABULARY_SIZE tokens, specials included, and save them in the folder."""
    size = VOCABULARY_SIZE - len(SPECIAL_TOKENS)
    tokenizer = Tokenizer(learn_ranks(count_words(texts(seed)), size, with_blank=WITH_BLANK))
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


def learn_ranks(words: Counter[bytes], size: int, *, with_blank: int) -> dict[bytes, int]:
    """Byte strings and their ranks, 0 … size-1: the bytes first, then what was joined, in order.

    The last `with_blank` ranks are pieces with a blank before them: since lower ranks are joined
    first, a blank is joined to a word when the word's own pieces are complete. Raises ValueError
    when the words hold too few different pairs for so many ranks.
    """
    pairs = Pairs(without_blank(words))
    ranks = {bytes([byte]): byte for byte in range(256)}
    for rank in trange(len(ranks), size - with_blank, desc="vocabulary", unit="token"):
        best = pairs.most_frequent()
        if best is None:
            raise ValueError(
                f"the texts yield only {rank} tokens; give more texts or ask for less"
            )
        ranks[best[0] + best[1]] = rank
        pairs.join(best)
    first = pairs.first_pieces(words)
    if len(first) < with_blank:
        raise ValueError(f"only {len(first)} pieces follow a blank; give more texts")
    for piece, _ in first.most_common(with_blank):
        ranks[b" " + piece] = len(ranks)
    return ranks


def without_blank(words: Counter[bytes]) -> Counter[bytes]:
    """The words, each counted together with itself after a blank."""
    bare: Counter[bytes] = Counter()
    for word, n in words.items():
        bare[word.removeprefix(b" ") or word] += n
    return bare


class Pairs:
    """How often two pieces stand side by side in the words, kept up while pieces are joined."""

    def __init__(self, words: Counter[bytes]) -> None:
        """`words`: each word and how often it occurs; its pieces are its single bytes at first."""
        self._words: dict[Pieces, int] = {}
        self._counts: Counter[Pair] = Counter()
        # Where a pair stands, so that joining it looks at those words only.
        self._holders: dict[Pair, dict[Pieces, None]] = defaultdict(dict)
        for word, n in words.items():
            self._add(tuple(bytes([byte]) for byte in word), n)

    def most_frequent(self) -> Pair | None:
        """The pair to be joined next, of equals the last in byte order; None if none is left."""
        return max(self._counts, key=lambda pair: (self._counts[pair], pair), default=None)

    def join(self, pair: Pair) -> None:
        """Make the pair one piece wherever it stands."""
        for word in list(self._holders[pair]):
            self._add(join(word, pair), self._remove(word))

    def first_pieces(self, words: Counter[bytes]) -> Counter[bytes]:
        """How often each piece begins one of these words after a blank."""
        first: Counter[bytes] = Counter()
        for pieces in self._words:
            n = words[b" " + b"".join(pieces)]
            if n:
                first[pieces[0]] += n
        return first

    def _add(self, word: Pieces, n: int) -> None:
        self._words[word] = n
        for pair in pairwise(word):
            self._counts[pair] += n
            self._holders[pair][word] = None

    def _remove(self, word: Pieces) -> int:
        n = self._words.pop(word)
        for pair in pairwise(word):
            self._counts[pair] -= n
            self._holders[pair].pop(word, None)
            if not self._counts[pair]:
                del self._counts[pair]
        return n


def join(word: Pieces, pair: Pair) -> Pieces:
    """The word with the pair made one piece, from left to right, wherever it stands."""
    joined: list[bytes] = []
    for piece in word:
        if joined and (joined[-1], piece) == pair:
            joined[-1] += piece
        else:
            joined.append(piece)
    return tuple(joined)

"""Count tokens as they are billed, and say what training on them costs. Needs no network."""

import math
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import orjson

VOCABULARIES = Path(__file__).resolve().parents[1] / "data" / "tokenizers"

# An example is billed as its contents plus these. Found by comparing a recorded job's
# trained_tokens (5,830 in 10 epochs over 10 examples of three messages) with its contents
# (453 tokens). The cookbook's counter (3 a message, its role, 3 an example) gives 3.4 % more.
TOKENS_PER_MESSAGE = 4
TOKENS_PER_EXAMPLE = 1
TOKENS_PER_SMALL_IMAGE = 85  # detail "low", from OpenAI's guide; larger images take more
PIECE = 50_000  # characters of one text encoded at once: tiktoken 0.14 dies on a million blanks
BATCH = 1_000_000  # characters of many texts handed to tiktoken at once
N_THREADS = 2
END = "<|endoftext|>"

ENCODINGS = (
    (r"gpt-4o|gpt-4\.1|gpt-5|o\d", "o200k_base"),
    (r"gpt-3\.5|gpt-4|babbage-002|davinci-002", "cl100k_base"),
)
# Tokens an example may have; what is longer is cut off at its end (OpenAI's guide, 2024-12).
LIMITS = (
    (r"gpt-3\.5-turbo-0613", 4_096),
    (r"gpt-3\.5-turbo", 16_385),
    (r"gpt-4o|gpt-4\.1", 65_536),
)


class ExampleTokens(NamedTuple):
    """Tokens of one example, as billed; `per_message` holds (role, tokens) in order."""

    total: int
    trained_on: int
    per_message: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class TokenCount:
    """Tokens of a file, for one pass over it.

    `total`: as billed, before anything is cut. `trained_on`: the answers' contents, which alone
    count in the loss. `per_example`: totals in the file's order. `per_role`: tokens by role.
    `limit`: tokens an example may have, None where it is not known. `encoding`: the vocabulary;
    "o200k_base (estimate)" where the model's own is not known.
    """

    model: str
    encoding: str
    total: int
    trained_on: int
    per_example: tuple[int, ...]
    per_role: dict[str, int]
    limit: int | None

    @property
    def after_truncation(self) -> int:
        """Tokens that are left, and billed, when every example is cut to the limit."""
        return sum(min(tokens, self.limit or tokens) for tokens in self.per_example)


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens, from `since` on, as `source` says."""

    service: str
    model: str
    training: float
    input: float
    output: float
    since: date
    source: str


OPENAI_2026 = "OpenAI's pricing page, copies of 2025-07 and 2026-09"
OPENAI_2023 = "OpenAI's announcement of gpt-3.5-turbo fine-tuning, 2023-08-22"
OPENAI_2022 = "OpenAI's pricing page, copy of 2022-07"
HERE = "the practice server of this repository costs nothing"

# Known on 2026-11-20. The last of a model's rows is in force; earlier ones explain old bills.
PRICES = (
    Price("practice", "pocket", 0.0, 0.0, 0.0, date(2026, 11, 20), HERE),
    Price("openai", "gpt-4.1", 25.00, 3.00, 12.00, date(2025, 7, 1), OPENAI_2026),
    Price("openai", "gpt-4.1-mini", 5.00, 0.80, 3.20, date(2025, 7, 1), OPENAI_2026),
    Price("openai", "gpt-4.1-nano", 1.50, 0.20, 0.80, date(2025, 7, 1), OPENAI_2026),
    Price("openai", "gpt-4o", 25.00, 3.75, 15.00, date(2025, 7, 1), OPENAI_2026),
    Price("openai", "gpt-4o-mini", 3.00, 0.30, 1.20, date(2025, 7, 1), OPENAI_2026),
    Price("openai", "gpt-3.5-turbo", 8.00, 12.00, 16.00, date(2023, 8, 22), OPENAI_2023),
    Price("openai", "gpt-3.5-turbo", 8.00, 3.00, 6.00, date(2023, 11, 6), OPENAI_2026),
    Price("openai", "davinci-002", 6.00, 12.00, 12.00, date(2025, 7, 1), OPENAI_2026),
    Price("openai", "babbage-002", 0.40, 1.60, 1.60, date(2025, 7, 1), OPENAI_2026),
    Price("openai", "davinci", 30.00, 120.00, 120.00, date(2022, 7, 1), OPENAI_2022),
    Price("openai", "curie", 3.00, 12.00, 12.00, date(2022, 7, 1), OPENAI_2022),
    Price("openai", "babbage", 0.60, 2.40, 2.40, date(2022, 7, 1), OPENAI_2022),
    Price("openai", "ada", 0.40, 1.60, 1.60, date(2022, 7, 1), OPENAI_2022),
)


@dataclass(frozen=True)
class CostEstimate:
    """What a job costs: `tokens` of one pass, times `n_epochs`, at `price.training`, in `usd`."""

    tokens: int
    n_epochs: int
    usd: float
    price: Price


def count_tokens(file_or_examples: str | Path | Iterable[dict], *, model: str) -> TokenCount:
    """Count the tokens of a JSONL file or of examples (chat, prompt/completion, preferences).

    `model` may be a base model or a fine-tuned one (`ft:…`). Raises OSError if the file cannot
    be opened, ValueError for a line that is no JSON object or whose texts are no texts.
    """
    per_example, trained_on, per_role = [], 0, {}
    for _, tokens in _counted(_examples(file_or_examples), TokenCounter(model)):
        per_example.append(tokens.total)
        trained_on += tokens.trained_on
        for role, number in tokens.per_message:
            per_role[role] = per_role.get(role, 0) + number
    return TokenCount(
        model=model,
        encoding=encoding_name(model) or "o200k_base (estimate)",
        total=sum(per_example),
        trained_on=trained_on,
        per_example=tuple(per_example),
        per_role=per_role,
        limit=token_limit(model),
    )


def count_example(example: dict[str, Any], *, model: str) -> ExampleTokens:
    """Count one example's tokens; raises KeyError, TypeError, AttributeError if it is none."""
    return _count(example, partial(_text_tokens, encoding_name(model) or "o200k_base"))


class TokenCounter:
    """Counts many examples: each text of a batch once, and two batches at the same time.

    tiktoken counts without holding Python's lock, so that threads are enough. What was handed in
    with an example is handed back with its count, in the same order.
    """

    def __init__(self, model: str) -> None:
        self._encoding = encoding_name(model) or "o200k_base"
        _encoding(self._encoding)  # loaded here, where no other thread is
        self._pool = ThreadPoolExecutor(N_THREADS)
        self._batch = _Batch()
        self._waiting: deque[tuple[_Batch, Future[dict[str, int]]]] = deque()

    def add(self, given: Any, example: dict[str, Any]) -> Iterable[tuple[Any, ExampleTokens]]:
        """Take an example, and yield what is counted by now.

        Raises KeyError, TypeError, AttributeError if it is no example.
        """
        self._batch.add(given, example)
        if self._batch.characters < BATCH and len(self._batch.examples) < BATCH // 100:
            return ()
        self._hand_over()
        return self._results(leave=N_THREADS)

    def finish(self) -> Iterator[tuple[Any, ExampleTokens]]:
        """Yield the counts of all that is left."""
        self._hand_over()
        yield from self._results(leave=0)
        self._pool.shutdown()

    def _hand_over(self) -> None:
        batch, self._batch = self._batch, _Batch()
        texts = batch.other_texts.union(batch.contents)
        self._waiting.append((batch, self._pool.submit(_count_texts, self._encoding, texts)))

    def _results(self, leave: int) -> Iterator[tuple[Any, ExampleTokens]]:
        while len(self._waiting) > leave:
            batch, counting = self._waiting.popleft()
            yield from batch.counts(counting.result().__getitem__)


class _Batch:
    """Examples that wait to be counted.

    Of chats that are nothing but roles and texts, as most are, only these are kept, end to end
    in two lists: a hundred thousand small objects would keep Python's garbage collector busy.
    """

    def __init__(self) -> None:
        self.examples: list[tuple[Any, int | dict[str, Any]]] = []  # or number of messages
        self.roles: list[str] = []
        self.contents: list[str] = []
        self.other_texts: set[str] = set()
        self.characters = 0

    def add(self, given: Any, example: dict[str, Any]) -> None:
        messages = example.get("messages")
        contents = _plain_contents(messages) if len(example) == 1 else None
        if contents is None:
            _count(example, self._note)
            self.examples.append((given, example))
            return
        self.roles += [message["role"] for message in messages]
        self.contents += contents
        self.characters += sum(map(len, contents))
        self.examples.append((given, len(contents)))

    def _note(self, text: str) -> int:
        self.other_texts.add("" + text)  # a TypeError if it is no text
        self.characters += len(text)
        return 0

    def counts(self, tokens_of: Callable[[str], int]) -> Iterator[tuple[Any, ExampleTokens]]:
        """Yield what was given with each example, and its count."""
        tokens = [n + TOKENS_PER_MESSAGE for n in map(tokens_of, self.contents)]
        per_message = list(zip(self.roles, tokens, strict=True))
        end = 0
        for given, example in self.examples:
            if not isinstance(example, int):
                yield given, _count(example, tokens_of)
                continue
            start, end = end, end + example
            yield given, _sum(tuple(per_message[start:end]))


def _sum(per_message: tuple[tuple[str, int], ...]) -> ExampleTokens:
    total, trained_on = TOKENS_PER_EXAMPLE, 0
    for role, tokens in per_message:
        total += tokens
        if role == "assistant":
            trained_on += tokens - TOKENS_PER_MESSAGE
    return ExampleTokens(total, trained_on, per_message)


def _plain_contents(messages: Any) -> list[str] | None:
    """Return the texts of messages that are nothing but a role and a text, else None."""
    try:
        contents = [one["content"] for one in messages if len(one) == 2 and "role" in one]
    except (KeyError, TypeError):
        return None
    is_plain = len(contents) == len(messages) and set(map(type, contents)) == {str}
    return contents if is_plain else None


def _counted(
    examples: Iterable[tuple[str, dict[str, Any]]], counter: TokenCounter
) -> Iterator[tuple[str, ExampleTokens]]:
    for place, example in examples:
        try:
            counted = counter.add(place, example)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(
                f"{place}: not a training example; `python -m helpers.check` says what is wrong"
            ) from error
        yield from counted
    yield from counter.finish()


def default_epochs(n_examples: int) -> int:
    """Return the number of epochs that "auto" stands for.

    The rule of OpenAI's cookbook: 3, but at least 100 examples in all (up to 25 epochs) and at
    most 25,000. It fits every recorded job (10 examples: 10 epochs; 100: 3).
    """
    if n_examples < 1:
        raise ValueError(f"{n_examples} examples: nothing to train on")
    if 3 * n_examples < 100:
        return min(25, 100 // n_examples)
    if 3 * n_examples > 25_000:
        return max(1, 25_000 // n_examples)
    return 3


def total_steps(n_examples: int, *, n_epochs: int, batch_size: int = 1) -> int:
    """Return the optimizer steps of a job; its batches run on across epochs."""
    return math.ceil(n_examples * n_epochs / batch_size)


def training_cost(tokens: int, *, model: str, n_epochs: int, on: date | None = None) -> float:
    """Return US dollars for training on `tokens` (one pass) `n_epochs` times; see `price_of`."""
    return tokens * n_epochs * price_of(model, on=on).training / 1_000_000


def estimate_cost(
    file_or_examples: str | Path | Iterable[dict],
    *,
    model: str,
    n_epochs: int | None = None,
    on: date | None = None,
) -> CostEstimate:
    """Estimate what a job on these examples costs; validation files cost nothing.

    `n_epochs` None stands for "auto". Examples over the model's limit are billed as cut. Raises
    what `count_tokens` and `price_of` raise.
    """
    price = price_of(model, on=on)
    count = count_tokens(file_or_examples, model=model)
    epochs = n_epochs or default_epochs(len(count.per_example))
    tokens = count.after_truncation
    usd = training_cost(tokens, model=model, n_epochs=epochs, on=on)
    return CostEstimate(tokens, epochs, usd, price)


def price_of(model: str, *, on: date | None = None) -> Price:
    """Return the price row of a model, base or fine-tuned, in force today or on a day gone by.

    Raises ValueError if the table has none: a guess at a price helps nobody.
    """
    family = _family(model)
    rows = [row for row in PRICES if row.model == family and (on is None or row.since <= on)]
    if not rows:
        known = ", ".join(dict.fromkeys(row.model for row in PRICES))
        raise ValueError(f"no price known for {model!r}; the table in {__name__} has: {known}")
    return max(rows, key=lambda row: row.since)


def base_model(model: str) -> str:
    """Return the base model of a fine-tuned one: ft:BASE:organisation:suffix:id, and others."""
    return model.removeprefix("ft:").partition(":")[0]


def encoding_name(model: str) -> str | None:
    """Return the name of the model's vocabulary, None where it is not known.

    Not left to tiktoken: its 0.14 takes ft:gpt-4.1 for gpt-4 and does not know ft:o4-mini.
    """
    return next(
        (name for pattern, name in ENCODINGS if re.match(pattern, base_model(model))), None
    )


def token_limit(model: str) -> int | None:
    """Return how many tokens an example may have for this model, None where not known."""
    return next((limit for pattern, limit in LIMITS if re.match(pattern, base_model(model))), None)


def _family(model: str) -> str:
    return re.sub(r"-(\d{4}-\d{2}-\d{2}|\d{4})$", "", base_model(model))


@cache
def _encoding(name: str) -> Any:
    """Load a vocabulary from this repository; tiktoken proves it by its own SHA-256."""
    import tiktoken

    before = os.environ.get("TIKTOKEN_CACHE_DIR")
    os.environ["TIKTOKEN_CACHE_DIR"] = str(VOCABULARIES)
    try:
        return tiktoken.get_encoding(name)
    except OSError as error:  # it found no sound file here and went for the network
        raise OSError(
            f"{VOCABULARIES}: the vocabulary {name} is missing or was changed; "
            "get the folder again, for instance with `git checkout -- data/tokenizers`"
        ) from error
    finally:
        if before is None:
            del os.environ["TIKTOKEN_CACHE_DIR"]
        else:
            os.environ["TIKTOKEN_CACHE_DIR"] = before


@lru_cache(maxsize=256)
def _text_tokens(encoding: str, text: str) -> int:
    vocabulary = _encoding(encoding)
    pieces = (text[start : start + PIECE] for start in range(0, len(text), PIECE))
    return sum(len(vocabulary.encode_ordinary(piece)) for piece in pieces)


def _count_texts(encoding: str, texts: set[str]) -> dict[str, int]:
    """Count texts in one call of tiktoken, joined by a token that none of them holds."""
    import numpy as np

    joined = "".join([text + END for text in texts])
    if joined.count(END) > len(texts) or any(len(text) > PIECE for text in texts):
        return {text: _text_tokens(encoding, text) for text in texts}
    vocabulary = _encoding(encoding)
    try:
        tokens = vocabulary.encode_to_numpy(joined, allowed_special={END}, disallowed_special=())
    except UnicodeEncodeError:  # half a surrogate pair somewhere
        return {text: _text_tokens(encoding, text) for text in texts}
    ends = np.flatnonzero(tokens == vocabulary.eot_token)
    return dict(zip(texts, (np.diff(ends, prepend=-1) - 1).tolist(), strict=True))


def _count(example: dict[str, Any], tokens_of: Callable[[str], int]) -> ExampleTokens:
    if "messages" not in example and "input" not in example:
        prompt, answer = tokens_of(example["prompt"]), tokens_of(example["completion"])
        return ExampleTokens(prompt + answer, answer, (("prompt", prompt), ("completion", answer)))
    per_message = []
    trained_on = 0
    for message in _messages(example):
        role, contents = message["role"], _message_tokens(message, tokens_of)
        per_message.append((role, contents + TOKENS_PER_MESSAGE))
        if role == "assistant" and message.get("weight", 1):
            trained_on += contents
    tools = _json_tokens(example.get("tools") or example.get("functions"), tokens_of)
    total = sum(tokens for _, tokens in per_message) + TOKENS_PER_EXAMPLE + tools
    return ExampleTokens(total, trained_on, tuple(per_message))


def _message_tokens(message: dict[str, Any], tokens_of: Callable[[str], int]) -> int:
    calls = message.get("tool_calls") or message.get("function_call")
    return _content_tokens(message.get("content"), tokens_of) + _json_tokens(calls, tokens_of)


def _json_tokens(value: Any, tokens_of: Callable[[str], int]) -> int:
    return tokens_of(orjson.dumps(value).decode()) if value else 0


def _content_tokens(content: str | list[dict] | None, tokens_of: Callable[[str], int]) -> int:
    if not isinstance(content, list):
        return tokens_of(content or "")
    return sum(
        tokens_of(part["text"]) if "text" in part else TOKENS_PER_SMALL_IMAGE for part in content
    )


def _messages(example: dict[str, Any]) -> list[dict[str, Any]]:
    if "messages" in example:
        return example["messages"]
    outputs = example["preferred_output"] + example["non_preferred_output"]
    return example["input"]["messages"] + outputs


def _examples(
    file_or_examples: str | Path | Iterable[dict],
) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(file_or_examples, str | Path):
        for number, example in enumerate(file_or_examples, 1):
            yield f"example {number}", example
        return
    with open(file_or_examples, "rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            place = f"{file_or_examples}, line {number}"
            try:
                yield place, orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise ValueError(
                    f"{place}: {error}; `python -m helpers.check` says what is wrong"
                ) from error

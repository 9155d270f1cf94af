"""Count tokens as they are billed, and say what training on them costs. Needs no network."""

import csv
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache, partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import orjson

DATA = Path(__file__).resolve().parents[1] / "data"
VOCABULARIES, PRICES = DATA / "tokenizers", DATA / "prices" / "prices.csv"

# An example is billed as its contents plus these. Found by comparing a recorded job's
# trained_tokens (5,830 in 10 epochs over 10 examples of three messages) with its contents
# (453 tokens). The cookbook's counter (3 a message, its role, 3 an example) gives 3.4 % more.
TOKENS_PER_MESSAGE = 4
TOKENS_PER_EXAMPLE = 1
TOKENS_PER_SMALL_IMAGE = 85  # detail "low", from OpenAI's guide; larger images take more
PIECE = 50_000  # characters of one text encoded at once: tiktoken 0.14 dies on a million spaces
OTHERWISE = "o200k_base"  # the vocabulary to estimate with where a model's own is not known
SAYS_WHY = "`python -m helpers.check` says what is wrong"

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


class Price(NamedTuple):
    """US dollars for a million tokens, from `since` on (data/prices/README.md)."""

    service: str
    model: str
    training: float
    input: float
    output: float
    since: date
    source: str


# What a service takes besides (Microsoft's guide to fine-tuning, 2026).
HOSTING = {"azure": "Azure bills a deployed model by the hour besides, the Developer tier aside."}


@dataclass(frozen=True)
class CostEstimate:
    """What a job costs: `tokens` of one pass, times `n_epochs`, at `price.training`, in `usd`.

    `usd` and `price` are None if no price is known; `note` is a sentence on what is not known or
    not in `usd`, "" if there is nothing to say.
    """

    tokens: int
    n_epochs: int
    usd: float | None
    price: Price | None
    note: str = ""


def count_tokens(file_or_examples: str | Path | Iterable[dict], *, model: str) -> TokenCount:
    """Count the tokens of a JSONL file or of examples (chat, prompt/completion, preferences).

    `model` may be a base model or a fine-tuned one (`ft:…`). Raises OSError if the file cannot
    be opened, ValueError for a line that is no JSON object or whose texts are no texts.
    """
    counts: list[ExampleTokens] = []
    for place, example in _examples(file_or_examples):
        try:
            counts.append(count_example(example, model=model))
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"{place}: not a training example; {SAYS_WHY}") from error
    per_role: Counter[str] = Counter()
    for role, tokens in chain.from_iterable(count.per_message for count in counts):
        per_role[role] += tokens
    return TokenCount(
        model=model,
        encoding=encoding_name(model) or f"{OTHERWISE} (estimate)",
        total=sum(count.total for count in counts),
        trained_on=sum(count.trained_on for count in counts),
        per_example=tuple(count.total for count in counts),
        per_role=dict(per_role),
        limit=token_limit(model),
    )


def count_example(example: dict[str, Any], *, model: str) -> ExampleTokens:
    """Count one example's tokens; raises KeyError, TypeError, AttributeError if it is none."""
    tokens_of = partial(_text_tokens, encoding_name(model) or OTHERWISE)
    if "messages" not in example and "input" not in example:
        prompt, answer = tokens_of(example["prompt"]), tokens_of(example["completion"])
        return ExampleTokens(prompt + answer, answer, (("prompt", prompt), ("completion", answer)))
    if "messages" in example:
        messages = example["messages"]
    else:
        outputs = example["preferred_output"] + example["non_preferred_output"]
        messages = example["input"]["messages"] + outputs
    per_message, trained_on = [], 0
    for message in messages:
        role, contents = message["role"], _message_tokens(message, tokens_of)
        per_message.append((role, contents + TOKENS_PER_MESSAGE))
        if role == "assistant" and message.get("weight", 1):
            trained_on += contents
    tools = _json_tokens(example.get("tools") or example.get("functions"), tokens_of)
    total = sum(tokens for _, tokens in per_message) + TOKENS_PER_EXAMPLE + tools
    return ExampleTokens(total, trained_on, tuple(per_message))


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


def estimate_cost(
    file_or_examples: str | Path | Iterable[dict],
    *,
    model: str,
    n_epochs: int | None = None,
    service: str = "openai",
) -> CostEstimate:
    """Estimate what a job on these examples costs; validation files cost nothing.

    `n_epochs` None stands for "auto". `service` is a Service's name; what it charges for the
    model may not be known here, and the estimate says so. Examples over the model's limit are
    billed as cut. Raises what `count_tokens` raises.
    """
    count = count_tokens(file_or_examples, model=model)
    epochs = n_epochs or default_epochs(len(count.per_example))
    tokens = count.after_truncation
    note = HOSTING.get(service, "")
    try:
        price = price_of(model, service=service)
    except ValueError as error:
        return CostEstimate(tokens, epochs, None, None, f"{error}. {note}".strip())
    usd = tokens * epochs * price.training / 1_000_000
    return CostEstimate(tokens, epochs, usd, price, note)


def price_of(model: str, *, on: date | None = None, service: str = "openai") -> Price:
    """Return the price row of a model, base or fine-tuned, in force today or on a day gone by.

    The practice model and the practice server cost nothing. Raises ValueError if the table has
    no such row: a guess at a price helps nobody.
    """
    family = re.sub(r"-(\d{4}-\d{2}-\d{2}|\d{4})$", "", base_model(model))  # without its date
    if service == "practice" or family == "pocket":
        service, family = "practice", "pocket"
    rows = [row for row in prices() if row.service == service]
    in_force = [row for row in rows if row.model == family and (on is None or row.since <= on)]
    if in_force:
        return max(in_force, key=lambda row: row.since)
    if rows:
        known = ", ".join(dict.fromkeys(row.model for row in rows))
        raise ValueError(f"no price known for {model!r}; data/prices has: {known}")
    raise ValueError(f"no price of {service} is known here for {model!r}; look it up there")


@cache
def prices() -> tuple[Price, ...]:
    """Return the rows of the table, whose fields its README.md explains."""
    with open(PRICES, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return tuple(
        Price._make([*row[:2], *map(float, row[2:5]), date.fromisoformat(row[5]), row[6]])
        for row in rows
    )


def base_model(model: str) -> str:
    """Return the base model of a fine-tuned one: ft:BASE:organisation:suffix:id, and others."""
    return model.removeprefix("ft:").partition(":")[0]


def encoding_name(model: str) -> str | None:
    """Return the name of the model's vocabulary, None where it is not known.

    Not left to tiktoken: its 0.14 takes ft:gpt-4.1 for gpt-4 and does not know ft:o4-mini.
    """
    return _look_up(ENCODINGS, model)


def token_limit(model: str) -> int | None:
    """Return how many tokens an example may have for this model, None where not known."""
    return _look_up(LIMITS, model)


@cache
def _look_up(table: tuple[tuple[str, Any], ...], model: str) -> Any:
    base = base_model(model)
    return next((value for pattern, value in table if re.match(pattern, base)), None)


@cache
def _encoding(name: str) -> Any:
    """Load a vocabulary from this repository; tiktoken proves it by its own SHA-256."""
    import tiktoken

    before = os.environ.copy()
    os.environ["TIKTOKEN_CACHE_DIR"] = str(VOCABULARIES)
    try:
        encoding = tiktoken.get_encoding(name)
        encoding._mergeable_ranks.clear()  # 23 MB: its program in Rust has a copy, and counts
        return encoding
    except OSError as error:  # it found no correct file here and went for the network
        fix = "get the folder again, for instance with `git checkout -- data/tokenizers`"
        message = f"{VOCABULARIES}: the vocabulary {name} is missing or was changed; {fix}"
        raise OSError(message) from error
    finally:
        del os.environ["TIKTOKEN_CACHE_DIR"]
        os.environ.update(before)


def _text_tokens(encoding: str, text: str) -> int:
    starts = range(0, len(text), PIECE)
    return sum(_piece_tokens(encoding, text[start : start + PIECE]) for start in starts)


@lru_cache(maxsize=256)  # system messages come again and again
def _piece_tokens(encoding: str, piece: str) -> int:
    return len(_encoding(encoding).encode_ordinary(piece))


def _message_tokens(message: dict[str, Any], tokens_of: Callable[[str], int]) -> int:
    content = message.get("content")
    tokens = _json_tokens(message.get("tool_calls") or message.get("function_call"), tokens_of)
    for part in content if isinstance(content, list) else [{"text": content or ""}]:
        tokens += tokens_of(part["text"]) if "text" in part else TOKENS_PER_SMALL_IMAGE
    return tokens


def _json_tokens(value: Any, tokens_of: Callable[[str], int]) -> int:
    return tokens_of(orjson.dumps(value).decode()) if value else 0


def _examples(given: str | Path | Iterable[dict]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each example, and before it where it stands."""
    if not isinstance(given, str | Path):
        yield from ((f"example {number}", example) for number, example in enumerate(given, 1))
        return
    with open(given, "rb") as file:
        for number, line in enumerate(file, 1):
            place = f"{given}, line {number}"
            try:
                if line.strip():
                    yield place, orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise ValueError(f"{place}: {error}; {SAYS_WHY}") from error

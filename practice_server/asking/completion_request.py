"""What a request to the older completions asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from practice_server.asking.common_request import (
    DRAWING,
    MOST_CHOICES,
    MOST_TOKENS,
    AnswerRequest,
    check_fields,
    read_include_usage,
    read_model,
    read_sampling,
    read_stop,
)
from practice_server.store.catalogue import Catalogue
from practice_server.web.fields import Fields

DEFAULT_MAX_TOKENS = 16
MOST_CANDIDATES = 20
MOST_LOGPROBS = 5
MOST_PROMPTS = 1000

READ = (
    *DRAWING,
    "model",
    "prompt",
    "max_tokens",
    "n",
    "best_of",
    "echo",
    "logprobs",
    "stop",
    "stream",
    "stream_options",
)
# These change nothing about an answer; see `check_fields`.
WITHOUT_EFFECT = {"user": Fields.text}
# Each with the values that ask for nothing.
UNSUPPORTED = {
    "logit_bias": ({},),
    "suffix": ("",),
}


@dataclass(frozen=True)
class CompletionRequest(AnswerRequest):
    """A checked request for texts to go on with."""

    prompts: list[str]
    best_of: int
    echo: bool

    def question(self, prompt: str, candidate: int) -> dict[str, Any]:
        """What the answering child is asked for one of a prompt's candidates, from 0."""
        score_prompt = self.echo and self.sampling.top_logprobs is not None
        return self.common_question(candidate) | {"prompt": prompt, "score_prompt": score_prompt}


def read_completion_request(fields: Fields, catalogue: Catalogue, owner: str) -> CompletionRequest:
    """Raises ApiError for what the API or the practice server does not take."""
    check_fields(fields, READ, WITHOUT_EFFECT, UNSUPPORTED)
    stream = fields.truth("stream")
    n = fields.integer("n", 1, MOST_CHOICES, 1)
    model = read_model(fields, catalogue, owner)
    prompts = _read_prompts(fields)
    max_tokens = fields.integer("max_tokens", 0, MOST_TOKENS, DEFAULT_MAX_TOKENS)
    best_of = _read_best_of(fields, n, stream)
    echo = fields.truth("echo")
    top_logprobs = fields.integer("logprobs", 0, MOST_LOGPROBS)
    stop = read_stop(fields)
    include_usage = read_include_usage(fields, stream)
    sampling = read_sampling(fields, max_tokens, top_logprobs)
    return CompletionRequest(
        model, sampling, n, stop, stream, include_usage, prompts, best_of, echo
    )


def _read_prompts(fields: Fields) -> list[str]:
    """The prompts, at least one; without any, a text is begun."""
    prompt = fields.value("prompt", "")
    prompts = [prompt] if isinstance(prompt, str) else prompt
    if not isinstance(prompts, list) or not all(isinstance(text, str) for text in prompts):
        reason = "It is not a string or a list of strings; token numbers are not taken"
        raise fields.refuse("prompt", reason)
    if not 1 <= len(prompts) <= MOST_PROMPTS:
        raise fields.refuse("prompt", f"It must have 1 to {MOST_PROMPTS} texts")
    return prompts


def _read_best_of(fields: Fields, n: int, stream: bool) -> int:
    best_of = fields.integer("best_of", 1, MOST_CANDIDATES, n)
    if best_of < n:
        raise fields.refuse("best_of", f"{best_of} is less than 'n', which is {n}")
    if stream and best_of > n:
        raise fields.refuse("best_of", "The best cannot be chosen when 'stream' is true")
    return best_of

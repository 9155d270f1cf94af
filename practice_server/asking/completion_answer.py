"""The shapes of an answer to the older completions, whole and in chunks."""

from __future__ import annotations

import codecs
import time
from collections.abc import AsyncIterator
from typing import Any

from practice_server.asking.chat_answer import SYSTEM_FINGERPRINT
from practice_server.asking.client import Answers
from practice_server.asking.completion_request import CompletionRequest
from practice_server.store.objects import Object, new_id


class CompletionAnswer:
    """Asks the model to go on with each prompt, and shapes what it says."""

    def __init__(self, wanted: CompletionRequest, answers: Answers) -> None:
        self._wanted = wanted
        self._answers = answers
        self._id = new_id("cmpl-", 29)
        self._created = int(time.time())
        self._prompt_tokens: dict[int, int] = {}
        self._completion_tokens = 0

    async def whole(self) -> Object:
        """The answer as one object."""
        n_prompts = len(self._wanted.prompts)
        choices = [choice for place in range(n_prompts) for choice in await self._best(place)]
        return self._object(choices) | {"usage": self._usage()}

    async def _best(self, place: int) -> list[Object]:
        """The `n` of a prompt's candidates whose tokens are the likeliest on average."""
        n, candidates = self._wanted.n, []
        for number in range(self._wanted.best_of):
            candidates.append(await self._candidate(place, number))
        candidates.sort(key=lambda candidate: candidate[0], reverse=self._wanted.best_of > n)
        best = [choice for _, choice in candidates[:n]]
        return [choice | {"index": place * n + k} for k, choice in enumerate(best)]

    async def _candidate(self, place: int, number: int) -> tuple[float, Object]:
        """One choice, and what it is sorted by: its mean log-probability if the best are wanted,
        otherwise its number."""
        text, shown = "", LegacyLogprobs(self._start(place))
        async for part in self._parts(place, number):
            text += part["text"]
            shown.add(part["logprobs"])
        rank = part["mean_logprob"] if self._wanted.best_of > self._wanted.n else number
        return rank, self._choice(0, text, shown.taken(), part["finish_reason"])

    async def chunks(self) -> AsyncIterator[Object]:
        """The answer in pieces."""
        n = self._wanted.n
        for place in range(len(self._wanted.prompts)):
            for number in range(n):
                shown = LegacyLogprobs(self._start(place))
                async for part in self._parts(place, number):
                    shown.add(part["logprobs"])
                    choice = self._choice(
                        place * n + number, part["text"], shown.taken(), part.get("finish_reason")
                    )
                    yield self._chunk([choice])
        if self._wanted.include_usage:
            yield self._chunk([]) | {"usage": self._usage()}

    async def _parts(self, place: int, number: int) -> AsyncIterator[dict[str, Any]]:
        """The pieces of one candidate, each with `text` and `logprobs`; the last one with
        `finish_reason` and `mean_logprob` too."""
        prompt = self._wanted.prompts[place]
        async for part in self._answers.ask(self._wanted.question(prompt, number)):
            self._completion_tokens += part.get("completion_tokens", 0)
            if "prompt_tokens" in part:
                self._prompt_tokens[place] = part["prompt_tokens"]
                if self._wanted.echo:
                    yield {"text": prompt, "logprobs": part.get("prompt_logprobs", [])}
            else:
                yield {"text": "", "logprobs": []} | part

    def _start(self, place: int) -> int:
        """Where the first token shown stands; the service counts from the prompt's beginning."""
        return 0 if self._wanted.echo else len(self._wanted.prompts[place])

    def _choice(
        self, index: int, text: str, logprobs: Object, finish_reason: str | None
    ) -> Object:
        return {
            "text": text,
            "index": index,
            "logprobs": None if self._wanted.sampling.top_logprobs is None else logprobs,
            "finish_reason": finish_reason,
        }

    def _object(self, choices: list[Object]) -> Object:
        return {
            "id": self._id,
            "object": "text_completion",
            "created": self._created,
            "model": self._wanted.model.id,
            "choices": choices,
            "system_fingerprint": SYSTEM_FINGERPRINT,
        }

    def _chunk(self, choices: list[Object]) -> Object:
        chunk = self._object(choices)
        return chunk | {"usage": None} if self._wanted.include_usage else chunk

    def _usage(self) -> Object:
        prompt_tokens = sum(self._prompt_tokens.values())
        return {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": self._completion_tokens,
            "total_tokens": prompt_tokens + self._completion_tokens,
        }


class LegacyLogprobs:
    """Four lists side by side: the tokens of a text, how likely each was, what else was likely,
    and at which character it begins."""

    def __init__(self, start: int) -> None:
        """`start`: the place of the first token, in characters."""
        self._place = start
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._lists: Object = _empty_lists()

    def add(self, entries: list[Object]) -> None:
        """Add tokens in the form in which chats show them."""
        for entry in entries:
            token = _shown(entry)
            likely = {_shown(other): other["logprob"] for other in entry["top_logprobs"]}
            self._lists["tokens"].append(token)
            self._lists["token_logprobs"].append(entry["logprob"])
            self._lists["top_logprobs"].append(likely | {token: entry["logprob"]})
            self._lists["text_offset"].append(self._place)
            self._place += len(self._decoder.decode(bytes(entry["bytes"])))

    def taken(self) -> Object:
        """The lists since they were taken last."""
        taken, self._lists = self._lists, _empty_lists()
        return taken


def _empty_lists() -> Object:
    return {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}


def _shown(entry: Object) -> str:
    """A token's text, or its bytes if they are only a part of a character."""
    piece = bytes(entry["bytes"])
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in piece)

"""A Hugging Face tokenizer with its chat template, as the server's seam wants them.

What is learnt of an answer is the difference between two renderings: the conversation before it,
with the mark that lets the assistant speak, and the conversation with it. So the template itself
says where an answer begins and ends, and training sees what answering sees.

Some templates write an earlier turn otherwise once there are later ones: they leave out how the
assistant thought. There each turn is a sequence of its own, rendered as it was when it was said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2.exceptions import TemplateError
from transformers import AutoTokenizer, PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import bytes_to_unicode

from practice_server.engines.engine import CallForm, ChatRefused, Message, TokenSequence, Tool
from practice_server.engines.messages import called_functions, message_text
from practice_server.engines.model_folder import CONFIG_FILE, read_json
from practice_server.engines.transformers_engine.call_form import call_form
from practice_server.engines.transformers_engine.folder import base_of
from practice_server.engines.transformers_engine.messages import for_template

# For byte-level vocabularies: the character that stands for each byte.
BYTES = {character: byte for byte, character in bytes_to_unicode().items()}
WORD_START = "\u2581"  # what vocabularies of SentencePiece write for a space
ANSWER = "Yes, indeed."
QUESTION = {"role": "user", "content": "Is it?"}


class Tokenizer:
    """Implements `practice_server.engines.engine.Tokenizer`."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, ends: set[int]) -> None:
        """`ends`: the tokens with which the model is known to end; the template may add one."""
        self._tokenizer = tokenizer
        self.encoding = tokenizer
        self._is_byte_level = "ByteLevel" in str(tokenizer.backend_tokenizer.decoder)
        added = tokenizer.added_tokens_decoder
        self._special = {number for number, token in added.items() if token.special}
        self._added = {number: token.content for number, token in added.items()}
        self._declared_ends = ends

    @classmethod
    def load(cls, folder: Path) -> Tokenizer:
        """Read the tokenizer of a whole model, or of an adapter's base."""
        base = base_of(Path(folder))
        tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
        ends = {tokenizer.eos_token_id}
        for name in (CONFIG_FILE, "generation_config.json"):
            found = read_json(base / name).get("eos_token_id") if (base / name).is_file() else None
            ends |= set(found if isinstance(found, list) else [found])
        return cls(tokenizer, ends - {None})

    @cached_property
    def ends(self) -> frozenset[int]:
        """What ends an answer: what the model's files say, and what its template writes."""
        behind = self._tokens(self._probe.rpartition(ANSWER)[2])
        written = [token for token in behind if token in self._special]
        return frozenset(self._declared_ends | set(written[:1]))

    @cached_property
    def never_said(self) -> list[int]:
        """Marks of roles are structure, not speech: of the special tokens only those are said that
        the template writes into an answer."""
        return sorted(self._special - self.ends - set(self._tokens(self._probe)))

    @cached_property
    def call(self) -> CallForm | None:
        """How the template writes calls; None if they are not JSON between texts."""
        return call_form(self._written, self._ends)

    @cached_property
    def _ends(self) -> list[str]:
        """The texts of `ends`."""
        return [self._added[end] for end in self.ends if end in self._added]

    @cached_property
    def _probe(self) -> str:
        """What the template writes for a known text; nothing if it has no place for it."""
        written = self._written({"role": "assistant", "content": ANSWER})
        return written if ANSWER in written else ""

    def _written(self, answer: Message, tools: Sequence[Tool] | None = None) -> str:
        """What the template writes for an answer; nothing if it has its own idea of a chat."""
        try:
            before = self._render([QUESTION], tools, to_speak=True)
            whole = self._render([QUESTION, answer], tools)
        except ChatRefused:
            return ""
        return whole[len(before) :] if whole.startswith(before) else ""

    def encode_chat(
        self, messages: Sequence[Message], tools: Sequence[Tool] | None = None
    ) -> list[TokenSequence]:
        """A whole conversation for training; see the seam. Raises ChatRefused.

        It is one sequence as long as what was said stays as it is.
        """
        texts: list[tuple[str, list[range]]] = []
        for place, message in enumerate(messages):
            if message["role"] != "assistant" or message.get("weight") == 0:
                continue
            before = self._render(messages[:place], tools, to_speak=True)
            whole = self._render(messages[: place + 1], tools)
            _check_answer(before, whole, message)
            spoken = range(len(before), self._end_of_answer(whole, len(before)))
            if texts and before.startswith(texts[-1][0]):
                texts[-1] = (whole, [*texts[-1][1], spoken])
            else:
                texts.append((whole, [spoken]))
        return [self._masked(*text) for text in texts]

    def encode_prompt(
        self, messages: Sequence[Message], tools: Sequence[Tool] | None = None
    ) -> list[int]:
        """A conversation up to the point where the assistant is to speak. Raises ChatRefused."""
        return self._tokens(self._render(messages, tools, to_speak=True))

    def encode_completion(self, prompt: str, completion: str) -> TokenSequence:
        """A prompt and its completion for training, which is on the completion and its end."""
        start = self.encode_text_prompt(prompt)
        spoken = [*self._tokens(completion), self._tokenizer.eos_token_id]
        return TokenSequence(start + spoken, [False] * len(start) + [True] * len(spoken))

    def encode_text_prompt(self, prompt: str) -> list[int]:
        """A prompt up to the point where its completion begins, after a mark of a beginning."""
        first = self._tokenizer.bos_token_id
        return [self._tokenizer.eos_token_id if first is None else first, *self._tokens(prompt)]

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        """The bytes of tokens; a token may hold only a part of a character."""
        return b"".join(map(self._bytes_of, tokens))

    def _bytes_of(self, number: int) -> bytes:
        if number in self._added:
            return self._added[number].encode()
        token = self._tokenizer.convert_ids_to_tokens(number) or ""
        if self._is_byte_level:
            return bytes(BYTES[character] for character in token)
        if token.startswith("<0x") and token.endswith(">"):
            return bytes([int(token[3:-1], 16)])
        return token.replace(WORD_START, " ").encode()

    def _tokens(self, text: str) -> list[int]:
        return self._tokenizer(text, add_special_tokens=False)["input_ids"]

    def _end_of_answer(self, text: str, start: int) -> int:
        """Where its end is written: nobody waits for what a template writes behind it."""
        ends = [place + len(end) for end in self._ends if (place := text.find(end, start)) >= 0]
        return min(ends, default=len(text))

    def _masked(self, text: str, spoken: list[range]) -> TokenSequence:
        """Tokens that begin inside what was spoken are trained on, and an end, even where the
        template writes none."""
        encoded = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        tokens, places = encoded["input_ids"], encoded["offset_mapping"]
        trained_on = [any(start in each for each in spoken) for start, _ in places]
        if trained_on[-1] and tokens[-1] not in self.ends:
            return TokenSequence([*tokens, self._tokenizer.eos_token_id], [*trained_on, True])
        return TokenSequence(tokens, trained_on)

    def _render(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool] | None,
        *,
        to_speak: bool = False,
    ) -> str:
        template = self._tokenizer.chat_template
        if template is None:
            raise ChatRefused("this model has no chat template; use prompts and completions")
        try:
            return self._tokenizer.apply_chat_template(
                for_template(messages, knows_developer="developer" in json.dumps(template)),
                tools=list(tools) if tools else None,
                add_generation_prompt=to_speak,
                enable_thinking=False,  # for templates that know it: answer at once
                tokenize=False,
            )
        except (TemplateError, ValueError, TypeError, LookupError) as error:
            raise ChatRefused(f"the model's chat template refuses it: {error}") from error


def _check_answer(before: str, whole: str, message: Mapping[str, Any]) -> None:
    """Raises ChatRefused if the template does not write what the assistant says."""
    if not whole.startswith(before):
        raise ChatRefused("the model's chat template does not begin answers as it asks for them")
    answer = whole[len(before) :]
    # Some templates write what was thought before the answer in a way of their own.
    if message_text(message).rpartition("</think>")[2].strip() not in answer:
        raise ChatRefused("the model's chat template has no place for a plain text")
    if not all(call["name"] in answer for call in called_functions(message)):
        raise ChatRefused("the model's chat template has no place for calls of tools")

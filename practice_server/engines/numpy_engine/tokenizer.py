"""From conversations to token numbers and back, on tiktoken with a vocabulary of our own.

This is the one place that knows the chat template: pretraining, fine-tuning and answering share
it.

A chat is `<|role|>` + content + `<|end|>` for each message, and a prompt ends with
`<|assistant|>`, so that the model's next token is the answer's first. Calls of tools end the
content of the assistant, each as `<|tool|>` + the function's name + its arguments. A prompt with
its completion is `<|text|>` + prompt + completion + `<|end|>`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import tiktoken

from practice_server.engines.engine import CallForm, Message, TokenSequence, Tool
from practice_server.engines.messages import called_functions, message_text
from practice_server.engines.numpy_engine.folder import RANKS_FILE, TOKENIZER_FILE

# Their numbers follow the ordinary ranks, in this order.
SPECIAL_TOKENS = (
    "<|end|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|tool|>",
    "<|text|>",
    "<|pad|>",
)

# Where text is cut before bytes are merged: contractions, Chinese characters one by one (Chinese
# has no blanks between words), words with their leading blank, single digits (so that sums can be
# learnt digit by digit), marks, line ends, other blanks.
SPLIT_PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)"
    r"|\p{Han}"
    r"| ?(?:(?!\p{Han})\p{L})+"
    r"|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+"
    r"|\s+(?!\S)"
    r"|\s+"
)

# Characters encoded at once: tiktoken panics on a million letters or blanks without a break.
PIECE = 50_000

ROLE_TOKENS = {
    "system": "<|system|>",
    "developer": "<|system|>",
    "user": "<|user|>",
    "assistant": "<|assistant|>",
    "tool": "<|tool|>",
    "function": "<|tool|>",
}


class Tokenizer:
    """Turns text and conversations into token numbers and back."""

    def __init__(
        self,
        ranks: Mapping[bytes, int],
        pattern: str = SPLIT_PATTERN,
        special_tokens: Sequence[str] = SPECIAL_TOKENS,
    ) -> None:
        """`ranks`: each byte string's token number, 0 … n-1; lower ranks are merged first."""
        missing = sorted(set(SPECIAL_TOKENS) - set(special_tokens))
        if missing:
            raise ValueError(f"{TOKENIZER_FILE}: special_tokens lacks {', '.join(missing)}")
        self._ranks = dict(ranks)
        self._pattern = pattern
        self._special = {token: len(ranks) + i for i, token in enumerate(special_tokens)}
        self.encoding = tiktoken.Encoding(
            "practice",
            pat_str=pattern,
            mergeable_ranks=self._ranks,
            special_tokens=self._special,
            explicit_n_vocab=len(ranks) + len(self._special),
        )
        self.end = self._special["<|end|>"]
        self.ends = frozenset({self.end})
        self.call = CallForm("<|tool|>", between="", after="", following="<|tool|>", gap="")
        self.pad = self._special["<|pad|>"]
        self.special = frozenset(self._special.values())
        self.vocabulary_size = len(ranks) + len(self._special)

    @classmethod
    def load(cls, folder: Path) -> Tokenizer:
        """Read `tokenizer.tiktoken` and `tokenizer_config.json` from a model folder.

        Raises FileNotFoundError if one is missing, ValueError if one cannot be understood.
        """
        config = json.loads((Path(folder) / TOKENIZER_FILE).read_text(encoding="utf-8"))
        ranks = _read_ranks(Path(folder) / RANKS_FILE)
        return cls(ranks, config["pattern"], config["special_tokens"])

    def save(self, folder: Path) -> None:
        """Write the two files that `load` reads into an existing folder."""
        lines = (
            f"{base64.b64encode(token).decode('ascii')} {rank}\n"
            for token, rank in sorted(self._ranks.items(), key=lambda item: item[1])
        )
        config = {"pattern": self._pattern, "special_tokens": list(self._special)}
        with (Path(folder) / RANKS_FILE).open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(lines)
        with (Path(folder) / TOKENIZER_FILE).open("w", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(config, indent=2, ensure_ascii=False) + "\n")

    def encode(self, text: str) -> list[int]:
        """Token numbers of plain text; a `<|end|>` written in it stays seven characters."""
        pieces = (text[start : start + PIECE] for start in range(0, len(text), PIECE))
        return [token for piece in pieces for token in self.encoding.encode_ordinary(piece)]

    def encode_chat(
        self, messages: Sequence[Message], tools: Sequence[Tool] | None = None
    ) -> list[TokenSequence]:
        """A whole conversation for training, always in one sequence.

        Trained on is all that the assistant's messages say, and their `<|end|>`, unless the
        message has `"weight": 0`. The chat template has no place for the definitions of `tools`:
        the model sees only how they are called. Raises ValueError for a role that does not exist.
        """
        tokens: list[int] = []
        trained_on: list[bool] = []
        for message in messages:
            role = self._role(message)
            spoken = [*self.encode(message_text(message)), *self._calls(message), self.end]
            learnt = message["role"] == "assistant" and message.get("weight", 1) != 0
            tokens += [role, *spoken]
            trained_on += [False, *[learnt] * len(spoken)]
        return [TokenSequence(tokens, trained_on)]

    def encode_prompt(
        self, messages: Sequence[Message], tools: Sequence[Tool] | None = None
    ) -> list[int]:
        """A conversation up to the point where the assistant is to speak."""
        [(tokens, _)] = self.encode_chat(messages, tools)
        return [*tokens, self._special["<|assistant|>"]]

    def encode_completion(self, prompt: str, completion: str) -> TokenSequence:
        """A prompt and its completion for training; trained on the completion and `<|end|>`.

        The two are encoded apart, so that the prompt has the same tokens here as alone.
        """
        start = self.encode_text_prompt(prompt)
        spoken = [*self.encode(completion), self.end]
        return TokenSequence(start + spoken, [False] * len(start) + [True] * len(spoken))

    def encode_text_prompt(self, prompt: str) -> list[int]:
        """A prompt up to the point where its completion begins."""
        return [self._special["<|text|>"], *self.encode(prompt)]

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens; bytes that are no UTF-8 (half a character) become U+FFFD."""
        return self.encoding.decode(tokens)

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        """The bytes of tokens; a token may hold only a part of a character."""
        return self.encoding.decode_bytes(tokens)

    def _calls(self, message: Message) -> list[int]:
        written = (call["name"] + call["arguments"] for call in called_functions(message))
        mark = self._special["<|tool|>"]
        return [token for call in written for token in (mark, *self.encode(call))]

    def _role(self, message: Message) -> int:
        role = message["role"]
        if role not in ROLE_TOKENS:
            known = ", ".join(ROLE_TOKENS)
            raise ValueError(f"role {role!r} does not exist; a message's role is one of {known}")
        return self._special[ROLE_TOKENS[role]]


def _read_ranks(path: Path) -> dict[bytes, int]:
    """Read tiktoken's own file format: on each line a token in base64 and its rank."""
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            token, rank = line.split()
            ranks[base64.b64decode(token, validate=True)] = int(rank)
        except ValueError as error:
            raise ValueError(
                f"{path}, line {number}: expected a token in base64, a blank and its rank"
            ) from error
    if sorted(ranks.values()) != list(range(len(ranks))):
        raise ValueError(f"{path}: the ranks must be 0, 1, 2 … without gaps or doubles")
    return ranks

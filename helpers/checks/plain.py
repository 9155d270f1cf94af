"""Accept at a glance what no rule can find fault with: most lines of a large file are so.

A schema decodes chats of roles and texts, and nothing else. Whatever it does not accept goes
through the rules, which alone explain. It may refuse too much, and never too little: a test holds
that a report is the same without it.
"""

import re
from functools import lru_cache
from typing import Annotated, Literal

import msgspec

from helpers.checks.texts import is_harmless

USUAL_ORDER = re.compile("s?u*a(u+a)*")  # of roles, by their first letters


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message of a role and a text."""

    role: Literal["system", "user", "assistant"]
    content: str


class Chat(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A chat example of such messages, and nothing else."""

    messages: Annotated[tuple[Message, ...], msgspec.Meta(min_length=2, max_length=1000)]


_decode = msgspec.json.Decoder(Chat).decode


def plain_chat(raw: bytes) -> Chat | None:
    """Return the chat on a line if it is surely correct, None to leave the line to the rules."""
    try:
        chat = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    roles = "".join([message.role[0] for message in chat.messages])
    texts = [message.content for message in chat.messages]
    if not USUAL_ORDER.fullmatch(roles) or not all(map(str.strip, texts)):
        return None
    if roles[0] == "s" and _is_usual(texts[0]):
        del texts[0]
    return chat if is_harmless("\n".join(texts)) else None


_is_usual = lru_cache(maxsize=16)(is_harmless)  # a system message stands in many lines

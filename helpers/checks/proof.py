"""The fast path: prove lines sound by one regular expression, without reading them as JSON.

Most lines of a large file are alike: `{"messages": [`, the same system message, turns of user
and assistant, all spelled as json.dumps does it. The expression below matches such a line only
if no rule could find fault with it; whatever it does not match goes the slow way through the
rules, which alone explain. So it may refuse too much, and never too little; a test holds that
a report is the same without it.

Every repetition is possessive (`*+`), so that no line makes it slow.
"""

import re
from functools import lru_cache
from typing import Any

import orjson

from helpers.checks.across import REFUSAL, spelled
from helpers.checks.texts import HARMLESS

LINE_END = b"]}"
# Characters of texts that need no closer look. Not among them: what JSON does not take as it is,
# and what texts.py looks at more closely.
_RUN = rb"[ !#-*,./:-?A-IL-\[\]^`-y{-\xff]*+"
# Of the ways to spell a character (\u00e9, \/) only the shortest: the same text, the same bytes.
_SPECIAL = rb'\\["\\bfnrt]|' + HARMLESS.encode()
# What is no blank in any script, so that the text is not empty: ASCII but space, escape and
# hyphen, and first bytes of characters of which none is a blank. (A tenth digit does no harm.)
_FIRST = rb"[!#-*,./0-?A-\[\]^`-~\xc3-\xdf\xe4-\xf4]"
_TEXT = b'"' + _FIRST + _RUN + b"(?:(?:" + _SPECIAL + b")" + _RUN + b')*+"'
_NO_REFUSAL = rb'(?!"(?:\W*\\|' + REFUSAL.pattern.encode() + b"))"
_USER = rb'\{"role": "user", "content": ' + _TEXT + rb"\}"
_ASSISTANT = rb'\{"role": "assistant", "content": ' + _NO_REFUSAL + _TEXT + rb"\}"
_TURNS = b"(?:" + _USER + b", (" + _ASSISTANT + rb")(?:, |(?=\]\}\r?\n)))++"


def opening_of(raw: bytes, example: dict[str, Any]) -> bytes | None:
    """Return how the line `raw` begins, its system message included, if others may be alike.

    None if the line is no chat as json.dumps spells it.
    """
    messages = example.get("messages", ())
    systems = [message for message in messages[:1] if message["role"] == "system"]
    opening = spelled(systems)
    return opening if messages and raw.startswith(opening) else None


@lru_cache(maxsize=4)
def splitter(opening: int | None) -> re.Pattern[bytes]:
    """Return the expression whose findall splits whole lines into (proven, answer, other).

    `proven` is a line without LINE_END whose turns are proven sound, and `answer` its last
    message. Its first `opening` bytes are passed over, which costs nothing, be they many: the
    caller compares them, and sees to it that all is UTF-8. `other` is a line that was not
    proven; with `opening` None all are.
    """
    if opening is None:
        return re.compile(rb"()()(.*)\n")
    return re.compile(b"((?s:.{%d})" % opening + _TURNS + rb")\]\}\r?\n|(.*)\n")


def is_utf8(data: bytes) -> bool:
    """Say whether `data` is UTF-8."""
    try:
        data.decode("utf-8")
        return True
    except UnicodeDecodeError:
        return False


def as_example(proven: bytes) -> dict[str, Any]:
    """Return the example that a proven line holds."""
    return orjson.loads(proven + LINE_END)

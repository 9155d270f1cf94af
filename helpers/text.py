"""What every reader of text needs: name an encoding that is not UTF-8, clean away strays."""

import codecs
import re
from typing import Any

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)

# What looks like a space and are another token; marks that cannot be seen at all.
STRAYS = str.maketrans(
    {
        **dict.fromkeys("\u00a0\u2007\u202f", " "),
        **dict.fromkeys("\u00ad\u200b\u2060\ufeff", None),
        **{chr(code): None for code in range(32) if chr(code) not in "\n\t\r"},
    }
)


def clean(value: Any) -> Any:
    """Return `value` with every text in it, however deep, freed from strays.

    Non-breaking spaces become spaces; zero-width spaces, soft hyphens, byte order marks and
    control characters go; line ends become LF. Leading and trailing spaces stay: in a
    prompt/completion file they mean something.
    """
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n").translate(STRAYS)
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    return value


def foreign_encoding(data: bytes) -> str | None:
    """Return None if `data` is UTF-8 (with or without byte order mark), else the likely encoding.

    `data` may be cut anywhere but inside a character. The name is a guess for a person to act
    on: bytes that are no UTF-8 do not say what they are.
    """
    for mark, name in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return name
    if b"\0" in data:
        return "UTF-16 without byte order mark, or no text at all"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "GB18030 (Chinese)" if _is_chinese(data) else "Windows-1252 (Western European)"
    return None


def _is_chinese(data: bytes) -> bool:
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return False
    runs = re.findall(rb"[\x80-\xff]+", data)
    if 2 * sum(len(run) == 1 for run in runs) > len(runs):
        return False  # a single byte among Latin letters: the ö of Köln
    beyond_ascii = sum(character > "\x7f" for character in text)
    return 2 * len(re.findall("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]", text)) > beyond_ascii

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

CERTAIN = ("UTF-16", "UTF-32", "GB18030 (Chinese)", "Windows-1252 (Western European)")

# The commonest characters of Chinese: in another text that is read as Chinese they are rare.
CHINESE = "的一是不了在有我他这个们中来上大为和国地到以说时要就出会可也你对生能道什么怎没多少哪"
# What stands in no Western European text, but often in another that is read as one.
NOT_WESTERN = re.compile(r"[^\W\d_][¹³¿¯¼¾º§„”][^\W\d_]|[ðþ]")

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
    """Return None if `data` is UTF-8 (with or without byte order mark), else what it looks like.

    `data` may be cut anywhere but inside a character. One of `CERTAIN` begins with its name;
    everything else is a guess for a person to act on.
    """
    for mark, name in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return name
    if b"\0" in data:
        return "UTF-16 without byte order mark, or no text at all"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return _shown(data, f"0x{data[error.start]:02X}")
    return None


def _shown(data: bytes, byte: str) -> str:
    beyond_ascii = re.compile("[^\0-\x7f]")
    found = beyond_ascii.findall(data.decode("utf-8", "replace"))
    if 2 * found.count("\ufffd") < len(found):
        return f"text in UTF-8 but for the byte {byte}"
    found = beyond_ascii.findall(data.decode("gb18030", "ignore"))
    if sum(character in CHINESE for character in found) > len(found) / 10:
        return "GB18030 (Chinese)"
    text = data.decode("cp1252", "ignore")
    if NOT_WESTERN.search(text) or len(beyond_ascii.findall(text)) > len(text) / 4:
        return "text in another encoding, or no text at all"
    return "Windows-1252 (Western European)"

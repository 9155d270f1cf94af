"""Turn bytes into text, in the encoding that they are in."""

import re

from helpers.preparing.rows import Say, UnreadableFile
from helpers.text import foreign_encoding


def decode(data: bytes, encoding: str | None, say: Say) -> str:
    """Return `data` as text; with `encoding` None in the one that its bytes show, which is said.

    Raises UnreadableFile if a byte is no text in that encoding, or if the bytes show none.
    """
    likely = foreign_encoding(data)
    if likely and encoding is None and (encoding := _shown(data, likely)) not in (None, "UTF-8"):
        say(f"encoding: {likely}, as the bytes show; --encoding NAME takes another")
    elif likely and encoding in (None, "utf-8"):
        readable, *rest = re.split("[\udc80-\udcff]", data.decode("utf-8", "surrogateescape"))
        place = f", line {len(readable.split(chr(10)))}" if rest else ""
        advice = "Save it as UTF-8" + (", or name it with --encoding" if encoding is None else "")
        raise UnreadableFile(f"{place}: not UTF-8; it looks like {likely}. {advice}")
    try:
        return data.decode(encoding or "utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        reason = f"the byte 0x{data[error.start]:02X} is no text in {encoding}"
        raise UnreadableFile(f", line {line}: {reason}. Save the file as UTF-8") from error
    except LookupError as error:
        raise UnreadableFile(f": Python knows no encoding {encoding!r}") from error


def _shown(data: bytes, likely: str) -> str | None:
    """Return the encoding that the bytes show for certain, None if they do not."""
    if likely.startswith("UTF-"):
        return None if "without" in likely else likely
    text = data.decode("utf-8", "surrogateescape")
    odd = len(re.findall("[\udc80-\udcff]", text))
    if odd < len(re.findall("[^\0-\x7f\udc80-\udcff]", text)):
        return "UTF-8"  # but for an odd byte
    name = likely.split()[0]
    is_another_script = name == "Windows-1252" and 4 * odd > len(data)
    return None if is_another_script else name

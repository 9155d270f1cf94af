"""Files of odd bytes: each ends in a report, the same with and without the glance of plain.py."""

import contextlib
import json

import pytest

from helpers.check import check_file, fix_file

SOUND = [
    json.dumps({"messages": [{"role": "user", "content": f"What is {n}?"},
                             {"role": "assistant", "content": f"A number, {n}."}]}).encode()
    for n in range(12)
]  # fmt: skip


def chat(text, tail=b""):
    """A line whose user says `text`, which is written into the JSON as it is."""
    return SOUND[0].replace(b"What is 0?", text) + tail


ODD = {
    "nothing": b"",
    "one line end": b"\n",
    "spaces of all kinds": b" \t\r\n\x0b\x0c\n\xc2\xa0\n\xe3\x80\x80\n",
    "carriage returns": b"\r".join(SOUND),
    "windows line ends": b"\r\n".join(SOUND),
    "two carriage returns": b"\r\r\n".join(SOUND),
    "a line separator of Unicode": "\u2028".encode().join(SOUND),
    "NUL bytes": b"\0" * 100,
    "a NUL within": chat(b"a\0b"),
    "an escaped NUL": chat(rb"a\u0000b"),
    "a bare tab in a text": chat(b"a\tb"),
    "a bare line end in a text": chat(b"a\nb"),
    "DEL": chat(b"\x7f"),
    "byte order mark": b"\xef\xbb\xbf" + SOUND[0],
    "two byte order marks": b"\xef\xbb\xbf" * 2 + SOUND[0],
    "byte order mark alone": b"\xef\xbb\xbf",
    "byte order mark before a empty line": b"\xef\xbb\xbf\n" + SOUND[0],
    "byte order mark within": chat(b"\xef\xbb\xbf"),
    "UTF-16": SOUND[0].decode().encode("utf-16"),
    "UTF-16 cut in a character": SOUND[0].decode().encode("utf-16")[:-1],
    "UTF-16 without mark": SOUND[0].decode().encode("utf-16-le"),
    "UTF-16 with half a pair": b"\xff\xfe\x00\xd8\x0a\x00",
    "UTF-32": SOUND[0].decode().encode("utf-32"),
    "UTF-7": b"{+AOk-",
    "Latin-1": chat(b"caf\xe9 \xe0 la carte"),
    "GB18030": chat("道可道，非常道".encode("gb18030")),
    "overlong UTF-8": chat(b"\xc0\x80 \xe0\x80\xaf \xf0\x82\x82\xac"),
    "half a pair in UTF-8": chat(b"\xed\xa0\x80"),
    "beyond Unicode": chat(b"\xf4\x90\x80\x80 \xf8\x88\x80\x80\x80"),
    "UTF-8 cut in a character": chat(b"\xe4\xb8"),
    "a single continuation byte": b"\x80",
    "half a pair, escaped": chat(rb"\ud800"),
    "the halves the wrong way round": chat(rb"\udc00\ud800"),
    "a pair, escaped": chat(rb"\ud83d\ude00"),
    "an unknown escape": chat(rb"\x41 \q"),
    "an escape cut short": chat(rb"\u00e"),
    "a backslash at the end of a text": chat(b"\\"),
    "two backslashes at the end of a text": chat(b"\\\\"),
    "escapes only": chat(rb"\n\t\r"),
    "an escaped secret": chat(rb"\u0073k-abcdefghijklmnopqrstuvwx"),
    "a secret after an escape": chat(rb"\nsk-" + b"abcdefgh" * 3),
    "an escaped slash": chat(rb"a\/b"),
    "spaces that are no ASCII": chat("\u00a0\u2003\u3000".encode()),
    "characters without width": chat("\u200b\u2060\ufeff".encode()),
    "right to left": chat("\u202e?si tahW".encode()),
    "combining marks": chat(b"e" + "\u0301".encode() * 1000),
    "an emoji of many parts": chat("👩‍👩‍👧‍👦🏳️‍🌈".encode()),
    "letters that case folding makes others": chat("ſorry İı K ß".encode()),
    "digits of other scripts": chat("١٣٨١٢٣٤٥٦٧٨ １３８".encode()),
    "a long number in a text": chat(b"1" * 100_000),
    "many hyphens": chat(b"-" * 100_000),
    "many at signs": chat(b"a@" * 50_000),
    "many dots": chat(b"a@" + b"a." * 50_000),
    "many brackets and pluses": chat(b"+1 (" * 50_000),
    "many quotation marks": chat(rb"\"" * 50_000),
    "many spaces": chat(b" " * 100_000 + b"x"),
    "a special token": chat(b"<|endoftext|><|im_start|>system<|end|>"),
    "braces only": b"{" * 100_000,
    "brackets only": b"[" * 100_000,
    "brackets in an example": b'{"messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "brackets, one a line": b"[\n" * 5_000,
    "objects in objects, one a line": b'{"messages":\n' * 5_000,
    "a list that never ends": b"[" + b",\n".join(SOUND),
    "a list of lists": b"[[[" + b",".join(SOUND) + b"]]]",
    "quotation marks only": b'"' * 1_001,
    "a large integer": SOUND[0].replace(b'"What is 0?"', b"9" * 5_000),
    "a large weight": SOUND[0].replace(b'0."', b'0.", "weight": 1e999'),
    "a tiny weight": SOUND[0].replace(b'0."', b'0.", "weight": -0'),
    "NaN": SOUND[0].replace(b'0."', b'0.", "weight": NaN'),
    "a comment": b"// data\n" + SOUND[0] + b" // end\n/* */",
    "a comma after the object": SOUND[0] + b",",
    "a key twice": b'{"messages": [], ' + SOUND[0][1:],
    "the role twice": SOUND[0].replace(b'{"role": "user"', b'{"role": "system", "role": "user"'),
    "an empty key": b'{"": ' + SOUND[0] + b"}",
    "a key of broken characters": rb'{"\ud800": 1}',
    "spaces around": b"  " + SOUND[0] + b" \t ",
    "an end too many": SOUND[0] + b"]}",
    "two examples and a line end between": SOUND[0] + b"\\n" + SOUND[1],
    "an example cut off": SOUND[0][:-20],
    "an example within a text": chat(SOUND[1].replace(b'"', rb"\"")),
    "a line end within an example": SOUND[0].replace(b", ", b",\n"),
    "a picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "a zip file": b"PK\x03\x04\x14\0\0\0\x08\0",
    "a pickle": b"\x80\x04\x95\x10\0\0\0\0\0\0\0",
    "a web page": b"<!doctype html>\n<title>404</title>\n",
    "a table": b"prompt,completion\nHello,Hi\n",
}
PLACES = {
    "alone": lambda odd: odd,
    "first": lambda odd: b"\n".join([odd, *SOUND[1:]]),
    "third": lambda odd: b"\n".join([*SOUND[1:3], odd, *SOUND[3:], b""]),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_file_ends_in_a_report(tmp_path, name, monkeypatch):
    path, fixed = tmp_path / "odd.jsonl", tmp_path / "fixed.jsonl"
    reports = []
    for _ in range(2):
        for put in PLACES.values():
            path.write_bytes(put(ODD[name]))
            report = check_file(path, valid=path, model="gpt-4o-mini")
            assert report.findings and str(report)
            reports.append(report.to_dict())
        monkeypatch.setattr("helpers.checks.run.plain_chat", lambda raw: None)
    assert reports[: len(PLACES)] == reports[len(PLACES) :]
    for put in PLACES.values():
        path.write_bytes(put(ODD[name]))
        with contextlib.suppress(ValueError):  # what looks like UTF-16
            fix_file(path, fixed)
            check_file(fixed)

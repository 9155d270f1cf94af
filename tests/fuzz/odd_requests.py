"""Requests to every served route: sound ones, and the same with something odd done to them.

An id in a request is a mark such as `@file2`; see `MARK`. Whoever sends the request puts a real
one in its place, so that what stands behind the 404 is reached.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from tests.answer_types import JOBS

# A kind of thing that the server has, and which of the known ones is meant.
MARK = re.compile(rb"@(file|job|model|upload|part)([0-4])")
PART = b'{"messages": []}\n'
MOST_DAMAGES = 3
LONGEST_BODY = 4_000_000


@dataclass(frozen=True)
class Raw:
    """Something that stands in JSON as it is."""

    text: str


@dataclass
class Request:
    """What goes over the wire; `is_to_its_route` says that no damage leads it elsewhere."""

    method: str
    target: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    is_to_its_route: bool = True


# --- odd values ---

HALF_A_PAIR = "\ud800"
TEXTS = [
    *("", " ", "\0", "a\0b", HALF_A_PAIR, f"a{HALF_A_PAIR}b", "\ufffe\uffff", "\u202e", "道" * 99),
    *("x" * 100_000, " " * 100_000, "\n", "../../etc/passwd", "@file0", "@model0", "@job0"),
    *("null", "true", "auto", "<|end|>", "'; DROP TABLE jobs; --", "%s%n", "{0}", "é" * 65),
]
NUMBERS = [
    *(0, -0.0, -1, 1, 2, 3, 128, 129, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 2**64, 10**400),
    *(-(10**400), 1.5, 5e-324, 1e308, float("nan"), float("inf"), float("-inf"), True, False),
    *map(Raw, ("1e400", "-1e400", "1e-400", "-0", "9" * 5_000, "0.1e1", "1E400000000")),
]
DEEP = st.builds(
    lambda depth, ends: Raw(ends[0] * depth + "1" + ends[1] * depth),
    st.sampled_from([10, 99, 500, 900, 940, 950, 960, 970, 980, 990, 1_000, 3_000, 50_000])
    | st.integers(1, 1_000),
    st.sampled_from([("[", "]"), ('{"a":', "}"), ('[{"type":"text","text":', "}]")]),
)
SCALARS = st.one_of(
    st.none(),
    st.sampled_from(NUMBERS),
    st.sampled_from(TEXTS),
    st.text(st.characters(), max_size=20),  # with halves of pairs
    st.integers(),
    st.floats(),
    DEEP,
)
ODD = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(TEXTS[:6]), inner, max_size=3)
    ),
    max_leaves=5,
)


def written(value: Any) -> str:
    """JSON, with what is raw in it."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(k)}:{written(v)}' for k, v in value.items())}}}"
    return json.dumps(value)


# --- sound bodies ---


def some(required: dict[str, Any], **optional: st.SearchStrategy) -> st.SearchStrategy:
    """Objects with all of the required fields, as they are, and some of the others."""
    fixed = {name: value if isinstance(value, st.SearchStrategy) else st.just(value)
             for name, value in required.items()}  # fmt: skip
    return st.fixed_dictionaries(fixed, optional=optional)


def named(kind: str) -> st.SearchStrategy:
    return st.integers(0, 4).map(lambda number: f"@{kind}{number}")


LIFE = st.just({"anchor": "created_at", "seconds": 3600})
STOP = st.sampled_from(["\n", "", "é", ["a", "b"], ["x" * 500], "\ufffd"])
SAYING = {
    "temperature": st.sampled_from([0, 1, 2, 0.5, 5e-324]),
    "top_p": st.sampled_from([0, 1, 0.5]),
    "n": st.integers(1, 3),
    "presence_penalty": st.sampled_from([-2, 0, 1.5]),
    "frequency_penalty": st.sampled_from([-2, 0, 1.5]),
    "stop": STOP,
    "seed": st.sampled_from([0, -1, 2**63 - 1, -(2**63) + 1]),
    "stream": st.booleans(),
    "logit_bias": st.just({}),
    "user": st.text(max_size=5),
}
CONTENT = st.sampled_from(["Hi", "JSON", "", "道", "\0", [{"type": "text", "text": "Hi"}], []])
CALLS_OF_TOOLS = [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
ASKING = st.sampled_from(["system", "developer", "user"])
TURNS = st.one_of(
    st.tuples(some({"role": ASKING, "content": CONTENT})),
    st.tuples(
        some({"role": "assistant"}, content=CONTENT, weight=st.integers(0, 1),
             function_call=st.just({"name": "f", "arguments": ""})),
    ),
    st.tuples(
        some({"role": "assistant", "tool_calls": CALLS_OF_TOOLS}, content=CONTENT),
        some({"role": "tool", "content": CONTENT, "tool_call_id": "a"}),
    ),
)  # fmt: skip
SAID = some({"role": st.sampled_from(["user", "assistant", "developer"]),
             "content": st.sampled_from(["Hi", "JSON", [{"type": "input_text", "text": "道"}]])},
            type=st.just("message"))  # fmt: skip
CALLED = [
    {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "a", "output": "Hi"},
]
ITEMS = st.sampled_from(["Hi", "道"]) | st.one_of(
    st.lists(SAID, min_size=1, max_size=3), SAID.map(lambda said: [said, *CALLED])
)
MESSAGES = st.lists(TURNS, min_size=1, max_size=3).map(lambda turns: sum(map(list, turns), []))
SCHEMA = {
    "type": "object",
    "properties": {"a": {"anyOf": [{"enum": ["道", 1]}, {"$ref": "#/$defs/b"}]}},
    "required": ["a"],
    "additionalProperties": False,
    "$defs": {"b": {"type": "array", "items": {"type": "integer", "minimum": 0}, "maxItems": 2}},
}
TOOL = {"type": "function", "function": {"name": "f", "parameters": SCHEMA, "strict": True}}
FORMATS = st.sampled_from(
    [
        {"type": "text"},
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}},
    ]
)
TOOLS = {"tools": st.sampled_from([[TOOL], [TOOL, TOOL | {"function": {"name": "g"}}]])}
CHOICE = {
    "tool_choice": st.sampled_from(
        ["none", "auto", "required", TOOL | {"function": {"name": "f"}}]
    ),
    "parallel_tool_calls": st.booleans(),
}


def chats(tools):
    """Requests for answers, with tools or without."""
    return some(
        {"model": named("model"), "messages": MESSAGES, "max_tokens": 20} | tools,
        **SAYING,
        **(CHOICE if tools else {}),
        logprobs=st.just(True),
        stream_options=st.just({"include_usage": True}),
        response_format=FORMATS,
        metadata=st.just({"a": "b"}),
    )


SETTINGS = some({"n_epochs": 1}, batch_size=st.sampled_from([1, 256, "auto"]),
                learning_rate_multiplier=st.sampled_from([0.1, 1, "auto"]))  # fmt: skip
BODIES = {
    ("POST", "/v1/uploads"): some(
        {"bytes": len(PART), "filename": "a.jsonl", "mime_type": "text/jsonl"}
        | {"purpose": st.sampled_from(["fine-tune", "batch", "assistants"])},
        expires_after=LIFE,
    ),
    ("POST", JOBS): some(
        {"model": named("model"), "training_file": named("file")},
        validation_file=named("file"),
        suffix=st.sampled_from(["My Suffix", "x" * 64]),
        seed=st.sampled_from([0, 2**31 - 1]),
        metadata=st.just({"a": "b"}),
        integrations=st.just([]),
        method=some({"type": "supervised", "supervised": some({"hyperparameters": SETTINGS})})
        | some({"type": "dpo"}, dpo=some({}, hyperparameters=SETTINGS)),
        hyperparameters=SETTINGS,
    ),
    ("POST", "/v1/chat/completions"): st.one_of(chats({}), chats(TOOLS)),
    ("POST", "/v1/completions"): some(
        {"model": named("model"), "max_tokens": 2},
        **SAYING,
        prompt=st.sampled_from(["Hi", "", ["Hi", "道"]]),
        best_of=st.integers(1, 3),
        echo=st.booleans(),
        logprobs=st.integers(0, 5),
    ),
    ("POST", "/v1/responses"): some(
        {"model": named("model"), "input": ITEMS, "max_output_tokens": 16},
        instructions=st.sampled_from(["Hi", "道", ""]),
        temperature=SAYING["temperature"],
        top_p=SAYING["top_p"],
        stream=st.booleans(),
        store=st.booleans(),
        top_logprobs=st.integers(0, 20),
        include=st.just(["message.output_text.logprobs"]),
        text=st.sampled_from(
            [
                {"format": {"type": "text"}, "verbosity": "medium"},
                {"format": {"type": "json_object"}},
                {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}},
            ]
        ),
        tools=st.sampled_from([[], [{"type": "function", **TOOL["function"]}]]),
    ),
}
FORMS = {
    ("POST", "/v1/files"): lambda content: [
        ('name="purpose"', b"fine-tune"),
        ('name="file"; filename="a.jsonl"', content),
    ],
    ("POST", "/v1/uploads/{id}/parts"): lambda content: [('name="data"; filename="a"', content)],
}
FIELDS_OF_QUERIES = ["limit", "after", "order", "purpose", "metadata", "metadata[a]", "metadata["]
KINDS = {"files": "file", "uploads": "upload", "fine_tuning": "job", "models": "model"}


# --- requests, and what is done to them ---


@st.composite
def requests(draw, method: str, path: str) -> Request:
    """Requests to the route with this method and path."""
    kind = KINDS.get(path.split("/")[2])
    number = draw(st.integers(0, 4))
    request = Request(method, re.sub(r"\{.*\}", f"@{kind}{number}", path))
    damages = draw(st.integers(0, MOST_DAMAGES))
    if (method, path) in FORMS:
        _fill_form(draw, request, FORMS[method, path](PART), damages)
    elif method == "POST":
        body = draw(BODIES.get((method, path), st.just({})))
        if path.endswith("/complete"):
            body = {"part_ids": [f"@part{number}"]}
        for _ in range(damages):
            damaged = _damaged(draw, body)
            body = damaged if len(written(damaged)) < LONGEST_BODY else body
        request.body = written(body).encode()
        request.headers["Content-Type"] = "application/json"
    for _ in range(draw(st.integers(0, 1))):
        draw(st.sampled_from([_odd_target, _odd_query, _odd_headers, _odd_body, _odd_method]))(
            draw, request
        )
    if method == "GET" and "?" not in request.target and draw(st.booleans()):
        _odd_query(draw, request)
    return request


def _damaged(draw, value: Any) -> Any:
    """The value with something odd in it, or in its place."""
    if not value or not isinstance(value, dict | list) or draw(st.integers(0, 9)) == 0:
        return draw(ODD)
    if isinstance(value, list):
        place = draw(st.integers(0, len(value) - 1))
        times = draw(st.sampled_from([0, 1, 1, 1, 2, 5, 1_001]))
        return [*value[:place], *[_damaged(draw, value[place])] * times, *value[place + 1 :]]
    name = draw(st.sampled_from([*value, draw(st.sampled_from(TEXTS[:6]))]))
    if name in value and draw(st.integers(0, 4)) == 0:
        return {other: kept for other, kept in value.items() if other != name}
    return value | {name: _damaged(draw, value.get(name))}


CHARSETS = [
    *("utf-7", "utf-16", "idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"),
    *("hex", "rot13", "zip", "latin-1", "nonsense", "mbcs", "utf-8-sig", "cp037"),
]
NAMES = [
    *("file", "data", "purpose", "expires_after[seconds]", "expires_after[anchor]"),
    *("", "é", "+2AA-"),
]
VALUES = [
    *("fine-tune", "batch", "assistants", "created_at", "3600", "9" * 5_000, "٣", "\0", "+2AA-"),
]
CONTENTS = st.sampled_from(
    [PART, b"", b"\0", b"\xff\xfe", b"[" * 10_000, b'{"a": 1e400}', b"9" * 5_000]
)
FILENAMES = [
    *("a.jsonl", "", "../../x", "C:\\\\x", "a\0b", "道.jsonl", "x" * 10_000, r"\"", "%00", "\x7f"),
    *("+2AA-", "\\ud800", "=?utf-8?q?x?="),
]
ODD_PARTS = st.one_of(
    st.builds(
        lambda name, filename, content: (f'name="{name}"; filename="{filename}"', content),
        st.sampled_from(NAMES),
        st.sampled_from(FILENAMES),
        CONTENTS,
    ),
    st.builds(
        lambda name, value: (f'name="{name}"', value.encode()),
        st.sampled_from(NAMES),
        st.sampled_from(VALUES),
    ),
    st.sampled_from(
        [
            ('filename="a"', b""),
            ("", b""),
            ("name=file; filename=a", PART),
            ("name=\"file\"; filename*=utf-8''%ff%00", PART),
            ('name="file"; filename="a"\r\nContent-Transfer-Encoding: base64', b"!"),
            ('name="file"; filename="a"\r\nno header', PART),
            ('name="file"; filename="a"; filename="b"', PART),
            ('name="file', PART),
        ]
    ),
)


def _fill_form(draw, request: Request, parts: list[tuple[str, bytes]], damages: int) -> None:
    boundary, end = "bound", "--"
    for _ in range(damages):
        place = draw(st.integers(0, len(parts)))
        parts[place : place + draw(st.integers(0, 1))] = draw(st.lists(ODD_PARTS, max_size=2))
    if damages and draw(st.booleans()):
        boundary, end = draw(st.sampled_from([("", "--"), ("b" * 300, "--"), ("bound", "")]))
    heads = (
        f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n" for head, _ in parts
    )
    contents = (content + b"\r\n" for _, content in parts)
    pieces = (head.encode() + content for head, content in zip(heads, contents, strict=True))
    request.body = b"".join(pieces) + f"--{boundary}{end}\r\n".encode()
    request.headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
    if damages and draw(st.booleans()):
        _odd_content_type(draw, request)


def _odd_content_type(draw, request: Request) -> None:
    sound = request.headers["Content-Type"]
    others = ["multipart/form-data", "multipart/form-data; boundary", "application/json", "", "x"]
    others += ["application/x-www-form-urlencoded", sound.upper()]
    others += [f"{sound}; charset={charset}" for charset in CHARSETS]
    request.headers["Content-Type"] = draw(st.sampled_from(others))


def _odd_query(draw, request: Request) -> None:
    """A query; with path and headers it stays below the 64 KB at which HTTP itself ends."""
    values = st.sampled_from([*TEXTS, "-1", "0", "1", "10001", "9" * 5_000, "desc", "asc", "1.0"])
    pairs = draw(st.lists(st.tuples(st.sampled_from(FIELDS_OF_QUERIES), values), max_size=3))
    query = "&".join(f"{name}={_quoted(value)[:5_000]}" for name, value in pairs)
    odd = ["", "&&", "limit", "%ff=%ff", "=", ";", "metadata[]=", "limit=1&limit=2", "a" * 5_000]
    odd += [""] * len(odd)
    odd.append("&".join(f"metadata[{number}]=x" for number in range(1_500)))
    request.target += f"?{query}{draw(st.sampled_from(odd))}"


def _quoted(text: str) -> str:
    return quote(text, errors="surrogatepass", safe="@")


def _odd_target(draw, request: Request) -> None:
    """Another id in the path, or other words."""
    ids = [*map(_quoted, TEXTS), "%2F", "%2e%2e%2f", "%ff", "%", "%zz", "..", "//", "x/y", "%0a"]
    ids += ["%C3%28", "a%3Fb", "a%23b", "@file0", "@job0", "x" * 9_000, "x%0a", ";", "*", "[::1]"]
    ids = [word[:9_000] for word in ids]
    word = draw(st.sampled_from(ids))
    if draw(st.booleans()) and "@" in request.target:
        request.target = re.sub("@[a-z]+[0-9]", lambda _: word, request.target)
    else:
        request.target += draw(st.sampled_from(["", "/"])) + word
    request.is_to_its_route = False


def _odd_headers(draw, request: Request) -> None:
    texts = ["", " ", "x" * 9_000, "ä", "\x7f", "é" * 300, "1, 2", "@", "null", "gzip"]
    texts += ["bytes=0-", "bytes=9-1", "bytes=a", "bytes=999999-", "bytes=-0", "bytes=0-0,1-1"]
    texts += ["bytes=" + "0-1," * 200, "http://[", "http://localhost", "localhost:x", "[::1]:1"]
    texts += ["localhost:99999999", "Bearer ", "Bearer \x80"]
    names = ["Idempotency-Key", "Range", "If-Range", "Origin", "Host", "Accept", "Content-Type"]
    names += ["Content-Encoding", "Authorization", "OpenAI-Organization", "If-None-Match"]
    name = draw(st.sampled_from(names))
    request.headers[name] = draw(st.sampled_from(texts))


def _odd_body(draw, request: Request) -> None:
    body = request.body
    odd = [b"", b"null", b"[]", b'"x"', b"3", b"NaN", b"{", body[: len(body) // 2], body * 2]
    odd += [b"\xef\xbb\xbf" + body, b"\xff" + body, body.decode("latin-1").encode("utf-16")]
    odd += [body.replace(b'"', b"'"), body.replace(b":", b":" * 2, 1), b'{"": 1, "": 2}']
    odd += [body.replace(b"{", b'{"model": null, "model": "@model0",', 1), b'{"\xed\xa0\x80": 1}']
    odd += [b"[" * 100_000, b'{"a":' * 100_000, b"\0" * 1_000]
    request.body = draw(st.sampled_from(odd) | st.binary(max_size=50))


def _odd_method(draw, request: Request) -> None:
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", "BREW", "TRACE", "QUERY"]
    request.method = draw(st.sampled_from(methods))
    request.is_to_its_route = False

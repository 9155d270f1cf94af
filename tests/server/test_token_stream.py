"""The tokens told of are those of the text shown, byte by byte."""

from itertools import product
from string import ascii_lowercase

from hypothesis import given
from hypothesis import strategies as st

from practice_server.asking.speech import Speech
from practice_server.asking.streams import Piece, TextStream, TokenStream
from practice_server.engines.engine import Token
from practice_server.engines.numpy_engine.tokenizer import Tokenizer
from tests.random_model import random_engine


def spoken(contents, stop=()):
    """The text shown of tokens with these bytes, and the bytes told of."""
    texts, tokens, told, text = TextStream(list(stop)), TokenStream(), [], ""
    for number, content in enumerate(contents):
        tokens.add(Piece(Token(number, -1.0, []), content))
        text += texts.add(content)
        told += tokens.shown(texts.n_shown)
        if texts.stopped:
            break
    text += texts.end()
    told += tokens.end(texts.n_shown)
    assert [piece.token.id for piece in told] == list(range(len(told)))
    return text, [piece.content for piece in told]


def test_a_token_waits_for_all_of_its_text():
    tokens, text = TokenStream(), "a\n"
    tokens.add(Piece(Token(0, -1.0, []), text.encode()))
    assert tokens.shown(1) == []
    assert [piece.content for piece in tokens.shown(2)] == [b"a\n"]


def test_a_token_that_is_cut_through_keeps_what_is_shown():
    assert spoken([b"Hel", b"lo\n", b"\nX"], ["\n\n"]) == ("Hello", [b"Hel", b"lo"])


def test_the_first_half_of_a_character_goes_with_it():
    assert spoken([b"a", b"\xc3", b"\xa9b"], ["é"]) == ("a", [b"a"])
    assert spoken([b"a", b"\xc3", b"\xa9b"], ["b"]) == ("aé", [b"a", b"\xc3", b"\xa9"])


def test_bytes_that_are_no_character_are_told_as_they_are():
    assert spoken([b"a\xe9", b"\x81", b"b"], ["b"]) == ("a\ufffd", [b"a\xe9", b"\x81"])
    assert spoken([b"a\xe9\x81"]) == ("a\ufffd", [b"a\xe9\x81"])


@given(
    content=st.one_of(st.text("abé道😀").map(str.encode), st.binary(max_size=20)),
    stops=st.lists(st.text("abé道\ufffd", min_size=1, max_size=3), max_size=3),
    cuts=st.lists(st.integers(0, 40), max_size=10),
)
def test_the_bytes_told_are_the_text(content, stops, cuts):
    places = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
    contents = [content[a:b] for a, b in zip(places, places[1:], strict=False)]
    text, told = spoken(contents, stops)
    assert b"".join(told).decode("utf-8", "replace") == text
    assert content.startswith(b"".join(told))


def two_letter_tokenizer():
    """A tokenizer whose tokens are single bytes and all pairs of letters."""
    tokens = [bytes([byte]) for byte in range(256)]
    tokens += [bytes(pair) for pair in product(ascii_lowercase.encode(), repeat=2)]
    return Tokenizer({token: rank for rank, token in enumerate(tokens)})


def said(engine, stop):
    """The text of an answer, and the bytes of the tokens told of."""
    request = {"sampling": {"max_tokens": 60, "seed": 1, "top_logprobs": 0}, "stop": stop}
    *parts, end = Speech(engine, request).parts([engine.tokenizer.end])
    entries = [entry for part in parts for entry in part["logprobs"]]
    assert end["completion_tokens"] >= len(entries)
    return "".join(part["text"] for part in parts), bytes(
        byte for entry in entries for byte in entry["bytes"]
    )


def test_an_answer_tells_of_its_own_tokens_wherever_it_is_cut():
    engine = random_engine(
        two_letter_tokenizer(),
        scale=0.1,
        seed=7,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=64,
        learning_rate=1e-3,
    )
    whole, _ = said(engine, stop=[])
    ends = {whole[place : place + n] for place in range(len(whole)) for n in (1, 2, 3)}
    for end in sorted(end for end in ends if "\ufffd" not in end):
        text, content = said(engine, stop=[end])
        assert text == whole.split(end)[0] == content.decode("utf-8", "replace")

"""What a stream may show: whole characters, and nothing of a stop sequence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from practice_server.asking.streams import TextStream


def shown(pieces, stop=()):
    stream = TextStream(list(stop))
    texts = []
    for piece in pieces:
        texts.append(stream.add(piece))
        if stream.stopped:
            break
    return [*texts, stream.end()]


def test_a_character_waits_for_its_last_byte():
    assert shown([b"\xe9", b"\x81", b"\x93!"]) == ["", "", "道!", ""]


def test_half_a_character_at_the_end_is_replaced():
    assert shown([b"a", b"\xe9\x81"]) == ["a", "", "\ufffd"]


def test_a_stop_sequence_may_span_tokens():
    assert shown([b"Hel", b"lo\n", b"\nX", b"more"], ["\n\n"]) == ["Hel", "lo", "", ""]


def test_what_only_began_like_a_stop_sequence_is_shown_later():
    assert shown([b"a-", b"-b", b"-"], ["---"]) == ["a", "--b", "", "-"]


@given(
    text=st.text("abé", max_size=20),
    stops=st.lists(st.text("abé", min_size=1, max_size=3), max_size=3),
    cuts=st.lists(st.integers(0, 40), max_size=10),
)
def test_cutting_into_tokens_changes_nothing(text, stops, cuts):
    content = text.encode()
    places = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
    pieces = [content[a:b] for a, b in zip(places, places[1:], strict=False)]
    found = [text.find(stop) for stop in stops if stop in text]
    whole = text[: min(found)] if found else text
    result = "".join(shown(pieces, stops))
    # In pieces, the sequence that is complete first wins; whole, the one that begins first.
    assert result == whole or (found and result.startswith(whole))


@pytest.mark.parametrize("stop", [[], [""]])
def test_without_stop_sequences(stop):
    assert "".join(shown([b"a", b"b"], stop)) == "ab"

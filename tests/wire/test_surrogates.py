"""Halves of surrogate pairs are joined or replaced; what comes out can always be encoded."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roundtrip.agent.wire.surrogates import Halves, encodable

texts = st.text(alphabet=st.sampled_from(["a", "é", "\ud83d", "\ude00", "\udcff", "😀", "\U0010ffff"]), max_size=8)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("aé😀", "aé😀"),
        ("\ud83d\ude00", "😀"),
        ("\ud83d", "\ufffd"),
        ("a\ude00b", "a\ufffdb"),
        ("\ud83da", "\ufffda"),
        ("\ud83d\ud83d\ude00", "\ufffd😀"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
    ],
)
def test_encodable(text: str, expected: str) -> None:
    assert encodable(text) == expected


@settings(derandomize=True, deadline=None, max_examples=300)
@given(text=texts, cuts=st.lists(st.integers(0, 8), max_size=4))
def test_chunks_never_show(text: str, cuts: list[int]) -> None:
    halves = Halves()
    places = [0, *sorted(cuts), len(text)]
    parts = [halves.whole(text[start:end]) for start, end in itertools.pairwise(places)]
    whole = "".join(parts) + halves.rest()
    assert whole == encodable(text)
    assert whole.encode().decode() == whole

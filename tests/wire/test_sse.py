"""Every fault of a stream that a server has shown, whole, byte by byte and at every cut."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roundtrip.agent.wire.sse import ServerEvent, SseDecoder

A, B = ServerEvent("", "a"), ServerEvent("", "b")
CASES: dict[str, tuple[bytes, list[ServerEvent]]] = {
    "one event": (b"data: a\n\n", [A]),
    "two events": (b"data: a\n\ndata: b\n\n", [A, B]),
    "no space": (b"data:a\n\n", [A]),
    "two spaces": (b"data:  a\n\n", [ServerEvent("", " a")]),
    "crlf": (b"data: a\r\n\r\ndata: b\r\n\r\n", [A, B]),
    "cr": (b"data: a\r\rdata: b\r\r", [A, B]),
    "mixed line ends": (b"data: a\r\n\ndata: b\n\r\n", [A, B]),
    "several data lines": (b"data: a\ndata: b\n\n", [ServerEvent("", "a\nb")]),
    "an empty data line among others": (b"data: a\ndata:\ndata: b\n\n", [ServerEvent("", "a\n\nb")]),
    "comments": (b": ping\n\ndata: a\n\n:keepalive\n\n", [A]),
    "comment inside an event": (b"data: a\n: ping\ndata: b\n\n", [ServerEvent("", "a\nb")]),
    "ping event": (b"event: ping\n\ndata: a\n\n", [A]),
    "named event": (b"event: error\ndata: a\n\ndata: b\n\n", [ServerEvent("error", "a"), B]),
    "name behind the data": (b"data: a\nevent: error\n\n", [ServerEvent("error", "a")]),
    "empty data": (b"data:\n\ndata: \n\ndata\n\ndata: a\n\n", [A]),
    "retry": (b"retry: 3000\n\ndata: a\n\n", [A]),
    "id": (b"id: 1\ndata: a\n\nid\n\n", [A]),
    "id once, a ping later": (b"id: 1\ndata: a\n\n: ping\n\ndata: b\n\n", [A, B]),
    "unknown field": (b"nonsense\nx: y\ndata: a\n\n", [A]),
    "no blank line at the end": (b"data: a\n\ndata: b\n", [A, B]),
    "no line end at the end": (b"data: a\n\ndata: b", [A, B]),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [A]),
    "byte order mark alone": (b"\xef\xbb\xbf", []),
    "half a byte order mark": (b"\xef\xbb\n\ndata: a\n\n", [A]),
    "a mark later is data": (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [A]),
    "bad utf-8": (b"data: \xff\xfe\n\n", [ServerEvent("", "\ufffd\ufffd")]),
    "cut utf-8": (b"data: \xe2\x82\n\n", [ServerEvent("", "\ufffd")]),
    "characters of many bytes": ("data: €😀\n\n".encode(), [ServerEvent("", "€😀")]),
    "line separators are data": (
        "data: a\u2028\u2029\x85\x0b\x0cb\n\n".encode(),
        [ServerEvent("", "a\u2028\u2029\x85\x0b\x0cb")],
    ),
    "nul": (b"data: \0\n\n", [ServerEvent("", "\0")]),
    "bare JSON": (b'{"error": 1}\n\ndata: a\n\n', [ServerEvent("", '{"error": 1}'), A]),
    "bare JSON at the end": (b'data: a\n\n{"error": 1}', [A, ServerEvent("", '{"error": 1}')]),
    "only line ends": (b"\n\r\n\r\n\n", []),
    "nothing": (b"", []),
}


def decode(*blocks: bytes) -> list[ServerEvent]:
    decoder = SseDecoder()
    events = [event for block in blocks for event in decoder.feed(block)]
    return events + decoder.finish()


@pytest.mark.parametrize(("data", "events"), CASES.values(), ids=CASES)
def test_a_case(data: bytes, events: list[ServerEvent]) -> None:
    assert decode(data) == events
    assert decode(*(data[n : n + 1] for n in range(len(data)))) == events
    for cut in range(len(data) + 1):
        assert decode(data[:cut], data[cut:]) == events, cut
        assert decode(data[:cut], b"", data[cut:]) == events, cut


fields = st.sampled_from([b"data: ", b"data:", b"event: ", b"id: ", b": ", b"{", b"", b"\xef\xbb\xbf", b"data"])
values = st.sampled_from([b"a", b"", b" ", "é😀".encode(), b"\xff", b'{"a": 1}', b"[DONE]"])
ends = st.sampled_from([b"\n", b"\r\n", b"\r", b"\n\n", b"\r\n\r\n", b"\r\r"])
lines = st.builds(lambda *parts: b"".join(parts), fields, values, ends)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(data=st.lists(lines, max_size=8).map(b"".join), cuts=st.lists(st.integers(0, 200), max_size=6))
def test_cuts_never_show(data: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    blocks = [data[start:end] for start, end in itertools.pairwise(places)]
    assert decode(*blocks) == decode(data)


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_an_event_does_not_wait_for_the_next_byte(end: bytes) -> None:
    """A server that keeps the connection open behind its last event sends none."""
    assert SseDecoder().feed(b"data: [DONE]" + end) == [ServerEvent("", "[DONE]")]


def test_the_short_cut_and_the_long_way_mix() -> None:
    decoder = SseDecoder()
    blocks = [
        b"data: 1\n\n",
        b"data: 2\n\nda",
        b"ta: 3\n\n",
        b"data: 4\n\n",
        b"event: x\n",
        b"data: 5\n\n",
        b"data: 6\n\n",
    ]
    events = [event for block in blocks for event in decoder.feed(block)]
    assert events == [ServerEvent("x" if data == "5" else "", data) for data in "123456"]

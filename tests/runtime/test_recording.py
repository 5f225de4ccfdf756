"""The file of an output: what is kept of it, however the pieces come."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roundtrip.agent.runtime.recording import Recording

SETTINGS = settings(derandomize=True, deadline=None, max_examples=150)


@SETTINGS
@given(
    st.lists(st.text("ab\né€", max_size=9), max_size=30),
    st.integers(1, 20),
    st.integers(1, 20),
    st.integers(-120, 120),
    st.integers(1, 60),
)
def test_what_is_read_is_what_came(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str], head: int, ring: int, offset: int, most: int
) -> None:
    path = tmp_path_factory.mktemp("recording") / "1.out"
    recording = Recording(path, head=head, ring=ring)
    for piece in pieces:
        recording.add(piece)
    whole = "".join(pieces).encode()
    part = recording.read(offset, most)
    assert (recording.total, part.total) == (len(whole), len(whole))
    assert 0 <= part.start <= part.end <= len(whole)
    kept = part.start < head or part.start >= len(whole) - ring
    assert kept or part.start == len(whole)
    data = part.text.encode()
    clean = data.replace("\ufffd".encode(), b"")
    assert len(data) <= most + 9
    assert clean in whole or "\ufffd" in part.text
    if "\ufffd" not in part.text:
        assert whole[part.start : part.end] == data
    assert path.stat().st_size <= head + ring
    recording.close(remove=True)
    assert not path.exists()


@SETTINGS
@given(st.lists(st.text("ab\né€", max_size=40), max_size=30), st.integers(5, 40))
def test_reading_on_gets_all_of_it(tmp_path_factory: pytest.TempPathFactory, pieces: list[str], most: int) -> None:
    recording = Recording(tmp_path_factory.mktemp("recording") / "1.out")
    for piece in pieces:
        recording.add(piece)
    whole, got, offset = "".join(pieces), "", 0
    while offset < recording.total:
        part = recording.read(offset, most)
        assert part.end > offset
        got, offset = got + part.text, part.end
    assert got == whole
    recording.close()


@pytest.mark.parametrize(
    ("offset", "most", "start", "text"),
    [
        (0, 100, 0, "0123456789"),  # up to the gap
        (4, 3, 4, "456"),
        (10, 4, 25, "pqrs"),  # in the gap: where it goes on
        (30, 100, 30, "uvwxy"),
        (-3, 100, 32, "wxy"),
        (-100, 4, 0, "0123"),
        (99, 4, 35, ""),
    ],
)
def test_the_gap_between_head_and_tail(tmp_path: Path, offset: int, most: int, start: int, text: str) -> None:
    recording = Recording(tmp_path / "1.out", head=10, ring=10)
    recording.add("0123456789" + "abcdefghijklmnopqrstuvwxy")
    part = recording.read(offset, most)
    assert (part.start, part.text, part.total) == (start, text, 35)


def test_long_parts_end_with_a_line(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "1.out")
    recording.add("first\nsecond\nthird\n")
    assert recording.read(0, 15).text == "first\nsecond\n"
    assert recording.read(13, 100).text == "third\n"


def test_search(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "1.out", head=30, ring=30)
    recording.add("one ERROR here\ntwo\nThree: äöü\n" + "x" * 50 + "\nlast error.\n" + "é" * 4 + "tail")
    assert recording.search(["error"], 9) == ([(0, "one ERROR here"), (84, "last error.")], 2)
    assert recording.search(["error", "TAIL", ""], 2) == ([(0, "one ERROR here"), (84, "last error.")], 3)
    assert recording.search(["äÖ"], 9)[0] == [(19, "Three: äö")]
    assert recording.search(["(error"], 9) == ([], 0)


def test_a_line_without_an_end_is_searched(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "1.out")
    recording.add("x" * 1_000_000 + "needle" + "x" * 1_000_000)
    [(offset, line)], count = recording.search(["needle"], 9)
    assert (count, offset, line) == (1, 999_900, f"…{'x' * 100}needle{'x' * 394}…")
    assert recording.read(offset, 200).text[100:106] == "needle"


def test_an_earlier_one_is_read(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "1.out", head=10, ring=10)
    recording.add("0123456789abcdefghijklmnopqrstuvwxyz")
    recording.close()
    again = Recording(tmp_path / "1.out", recording.total, head=10, ring=10)
    assert again.read(-4, 9).text == "wxyz"
    assert again.read(0, 99).text == "0123456789"


def test_only_the_user_can_read_it_and_nothing_is_overwritten(tmp_path: Path) -> None:
    Recording(tmp_path / "1.out").close()
    assert (tmp_path / "1.out").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        Recording(tmp_path / "1.out")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_a_full_disk_is_no_reason_to_stop(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "1.out")
    recording.add("kept")
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, recording._descriptor)
    os.close(full)
    recording.add("lost")
    recording.add("lost too")
    assert recording.total == 16
    assert recording.read(0, 99).text == "kept"
    assert recording.read(5, 99).text == ""
    recording.close()

"""The pure helpers of the tools: globs, cuts, windows of lines, diffs."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from roundtrip.tools.cut import cut_middle
from roundtrip.tools.diffs import changes, lines_of
from roundtrip.tools.finding.engines import Records
from roundtrip.tools.finding.globs import matcher
from roundtrip.tools.reading.lines import LONGEST, decode, read_window


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("", ["a", "a/b"], []),
        ("*", ["a", "a/b"], []),
        ("*.py", ["a.py", "a/b.py", ".py"], ["a.pyc", "a.py/b"]),
        ("./*.py", ["a.py"], ["a.pyc"]),
        ("/a/*.py", ["a/b.py"], ["b/a/c.py", "a/b/c.py"]),
        ("**/*.py", ["a.py", "a/b/c.py"], ["a.pyc"]),
        ("**/**/*.py", ["a.py", "a/b/c.py"], []),
        ("a/**", ["a/b", "a/b/c"], ["a", "b/a/c"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["a/xb"]),
        ("a?.py", ["ab.py"], ["a.py", "a/.py"]),
        ("*.{ts,tsx}", ["a.ts", "a.tsx"], ["a.t"]),
        ("{a*,b}.c", ["ax.c", "b.c"], ["bx.c"]),
        ("[ab].c", ["a.c"], ["c.c"]),
        ("[!ab].c", ["c.c"], ["a.c"]),
        ("[z-a].c", ["[z-a].c"], ["z.c"]),
        ("[[a].c", ["[.c", "a.c"], ["b.c"]),
        ("[a--b].c", [], ["c.c"]),
        ("a+b(1).c", ["a+b(1).c"], ["aab1.c"]),
        ("[", ["["], ["a"]),
        ("{a", ["{a"], ["a"]),
        ("src/", ["src", "a/src"], ["src/a"]),
    ],
)
def test_globs(pattern: str, matching: list[str], other: list[str]) -> None:
    fits = matcher(pattern)
    assert [path for path in matching if not fits(path)] == []
    assert [path for path in other if fits(path)] == []


@given(st.text("*?[]{}!,a-b/\\.&~|"), st.text("ab/.", max_size=8))
def test_no_pattern_raises(pattern: str, path: str) -> None:
    assert matcher(pattern)(path) in (True, False)


def test_what_fits_is_not_cut() -> None:
    assert cut_middle("a\nb\n", 4) == "a\nb\n"


def test_the_middle_is_cut_at_lines() -> None:
    text = "".join(f"{number:02}\n" for number in range(100))
    assert cut_middle(text, 30) == "00\n01\n02\n… 273 bytes omitted …\n94\n95\n96\n97\n98\n99\n"


def test_what_was_cut_before_counts() -> None:
    assert "… 973 bytes omitted …" in cut_middle("".join(f"{number:02}\n" for number in range(100)), 30, total=1000)


@given(st.text("é\nx", min_size=60), st.integers(12, 50))
def test_cutting_keeps_ends_and_characters(text: str, budget: int) -> None:
    result = cut_middle(text, budget)
    assert "\ufffd" not in result
    assert len(result.encode()) <= budget + 40
    assert result.startswith(text[:1])
    assert result.endswith(text[-1:])


@given(
    st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=30),
    st.booleans(),
    st.integers(-35, 35),
    st.integers(1, 10),
)
def test_windows_agree_with_splitting(lines: list[bytes], ends: bool, offset: int, limit: int) -> None:
    data = b"\n".join(lines) + (b"\n" if lines and ends else b"")
    expected = data.removesuffix(b"\n").split(b"\n") if data else []
    window = read_window(io.BytesIO(data), offset, limit, 10**6)
    start = max(len(expected) + offset, 0) if offset < 0 else max(offset - 1, 0)
    assert window.total == len(expected)
    shown = [line.data + line.ending.encode() for line in window.lines]
    assert [line.removesuffix(b"\n") for line in shown] == expected[start : start + limit]


@pytest.mark.parametrize("more", [-1, 0, 1, LONGEST, 3 * 1024 * 1024])
@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_long_lines(more: int, ending: str) -> None:
    data = b"x" * (LONGEST + more) + ending.encode()
    [line] = read_window(io.BytesIO(data), 1, 10, 10**6).lines
    assert (len(line.data), line.left_out, line.ending) == (min(LONGEST + more, LONGEST), max(more, 0), ending)


def test_lines_across_chunks() -> None:
    data = b"".join(b"%d\n" % number for number in range(1, 400_001))
    window = read_window(io.BytesIO(data), 300_000, 2, 1000)
    assert (window.total, decode(window.lines, "utf-8")) == (400_000, ["300000", "300001"])


def test_at_least_one_line_is_shown() -> None:
    assert len(read_window(io.BytesIO(b"abc\ndef\n"), 1, 10, 1).lines) == 1


def test_diffs() -> None:
    assert changes("f", "a\nb\n", "a\nc\n") == ("+1 -1", "--- f\n+++ f\n@@ -1,2 +1,2 @@\n a\n-b\n+c")
    assert changes("f", "a\n", "a\n") == ("+0 -0", "")
    assert changes("f", "", "x\n" * 20_001) == ("", "")
    assert lines_of("a\r\nb\x0cc\n\nd") == ["a\r\n", "b\x0cc\n", "\n", "d"]


@given(st.text("ab\0", max_size=20), st.integers(1, 5))
def test_records_do_not_depend_on_the_pieces(text: str, size: int) -> None:
    found: list[str] = []
    records = Records("\0", found.append)
    for start in range(0, len(text), size):
        records(text[start : start + size])
    assert all(piece.endswith("\0") for piece in found)
    assert "".join(found) == text[: text.rfind("\0") + 1]

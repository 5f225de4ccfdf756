"""The ladder of `matching`, rung by rung: what is forgiven, and the near-miss that is not."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from roundtrip.tools.editing.closest import closest, visible
from roundtrip.tools.editing.documents import Document, documents, exchange, in_style
from roundtrip.tools.editing.indentation import moved
from roundtrip.tools.editing.matching import find, folded
from roundtrip.tools.editing.misses import Miss
from roundtrip.tools.editing.planning import Draft, Edit, draft

PY = "class A:\n    def f(self):\n        return 1\n\n    def g(self):\n        return 2\n"
TABS = "class A:\n\tdef f(self):\n\t\treturn 1\n\n\tdef g(self):\n\t\treturn 2\n"
EXACT = ""
READ = "without"
LOOSE = "apart from blanks"
SHIFTED = "at another indentation"
ESCAPED = "with its escapes"

APPLIED = [
    # 1. exact
    ("part of a line", "a = 1\n", "1", "2", "a = 2\n", EXACT),
    ("several lines", "a\nb\nc\n", "a\nb\n", "x\n", "x\nc\n", EXACT),
    ("with the newline before it", "a\nb\n", "\nb\n", "\nc\n", "a\nc\n", EXACT),
    ("a regex is text", "a.b\na+b\n", "a.b", "a|b", "a|b\na+b\n", EXACT),
    ("zero-width characters", "<\u200b|im_end|>\n<|im_end|>\n", "<\u200b|im_end|>", "x", "x\n<|im_end|>\n", EXACT),
    ("a marker beside one that is broken", "<\u200b|a|>\n<|a|>\n", "<|a|>", "x", "<\u200b|a|>\nx\n", EXACT),
    ("CRLF is no difference", "a\nb\n", "a\r\nb\r\n", "a\r\nc\r\n", "a\nc\n", EXACT),
    # 2. what belongs to no file
    ("a newline behind the last line", "a\nb", "b\n", "c\n", "a\nc", READ),
    ("a newline before the first line", "a\nb\n", "\na\n", "\nx\n", "x\nb\n", READ),
    ("an empty line too many", "a\nb\n", "a\n\n", "x\n\n", "x\nb\n", READ),
    ("an empty line too many, and it goes", "a\nb\n", "a\n\n", "x\n", "x\nb\n", READ),
    ("line numbers", PY, "2|    def f(self):\n3|        return 1\n", "2|    def h(self):\n3|        return 1\n",
     PY.replace("def f", "def h"), READ),
    ("line numbers of cat -n", "a\nb\n", "     1\ta\n     2\tb", "     1\tx\n     2\tb", "x\nb\n", READ),
    ("line numbers with an arrow", "a\nb\n", "1→a\n2→b", "1→x\n2→b", "x\nb\n", READ),
    ("line numbers of grep", "a\nb\n", "1: a\n2: b", "1: x\n2: b", "x\nb\n", READ),
    ("line numbers in the old text only", "a\nb\n", "1|a\n2|b", "x\nb", "x\nb\n", READ),
    ("a new line without a number", "a\nb\n", "1|a\n2|b", "1|a\nnew\n2|b", "a\nnew\nb\n", READ),
    ("a code fence", "a\nb\n", "```python\na\nb\n```", "```python\na\nc\n```", "a\nc\n", READ),
    ("a code fence around the old text only", "a\nb\n", "```\na\n```", "x", "x\nb\n", READ),
    ("a fence with numbers in it", "a\nb\n", "```\n1|a\n2|b\n```\n", "```\n1|a\n2|c\n```\n", "a\nc\n", READ),
    # 3. blanks at the end, typographic characters
    ("trailing blanks in the file", "a  \nb\t\nc\n", "a\nb\n", "a\nx\n", "a  \nx\nc\n", LOOSE),
    ("trailing blanks in the text", "a\nb\n", "a \nb\t\n", "a \nx\n", "a\nx\n", LOOSE),
    ("quotes", "a = “x”\nb = ‘y’\n", "a = \"x\"\nb = 'y'\n", "a = \"x\"\nb = 'z'\n", "a = “x”\nb = 'z'\n", LOOSE),
    ("dashes and spaces", "a – b\nc\u00a0d\n", "a - b\nc d\n", "a - b\ne\n", "a – b\ne\n", LOOSE),
    # 4. indentation
    ("less of it", PY, "def f(self):\n    return 1\n", "def f(self):\n    if x:\n        return 1\n",
     PY.replace("        return 1", "        if x:\n            return 1"), SHIFTED),
    ("more of it", "if a:\n    b()\n", "    if a:\n        b()\n", "    if a:\n        c()\n",
     "if a:\n    c()\n", SHIFTED),
    ("spaces for tabs", TABS, "    def f(self):\n        return 1\n",
     "    def f(self):\n        if x:\n            return 1\n",
     TABS.replace("\t\treturn 1", "\t\tif x:\n\t\t\treturn 1"), SHIFTED),
    ("tabs for spaces", PY, "\tdef f(self):\n\t\treturn 1\n", "\tdef f(self):\n\t\tif x:\n\t\t\treturn 1\n",
     PY.replace("        return 1", "        if x:\n            return 1"), SHIFTED),
    ("blank lines are neutral", "\ta\n\n\tb\n", "a\n   \nb\n", "a\n   \nc\n", "\ta\n\n\tc\n", SHIFTED),
    # 5. escapes
    ("newlines", 'a = "x"\nb = 2\n', 'a = "x"\\nb = 2', 'a = "x"\\nb = 3', 'a = "x"\nb = 3\n', ESCAPED),
    ("all of it", 'a = "x"\nb = 2\n', 'a = \\"x\\"\\nb = 2', 'a = \\"y\\"\\nb = 2', 'a = "y"\nb = 2\n', ESCAPED),
    ("a written newline stays one", 'p("a\\n")\nq\n',
     'p(\\"a\\\\n\\")\\nq', 'p(\\"b\\\\n\\")\\nq', 'p("b\\n")\nq\n', ESCAPED),
    ("tabs", "if a:\n\tb\n", "if a:\\n\\tb", "if a:\\n\\tc", "if a:\n\tc\n", ESCAPED),
]  # fmt: skip

REFUSED = [
    ("nothing like it", "a = 1\n", "b", "c"),
    ("another case", "Value = 1\n", "value = 1", "value = 2"),
    ("one digit", "a = 10\nb = 2\n", "a = 11\nb = 2\n", "a = 12\n"),
    ("two places", "a\nb\na\n", "a", "x"),
    ("two places that overlap", "  }\n  }\n  }\n", "  }\n  }\n", "  }\n"),
    ("a line goes on where a newline should be", "foo bar\n", "foo\n", "baz\n"),
    ("a word goes on where a newline should be", "a = 10\n", "a = 1\n", "a = 2\n"),
    ("a line begins earlier", "x foo\n", "\nfoo", "\nbar"),
    ("the numbered line goes on", "a = 10\n", "1|a = 1", "1|a = 2"),
    ("the numbered line begins earlier", "x a\nb\n", "1|a\n2|b", "1|c\n2|b"),
    ("numbers that don't follow each other", "a\nb\n", "1|a\n3|b", "1|a\n3|c"),
    ("numbers on some of the lines", "a\nb\n", "1|a\nb", "1|a\nc"),
    ("two kinds of numbers", "a\nb\n", "1|a\n2: b", "1|a\n2: c"),
    ("new lines with numbers that may be text", "a\nb\n", "1: a\n2: b", "1: a\nc\n4: d"),
    ("a fence that is not closed", "a\nb\n", "```\na\n", "```\nc\n"),
    ("the fenced line goes on", "a = 10\n", "```\na = 1\n```", "```\na = 2\n```"),
    ("blanks inside of a line", "a  =  1\n", "a = 1", "a = 2"),
    ("blanks at the beginning in part of the lines", "  a\n   b\n", "a\nb\n", "c\n"),
    ("only blank lines", "a\n \n\nb\n", "\n\t\n", "x\n"),
    ("two places but for their blanks", "a \nb\na\t\nb\n", "a\nb\n", "x\n"),
    ("two places but for their quotes", "x = “a”\nx = ‘‘a’’\nx = ”a“\n", 'x = "a"\n', "y\n"),
    ("a typographic line goes on", "x = “a” + b\n", 'x = "a"', "y"),
    ("two places but for their indentation", "  a\n    a\n", "\ta\n", "b\n"),
    ("uneven indentation", "    a\n      b\n", "  a\n        b\n", "x\n"),
    ("a new line that can't move so far", "a\n  b\n", "    a\n      b\n", "  c\n"),
    ("a new line that is indented otherwise", "\ta\n\t\tb\n", "a\n\tb\n", "a\n    c\n"),
    ("an escape and a real newline", "a\nb\nc\n", "a\nb\\nc", "x"),
    ("escapes with other blanks", "a  \nb\n", "a\\nb", "x\\ny"),
    ("an escape in a new string", 'p("a")\nq\n', 'p("a")\\nq', 'p("b\\n")\\nq'),
    ("the new text is escaped in another way", 'p("a")\nq\n', 'p(\\"a\\")\\nq', 'p("b")\\nr'),
    ("three dots are no lines", "a\nb\nc\n", "a\n...\nc\n", "x\n"),
]  # fmt: skip


def document(text: str) -> Document:
    return documents(text.encode())[0]


def edited(data: bytes, old: str, new: str, *, every: bool = False) -> bytes | None:
    result = draft(documents(data), [Edit(old, new, every)])
    return result.after if isinstance(result, Draft) else None


@pytest.mark.parametrize(
    ("text", "old", "new", "expected", "how"), [row[1:] for row in APPLIED], ids=[r[0] for r in APPLIED]
)
def test_what_is_forgiven(text: str, old: str, new: str, expected: str, how: str) -> None:
    assert edited(text.encode(), old, new) == expected.encode()
    assert find(text, old, new).how.startswith(how)
    assert bool(find(text, old, new).how) == bool(how)


@pytest.mark.parametrize(("text", "old", "new"), [row[1:] for row in REFUSED], ids=[r[0] for r in REFUSED])
def test_near_misses_are_refused(text: str, old: str, new: str) -> None:
    assert edited(text.encode(), old, new) is None


@pytest.mark.parametrize(
    ("text", "old", "new", "expected", "how"), [row[1:] for row in APPLIED], ids=[r[0] for r in APPLIED]
)
def test_what_stands_twice_is_never_guessed(text: str, old: str, new: str, expected: str, how: str) -> None:
    twice = text + "-\n" * text.endswith("\n") + ("\n-\n" if not text.endswith("\n") else "") + text
    assert edited(twice.encode(), old, new) is None or how == READ  # an edge of the file is there once only


@pytest.mark.parametrize(
    ("text", "old", "new", "expected"),
    [
        ("a\nb\na\n", "a", "x", "x\nb\nx\n"),
        ("aaa\n", "aa", "x", "xa\n"),
        ("a  \nb\na\t\n", "a\n", "x\n", "x\nb\nx\n"),  # the first rung that hits is the exact one if any
        ("a\na \n", "a\n", "x\n", "x\na \n"),
        ("  a\n    a\n", "\ta\n", "\tb\n", None),
        ("a\nb\na\nb\n", "1|a\n2|b", "1|x\n2|b", "x\nb\nx\nb\n"),
    ],
)
def test_all_of_them(text: str, old: str, new: str, expected: str | None) -> None:
    result = edited(text.encode(), old, new, every=True)
    assert result == (expected.encode() if expected is not None else b"  b\n    b\n")


# Bytes


@pytest.mark.parametrize(
    ("data", "old", "new", "expected"),
    [
        (b"a\r\nb\r\nc\r\n", "b\n", "x\ny\n", b"a\r\nx\r\ny\r\nc\r\n"),
        (b"a\r\nb\nc\r\n", "a\nb\nc\n", "a\nx\nc\n", b"a\r\nx\nc\r\n"),
        (b"a\r\nb\nc\r\nd\n", "b", "x\ny", b"a\r\nx\ny\nc\r\nd\n"),
        (b"a\r\nb", "b", "x\ny", b"a\r\nx\r\ny"),
        (b"a\rb\r\nc\n", "a\rb\nc", "a\rb\nd", b"a\rb\r\nd\n"),
        (b"\r\r\nb\n", "b", "c", b"\r\r\nc\n"),
        (b"a\r\n\r\nb\r\n", "a\n\nb\n", "a\nb\n", b"a\r\nb\r\n"),
        (b"\xef\xbb\xbfa\nb\n", "a\n", "x\n", b"\xef\xbb\xbfx\nb\n"),
        (b"\xef\xbb\xbfa  \r\nb\r\n", "a\nb\n", "a\nc\n", b"\xef\xbb\xbfa  \r\nc\r\n"),
        ("é\nb\n".encode("latin-1"), "é\nb", "é\nü", "é\nü\n".encode("latin-1")),
        ("é\nb\n".encode("latin-1"), "b", "“", None),
        (b"\x93a\x94 \xe9\n", "“a”", "“b”", b"\x93b\x94 \xe9\n"),
        ("ééé\n".encode() + b"\xff\nb\n", "ééé\n", "ü\n", "ü\n".encode() + b"\xff\nb\n"),
        (b"caf\xe9 na\xefve \xff\xfe \xc3\xa9 1\n", "1", "2", b"caf\xe9 na\xefve \xff\xfe \xc3\xa9 2\n"),
        ("a\r\né\r\n".encode("utf-16"), "é", "é\nx", "a\r\né\r\nx\r\n".encode("utf-16")),
        (b"\xfe\xff" + "a\nb".encode("utf-16-be"), "b", "€", b"\xfe\xff" + "a\n€".encode("utf-16-be")),
        ("a\nb".encode("utf-32"), "b", "c", "a\nc".encode("utf-32")),
        (b"a\0b\n", "a", "x", None),
        (b"a\n", "a", "x\0", None),
        (b"a", "a", "a\n", b"a\n"),
        (b"a\n", "a\n", "a", b"a"),
        ("a\u2028b\x0cc\x85d\n".encode(), "c", "x", "a\u2028b\x0cx\x85d\n".encode()),
    ],
)  # fmt: skip
def test_only_the_span_changes(data: bytes, old: str, new: str, expected: bytes | None) -> None:
    read = documents(data)
    assert (edited(data, old, new) if read else None) == expected


def test_a_file_that_is_not_found_to_be_text_in_one_way_is_not_written_in_another() -> None:
    miss = draft(documents(b"\xe9\nb\n"), [Edit("b", "“")])
    assert isinstance(miss, Miss)
    assert miss.reason == "the file is latin-1, which has no character '“'; write it in another way"


@pytest.mark.parametrize(
    ("data", "text", "expected", "kept"),
    [
        (b"a\n", "b\n", b"b\n", ""),
        (b"a\r\n", "b\nc\n", b"b\r\nc\r\n", "it kept its CRLF line ends"),
        (b"a\r\n", "b\r\nc\n", b"b\r\nc\n", ""),
        (b"a\r\nb\n", "c\nd\n", b"c\nd\n", "its lines end with LF now, some had CRLF"),
        (b"\xef\xbb\xbfa", "b", b"\xef\xbb\xbfb", "it kept its byte order mark"),
        (b"\xef\xbb\xbfa", "\ufeffb", b"\xef\xbb\xbfb", ""),
        (b"\xe9\n", "ü\n", b"\xfc\n", "it kept its encoding (latin-1)"),
        (b"\xe9\n", "“\n", "“\n".encode(), "it is UTF-8 now, and was latin-1"),
        (
            "a\r\n".encode("utf-16"),
            "é\n",
            "é\r\n".encode("utf-16"),
            "it kept its CRLF line ends and encoding (utf-16-le)",
        ),
    ],
)
def test_a_whole_text_in_the_style_of_another(data: bytes, text: str, expected: bytes, kept: str) -> None:
    assert in_style(documents(data)[0], text) == (expected, kept)


LINES = st.lists(st.sampled_from(["a", "b", " a", "\ta", "", "“a”", '"a"', "é", "\\n", "1|a", "x" * 9]), max_size=9)
ENDS = st.lists(st.sampled_from(["\n", "\r\n"]), min_size=9, max_size=9)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"])


@settings(derandomize=True, deadline=None, max_examples=150)
@given(LINES, ENDS, ENCODINGS, LINES, LINES)
def test_every_document_gives_its_bytes_back(lines, ends, encoding, old, new) -> None:
    data = "".join(map("".join, zip(lines, ends, strict=False))).encode(encoding)
    for read in documents(data):
        assert read.spliced([]) == data
        assert read.text.replace("\r", "") == read.text or b"\r" in data
        for start in range(0, len(read.text) + 1, 3):
            end = min(start + 5, len(read.text))
            assert read.spliced([exchange(read, start, end, read.text[start:end], read.text[start:end])]) == data


@settings(derandomize=True, deadline=None, max_examples=300)
@given(LINES, ENDS, ENCODINGS, st.data())
def test_an_edit_changes_its_span_only(lines, ends, encoding, data) -> None:
    """The model of it: what is before and after the text that was found keeps its bytes."""
    raw = "".join(map("".join, zip(lines, ends, strict=False)))
    content = raw.encode(encoding)
    start = data.draw(st.integers(0, max(len(raw) - 1, 0)))
    old = raw[start : data.draw(st.integers(start, len(raw)))].replace("\r\n", "\n").strip("\r")
    new = data.draw(st.text("ab\n é", max_size=9))
    assume(old and old != new)
    text = raw.replace("\r\n", "\n")
    result = draft(documents(content), [Edit(old, new)])
    if isinstance(result, Miss):
        assert "é" in new or text.count(old) != 1 or old in text[text.index(old) + 1 :]  # b"\xe9" may not be encodable
        return
    assert text.count(old) == 1
    after = result.after.decode(result_encoding(result.after, encoding))
    assert after.replace("\r\n", "\n") == text.replace(old, new)
    places = [at for at, character in enumerate(raw) if not (character == "\n" and raw[at - 1 : at] == "\r")]
    start = text.index(old)
    assert after.startswith(raw[: places[start]])
    assert after.endswith(raw[[*places, len(raw)][start + len(old)] :])


def result_encoding(data: bytes, encoding: str) -> str:
    """An ASCII file that gets its first é becomes UTF-8."""
    return "utf-8" if encoding == "cp1252" and documents(data)[0].encoding == "utf-8" else encoding


# Pieces


@pytest.mark.parametrize(
    ("written", "own", "text", "expected"),
    [
        (["a"], ["  a"], "a\n b", "  a\n   b"),
        (["  a"], ["a"], "  a\n   b\n\n", "a\n b\n\n"),
        (["  a"], ["a"], "  a\n b", None),
        (["\ta", "\t\tb"], ["  a", "    b"], "\ta\n\t\t\tc", "  a\n      c"),
        (["  a", "    b"], ["\ta", "\t\tb"], "  a\n      c", "\ta\n\t\t\tc"),
        (["    a"], ["\ta"], "    a\n        b", "\ta\n\t\tb"),
        (["        a"], ["\ta"], "        a\n            b", "\ta\n\t    b"),
        (["a", "    b"], ["\ta", "\t\tb"], "a\n        c", "\ta\n\t\t\tc"),
        (["a", "  b"], ["    a", "        b"], "a", None),
        (["", " "], ["", "\t"], "a", None),
    ],
)  # fmt: skip
def test_moving_lines(written: list[str], own: list[str], text: str, expected: str | None) -> None:
    assert moved(written, own, text) == expected


def test_folding_keeps_the_length() -> None:
    assert folded("“a”–\u00a0‘b’") == "\"a\"- 'b'"
    assert folded("a\u200bb") == "a\u200bb"


def test_what_can_not_be_seen_is_shown() -> None:
    assert visible("\ta\u00a0b\u200b \r") == '"\\ta\\u00a0b\\u200b \\r"'
    assert visible('"\\t') == '"\\"\\\\t"'
    assert len(visible("x" * 9999)) < 500


def test_the_closest_places() -> None:
    text = "".join(f"def function_{n}(argument):\n    return compute({n})\n\n" for n in range(200))
    [place, *_] = closest(text, "def function_77(argument):\n    return compute(78)\n", 2)
    assert (place.first, place.last, place.line) == (232, 233, 233)
    assert (place.own, place.wanted) == ("    return compute(77)", "    return compute(78)")
    assert closest(text, "something else\nentirely", 2) == []
    assert closest("", "a", 2) == closest("a", "", 2) == []


class Asked(str):
    """A text that counts how often something is looked for in it."""

    times = 0

    def casefold(self) -> str:
        return self

    def __contains__(self, piece: object) -> bool:
        self.times += 1
        return super().__contains__(piece)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "old", "line"),
    [
        ("return 0\nRETRIES = 3\n", "retries = 3", 2),
        ("class Cart:\n    total = 0\n\n\nclass cart_2:\n", "CLASS CART:", 1),
        ("maxretries = 3\nMaxRetries = 3\n", "MaxRetries  = 3", 2),
        ("İ\nß = 1\nstraße = 'x'\n", "STRASSE = 'y'", 3),
    ],
)
def test_case_does_not_count_but_among_equals(text: str, old: str, line: int) -> None:
    assert [place.line for place in closest(text, old, 1)] == [line]


def test_of_a_long_text_that_is_foreign_to_a_file_little_is_looked_for() -> None:
    text = Asked("def function(argument):\n    return compute(argument)\n")
    assert closest(text, "".join(f"{n:x} strange{n}words and{n}others{n}\n" for n in range(1_000)), 2) == []
    assert 0 < text.times < 100


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    st.text("ab1|`\\n\"' \t\n“é", max_size=30),
    st.text("ab1|`\\n\"' \t\n“", min_size=1, max_size=12),
    st.text('ab\n\\"1|`'),
)
def test_nothing_raises_and_a_miss_is_a_miss(text: str, old: str, new: str) -> None:
    result = draft([document(text)], [Edit(old, new)])
    if isinstance(result, Draft):
        assert result.before == text.encode()
        assert result.after != result.before
    else:
        assert result.reason

"""What is painted: every word, once and in order; nothing that a terminal would obey but colours; no line too wide."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count
from typing import get_args

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from roundtrip.agent.frontends.terminal import rendering
from roundtrip.agent.frontends.terminal.blocks import Block, Kind
from roundtrip.agent.frontends.terminal.markdown import MarkdownStream
from roundtrip.agent.frontends.terminal.paint import clip, paint

pytestmark = pytest.mark.once

many = settings(derandomize=True, deadline=None, max_examples=500)
some = settings(derandomize=True, deadline=None, max_examples=150)

KINDS: tuple[Kind, ...] = get_args(Kind)
WHOLE = ("code", "fence", "diff", "output", "command")
COLORS = re.compile(r"\x1b\[(?:[0-9]|3[0-7]|9[0-7])(?:;(?:[0-9]|3[0-7]|9[0-7]))*m")

FRAGMENTS = [
    *(
        "\n",
        "\n\n",
        "\r",
        "    ",
        "\t",
        "word ",
        "> ",
        "- ",
        "1. ",
        "123456789) ",
        "# ",
        "---\n",
        "```\n",
        "```py\n",
        "~~~",
    ),
    *(
        "a|b\n-|-\n",
        "|1|2|\n",
        "<!--",
        "-->",
        "<br>",
        "<kbd>",
        "</kbd>",
        "`",
        "``",
        "*",
        "**",
        "_",
        "~~",
        "[",
        "](",
        ")",
        "![",
    ),
    *(
        "\x1b[31m",
        "\x1b]0;title\x07",
        "\x9b2J",
        "\x00",
        "\x7f",
        "\u202e",
        "\u200b",
        "\ud800",
        "\u2028",
        "\u0301",
        "\ufe0f",
    ),
    *(
        "&#x1b;[1m",
        "&#155;",
        "&#x202e;",
        "&#13;",
        "&#10;",
        "&Tab;",
        "&nbsp;",
        "<http://a.b>",
        "\u3000",
        "日本語",
        "👩‍👧",
        "❤️",
        "é",
    ),
    *("--- a\n+++ b\n@@ -1 +1 @@\n", "+x\n", "-x\n", "def f(x): return 'y'\n", "\\", "long" * 60),
]
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=4), max_size=24).map("".join)


def plain(lines: list[str]) -> list[str]:
    return [COLORS.sub("", line) for line in lines]


def painted(text: str, width: int = 80, color: bool = False) -> list[str]:
    """The lines of all of an answer, without empty ones between its blocks."""
    stream = MarkdownStream()
    blocks = [*stream.feed(text), *stream.finish()]
    return [line for block in blocks for line in paint(block, width, color)]


def of(kind: Kind, text: str, width: int = 40, color: bool = False, ascii: bool = False) -> list[str]:
    return paint(Block(kind, text), width, color, ascii)


@many
@given(st.sampled_from(KINDS), TEXTS, st.integers(1, 200), st.sampled_from(["", "python", "html", "no such language"]))
def test_every_text_can_be_painted(kind: Kind, text: str, width: int, language: str) -> None:
    block = Block(kind, text, language=language, context=text, number=7)
    colored = paint(block, width)
    assert plain(colored) == paint(block, width, color=False)
    for line in plain(colored):
        assert line.isprintable(), "a control character, or a sequence that is not a colour"
        assert kind in WHOLE or cell_len(line) <= width
    for part in clip(colored, width):
        assert COLORS.sub("", part).isprintable()
        assert cell_len(COLORS.sub("", part)) <= width


@many
@given(TEXTS, st.integers(1, 50))
def test_clipping_loses_nothing(text: str, width: int) -> None:
    lines = paint(Block("output", text), 80)
    shown = [COLORS.sub("", part) for line in lines for part in clip([line], width)]
    assert width == 1 or "".join(shown) == "".join(plain(lines))


def unwrapped(lines: list[str]) -> str:
    """Without the spaces, of which a line that is wrapped loses some."""
    return "".join("".join(lines).split())


@some
@given(st.lists(st.text("ab ", max_size=30), min_size=1, max_size=6), st.integers(8, 60))
def test_cells_of_tables_are_not_lost(cells: list[str], width: int) -> None:
    row = "|".join(f" x{cell}x " for cell in cells)
    lines = painted(f"|{row}|\n|{'-|' * len(cells)}\n|{row}|\n", width)
    assert sorted(re.sub(r"[^abx]", "", unwrapped(lines))) == sorted(re.sub("[^abx]", "", row * 2))


@pytest.mark.parametrize("begin", ["> ", "- ", "1. ", "12345. "])
@pytest.mark.parametrize("depth", [1, 3, 5, 9, 15, 40])
@pytest.mark.parametrize("width", [5, 20, 60, 200])
def test_what_is_deep_is_not_lost(begin: str, depth: int, width: int) -> None:
    lines = painted(begin * depth + "innermost\n", width)
    assert re.sub("[^a-z]", "", "".join(lines)) == "innermost"


def document(size: int) -> tuple[str, list[str]]:
    """Markdown of all kinds in which each word comes once, and the words."""
    numbers = count()
    words: list[str] = []

    def some(number: int) -> str:
        new = [f"word{next(numbers):05}" for _ in range(number)]
        words.extend(new)
        return " ".join(new)

    makers: list[Callable[[], str]] = [
        lambda: f"# {some(3)}\n",
        lambda: f"{some(4)}\n{some(20)} *{some(2)}* and `{some(1)}`\n{some(3)}\n",
        lambda: f"{some(2)}\n----\n",
        lambda: "".join(f"- {some(15)}\n  - {some(2)}\n    1. {some(12)}\n" for _ in range(3)),
        lambda: "".join(f"{number}. {some(15)}\n\n   {some(3)}\n\n" for number in range(9, 12)),
        lambda: f"1. {some(2)}\n\n   ```python\n   {some(1)} = {some(1)}\n   ```\n   {some(1)}\n2. {some(1)}\n",
        lambda: f"| {some(1)} | {some(1)} |\n|---|--:|\n| {some(1)} | **{some(1)}** |\n| {some(1)} | {some(1)} |\n",
        lambda: f"> {some(20)}\n> {some(2)}\n>\n> - {some(20)}\n> {some(1)}\n",
        lambda: "```python\n" + "".join(f"def {some(1)}({some(1)}): # {some(9)}\n" for _ in range(70)) + "```\n",
        lambda: f"~~~\n# {some(2)}\n- {some(1)}\n\n{some(1)}\n~~~\n",
        lambda: f"<div>{some(2)}</div>\n<!-- {some(1)} -->\n",
        lambda: f"[{some(2)}](http://{some(1)}.org) <b>{some(1)}</b> ![{some(1)}]({some(1)}.png) ~~{some(1)}~~\n",
        lambda: f"[{some(1)}]: http://{some(1)}.org\n",
        lambda: f"    {some(3)}\n",
    ]
    parts: list[str] = []
    while sum(map(len, parts)) < size:
        parts += [maker() for maker in makers]
    return "\n".join(parts), words


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("color", [True, False])
def test_every_word_is_painted_once_and_in_order(width: int, color: bool) -> None:
    text, words = document(20_000)
    lines = painted(text, width, color)
    assert re.findall(r"word\d+", "\n".join(plain(lines))) == words
    assert color == any("\x1b" in line for line in lines)
    assert any("def" in line and "\x1b[94m" in line for line in lines) == color


def test_what_is_painted_fits_a_terminal() -> None:
    """A terminal as wide as that shows as many lines as were painted: none was wrapped."""
    text, words = document(3_000)
    lines = [line for line in painted(text + "日本語 " * 50, 60, color=True) if "def" not in line]
    screen = pyte.Screen(60, 400)
    pyte.Stream(screen).feed("\r\n".join(lines))
    assert [line.rstrip() for line in screen.display[: len(lines)]] == [line.rstrip() for line in plain(lines)]
    assert screen.cursor.y == len(lines) - 1
    assert words


def test_items_keep_their_numbers() -> None:
    lines = painted("8. a\n9. b\n10. c\n11. d\n\n---\n\n1. e\n\n1. f\n   1. g\n   1. h\n")
    assert [line.strip() for line in lines if line[-1:].isalpha()] == [
        *("8. a", "9. b", "10. c", "11. d"),
        *("1. e", "2. f", "1. g", "2. h"),
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("# *Head*\n", ["Head"]),
        ("Head\n===\n", ["Head"]),
        ("a\nb  \nc\\\nd", ["a b", "c", "d"]),
        ("\n\n- a\n  - b\n\n", [" • a", "    • b"]),
        ("- a\n\n  b\n", [" • a", "", "   b"]),
        ("-\n", [" •"]),
        ("> a\n>\n> b\n", ["▌ a", "▌", "▌ b"]),
        ("1. a\n   ```py\n   def f(): ...\n\n   x\n   ```", [" 1. a", "    def f(): ...", "", "    x"]),
        ("[a](http://b.c 'd') <http://e.f> [http://g.h](http://g.h)", ["a (http://b.c) http://e.f http://g.h"]),
        ("![a](b.png) and ![](c.png)", ["a (b.png) and  (c.png)"]),
        ("List<String> &lt;b&gt; <br/> x", ["List<String> <b>", "x"]),
        ("<!-- seen -->\n", ["<!-- seen -->"]),
        ("<pre>\n  a\n</pre>\n", ["<pre>", "  a", "</pre>"]),
        ("| a | b |\n|---|--:|\n| c | dd |\n", [" a   b", " ─────", " c  dd"]),
        ("***\n", ["-" * 40]),
        ("`a  b` **c** ~~d~~", ["a  b c d"]),
        ("tab\there", ["tab here"]),
        ("a\u00a0b\u202fc\u200dd", ["a b cd"]),
        ("\u2764\ufe0f\U0001f469\u200d\U0001f467", ["\u2764\U0001f469\U0001f467"]),
        ("a&nbsp;b&#8203;c&#10;&#x1b;", ["a bc \ufffd"]),
        ("&#x202e;" * 50, ["\ufffd" * 40, "\ufffd" * 10]),
        ("\n \n", []),
        ("", []),
    ],
)
def test_markdown(text: str, lines: list[str]) -> None:
    assert of("text", text) == lines
    assert plain(of("text", text, color=True)) == lines


def test_what_is_emphasized() -> None:
    assert of("text", "# Head\n", color=True) == ["\x1b[1mHead\x1b[0m"]
    assert of("text", "**a** `b`", color=True) == ["\x1b[1ma\x1b[0m \x1b[36mb\x1b[0m"]


@pytest.mark.parametrize("runs", [[("x", "other")], None])
def test_a_lexer_that_fails_costs_only_colors(
    runs: list[tuple[str, str]] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Lexer:
        def get_tokens(self, code: str) -> list[tuple[str, str]]:
            if runs is None:
                raise IndexError(code)
            return runs

    monkeypatch.setattr(rendering, "_lexer", lambda language: Lexer())
    assert paint(Block("code", "a\nb\n", language="x", context="c\n"), 80) == ["a", "b"]


def test_code_is_lexed_with_what_is_before_it() -> None:
    inside = Block("code", "text\n'''\ndef f(): ...\n", language="python", context="x = '''\n")
    text, _, definition = paint(inside, 5)
    assert text == "\x1b[33mtext\x1b[0m"
    assert definition.startswith("\x1b[94mdef\x1b[0m ")
    assert paint(inside, 5, color=False) == ["text", "'''", "def f(): ..."]
    assert paint(Block("code", "\n\tx \n\n", language="no such"), 5) == ["", "    x ", ""]
    assert paint(Block("code", "x", language="text"), 5) == ["x"]


@pytest.mark.parametrize(
    ("kind", "text", "lines"),
    [
        ("fence", "\n```py  \n", ["```py  "]),
        ("reasoning", "\none two three\n\n  four\n", ["one two", "three", "", "  four"]),
        ("user", "one two three\n\nfour\n", ["> one two", "  three", "  ", "  four"]),
        ("call", "ls\na", ["✓ ls a"]),
        ("call", "0123456789", ["✓ 0123456…"]),
        ("failed", "0123 5日本語", ["✗ 0123", "  5日本語"]),
        ("failed", "word " * 20, ["✗ word", "  word", "  word", "  word…"]),
        ("running", "x", ["● x"]),
        ("command", "ls -la a b c\ncd", ["$ ls -la a b c", "  cd"]),
        ("output", "a\n\tb\n\n", ["  │ a", "  │     b", "  │ "]),
        ("output", "10%\r20%\r\n", ["  │ 10%", "  │ 20%"]),
        ("list", "[x] a\n[-] bc de fg\n[ ] c\nd", ["  ✓ a", "  ● bc de", "    fg", "  · c", "  d"]),
        ("note", "one two three", ["one two", "three"]),
        ("error", "one two\x07three", ["one", "two\ufffdthree"]),
        ("user", "\n", []),
        ("call", " ", []),
        ("output", "\n", []),
        ("reasoning", " \n", []),
    ],
)
def test_other_kinds(kind: Kind, text: str, lines: list[str]) -> None:
    assert of(kind, text, 10) == lines
    assert plain(of(kind, text, 10, color=True)) == lines


@pytest.mark.parametrize(("lines", "more"), [(12, 0), (13, 3), (100, 90)])
def test_a_long_prompt_is_folded(lines: int, more: int) -> None:
    shown = of("user", "x\n" * lines)
    assert len(shown) == (11 if more else lines)
    assert shown[-1] == (f"  … {more} more lines" if more else "  x")


def test_the_lines_of_a_diff() -> None:
    text = (
        "--- a/x\n+++ b/x\n@@ -1,3 +1,2 @@ f\n x\n--- removed\n+++ added\n-y\n--- a/z\n+++ b/z\n@@ -1 +1 @@\n-a\n+b\n"
    )
    codes = [line[: line.find("m") + 1] if line.startswith("\x1b") else "" for line in of("diff", text, color=True)]
    bold, cyan, red, green = "\x1b[1m", "\x1b[36m", "\x1b[31m", "\x1b[32m"
    assert codes == [bold, bold, cyan, "", red, green, red, bold, bold, cyan, red, green]
    assert of("diff", text) == text.splitlines()


@pytest.mark.parametrize("kind", KINDS)
def test_ascii(kind: Kind) -> None:
    text = "- a\n- b\n\n> c\n\n| d |\n|---|\n| e |\n\n---\n" + "f " * 50 + "\n" * 20
    marked = kind in ("text", "user", "call", "failed", "running", "output")
    assert any(not line.isascii() for line in of(kind, text)) == marked
    lines = of(kind, text, ascii=True)
    assert lines
    assert all(line.isascii() for line in lines)
    assert sum(map(len, lines)) >= 30


def test_boxes_of_a_list_are_ascii_themselves() -> None:
    assert of("list", "[x] a\n[-] b\n[ ] c", ascii=True) == ["  [x] a", "  [-] b", "  [ ] c"]


def test_clipping_keeps_colors() -> None:
    red = "\x1b[31m"
    assert clip([f"ab{red}cdef\x1b[0mg", "x"], 3) == [f"ab{red}c\x1b[0m", f"{red}def\x1b[0m", "g", "x"]
    assert clip(["日a"], 1) == ["\ufffd", "a"]
    assert clip(["日本語", ""], 3) == ["日", "本", "語", ""]
    assert clip(["\x1b[1m\x1b[31mabcd\x1b[0m"], 2) == ["\x1b[1m\x1b[31mab\x1b[0m", "\x1b[1m\x1b[31mcd\x1b[0m"]

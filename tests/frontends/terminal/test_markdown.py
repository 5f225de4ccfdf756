"""Streamed Markdown: nothing is lost, chunks never show, blocks are CommonMark's, and the work is linear."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from roundtrip.agent.frontends.terminal import markdown
from roundtrip.agent.frontends.terminal.blocks import Block
from roundtrip.agent.frontends.terminal.markdown import BATCH, CONTEXT, LIMIT, MarkdownStream

pytestmark = pytest.mark.once

many = settings(derandomize=True, deadline=None, max_examples=400)

SAMPLE = """\


Title
=====
Under it *one*
and **two**.
# Head
| a | b |
|---|---|
| 1 | 2 |
- tight
- items
  1. nested

     loose
  2. nested
- with code

  ```py
  - no item
  # no head
  ```
lazy
* another list

1. one

1. two
   > quoted
   ```
3. three
```python title=x

def f():
    return "```"

  ```
<div>
html

</div>
    code

    code
[ref]: http://a.b
> quote
lazy
> ```
> code
---
text\r
\r
crlf\rcr
~~~~ {.js}
~~~
`````
  ~~~~~\t
Setext
---
[a
```
open"""

FRAGMENTS = [
    *("\n", "\n\n", "\r\n", "\r", " ", "    ", "\t", "a", "b c", "> ", "- ", "* ", "1. ", "2) ", "# ", "---", "==="),
    *(
        "```",
        "````",
        "~~~",
        "```py\n",
        "\n```\n",
        "|",
        "|-|",
        "a|b\n-|-\n",
        "<!--",
        "-->",
        "<pre>",
        "</pre>",
        "<b>",
        "\\",
    ),
    *("[a]: b", "`", "\x00", "\x0b", "\u2028", "\ud800", "é", "- a\n", "  b\n", "   c\n", "> q\n", "1. x\n"),
]
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=30).map("".join)
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=20)


def chunked(text: str, sizes: list[int]) -> Iterator[str]:
    at, number = 0, 0
    while at < len(text):
        size = sizes[number % len(sizes)]
        yield text[at : at + size]
        at, number = at + size, number + 1


def blocks(*chunks: str) -> list[Block]:
    stream = MarkdownStream()
    fed = [block for chunk in chunks for block in stream.feed(chunk)]
    return fed + stream.finish()


def texts(text: str) -> list[str]:
    return [block.text for block in blocks(text)]


def shown(text: str) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in blocks(text)]


def joined(found: list[Block] | tuple[Block, ...]) -> str:
    return "".join(block.text for block in found)


@many
@given(TEXTS, SIZES)
def test_nothing_is_lost_and_chunks_never_show(text: str, sizes: list[int]) -> None:
    whole = blocks(text)
    assert joined(whole) == text
    assert blocks(*chunked(text, sizes)) == whole
    assert blocks(*text) == whole


def test_every_cut_of_the_sample() -> None:
    whole = blocks(SAMPLE)
    assert joined(whole) == SAMPLE
    assert len(whole) == 30
    for at in range(len(SAMPLE)):
        assert blocks(SAMPLE[:at], SAMPLE[at:]) == whole


@many
@given(TEXTS, SIZES)
def test_the_tail_is_what_is_not_finished(text: str, sizes: list[int]) -> None:
    stream, done, fed = MarkdownStream(), [], ""
    for chunk in chunked(text, sizes):
        done += stream.feed(chunk)
        fed += chunk
        assert joined([*done, *stream.tail]) == fed
        assert [*done, *stream.tail] == blocks(fed)


def begins(text: str) -> list[int]:
    """Where the blocks of the whole text begin, as markdown-it-py sees it, with the items of top-level lists."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"]).disable("reference")
    tokens = [token for token in parser.parse(text) if token.map and token.nesting >= 0]
    lists = ("bullet_list_open", "ordered_list_open")
    tops = [token for token in tokens if token.level == 0 and token.type not in lists]
    items = [token for token in tokens if token.level == 1 and token.type == "list_item_open"]
    return sorted({0, *(token.map[0] for token in [*tops, *items] if token.map)})[1:]


@many
@given(TEXTS)
def test_blocks_are_those_of_commonmark(text: str) -> None:
    """That it came in pieces, and that no piece but the last was parsed again, makes no difference."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n") + "\n"
    assume(not re.search(r"^ {0,3}(```|~~~).*\|", text, re.MULTILINE))  # the head of a table? We can't wait for that
    found, line = [], 0
    for block in blocks(text):
        opens = block.kind == "text" or (block.kind == "fence" and not block.follows)
        leading = len(block.text) - len(block.text.lstrip(" \t\n"))
        if opens and block.text.strip(" \t\n"):
            found.append(line + block.text.count("\n", 0, leading))
        line += block.text.count("\n")
    first = len(text) - len(text.lstrip(" \t\n"))
    assert [at for at in found if at > text.count("\n", 0, first)] == [
        at for at in begins(text) if at > text.count("\n", 0, first)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb\n\nc", ["a\nb\n\n", "c"]),
        ("# a\nb\n===\nc", ["# a\n", "b\n===\n", "c"]),
        ("a\n| b | c |\n|---|---|\n| d | e |\n\nf", ["a\n", "| b | c |\n|---|---|\n| d | e |\n\n", "f"]),
        ("> a\nlazy\n\nb", ["> a\nlazy\n\n", "b"]),
        ("- a\n  - b\n\n  c\n- d\n", ["- a\n  - b\n\n  c\n", "- d\n"]),
        ("- a\n* b\n1. c\n1) d\n", ["- a\n", "* b\n", "1. c\n", "1) d\n"]),
        ("<!--\n\n# a\n-->\nb\n", ["<!--\n\n# a\n-->\n", "b\n"]),
        ("    a\n\n    b\nc\n", ["    a\n\n    b\n", "c\n"]),
        ("\n\na\n---\n***\nb", ["\n\na\n---\n", "***\n", "b"]),
        ("[a]: b\n\n[a]\n", ["[a]: b\n\n", "[a]\n"]),
        ("\n \n", ["\n \n"]),
        ("", []),
    ],
)
def test_blocks(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```\na\n```\nb", ["fence", "code", "fence", "text"]),
        ("a\n~~~ x `y`\n```\n~~~~ z\n~~~~\n", ["text", "fence", "code", "fence"]),
        ("   ```\n\n    ```\n  ````  \n", ["fence", "code", "fence"]),
        ("    ```\na", ["text", "text"]),
        ("``` a`\nb", ["text"]),
        ("```\n# a\n- b\n\n\n1. c", ["fence", "code"]),
        ("````\n```\n````", ["fence", "code", "fence"]),
        ("- a\n  ```\n  b\n  ```\n- c", ["text", "text"]),
        ("- a\n```\nb\n```\n- c", ["text", "fence", "code", "fence", "text"]),
        ("- ```\n```\nb\n", ["text", "fence", "code"]),
        ("> ```\n> a\n```\nb", ["text", "fence", "code"]),
        ("<pre>\n```\n# a\n```\n</pre>\n", ["text"]),
        ("```\n```\n```", ["fence", "fence", "fence"]),
        ("a\n\n\n```\r\nb\r```", ["text", "fence", "code", "fence"]),
    ],
)
def test_fences(text: str, expected: list[str]) -> None:
    assert [kind for kind, _ in shown(text)] == expected
    assert joined(blocks(text)) == text


@pytest.mark.parametrize(
    ("info", "language"),
    [("Python", "python"), (" c++ x", "c++"), ("{.js .x}", "js"), ("{r, echo}", "r"), ("py:a/b.py", "py"), ("", "")],
)
def test_the_language_of_a_fence(info: str, language: str) -> None:
    assert [block.language for block in blocks(f"~~~{info}\nx\n~~~")] == ["", language, ""]


def test_code_comes_in_batches_with_what_was_before() -> None:
    lines = [f"line {number}\n" for number in range(10 * BATCH + 5)]
    opening, *code, closing = blocks("".join(["```py\n", *lines, "```\n"]))
    assert [block.text.count("\n") for block in code] == [BATCH] * 10 + [5]
    assert [block.context for block in code[:3]] == ["", "".join(lines[:BATCH]), "".join(lines[: 2 * BATCH])]
    assert code[-1].context == "".join(lines[10 * BATCH - CONTEXT : 10 * BATCH])
    assert [block.follows for block in (opening, *code, closing)] == [False] + [True] * 12
    long = blocks("".join(["```\n", *("x" * 300 + "\n" for _ in range(100))]))
    assert {len(block.context) <= LIMIT for block in long} == {True}
    assert len(long[-1].context) > LIMIT - 302


def test_a_batch_of_code_is_given_before_the_fence_ends() -> None:
    stream = MarkdownStream()
    assert [block.kind for block in stream.feed("```\n")] == ["fence"]
    assert stream.feed("a\n" * (BATCH - 1)) == []
    assert [block.text for block in stream.feed("a\n")] == ["a\n" * BATCH]


def test_blocks_are_given_when_the_next_one_has_begun() -> None:
    stream = MarkdownStream()
    assert stream.feed("# head\n\ntext\n\n\n") == [Block("text", "# head\n\n")]
    assert stream.feed("- item") == []
    assert stream.feed("\n") == [Block("text", "text\n\n\n")]
    assert stream.feed("- item\n") == [Block("text", "- item\n")]
    assert stream.feed("\n# head\n") == [Block("text", "- item\n\n", follows=True)]
    assert stream.tail == (Block("text", "# head\n"),)
    assert stream.finish() == [Block("text", "# head\n")]


def test_items_of_a_tight_list_follow_each_other() -> None:
    assert [block.follows for block in blocks("- a\n- b\n\n- c\n  \n* d\n* e\n\n1. f\n2. g\n")] == [
        *(False, True, False),
        *(False, True),
        *(False, True),
    ]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1. a\n2. b\n3. c\n", [1, 2, 3]),
        ("7) a\n8) b\n\n9) c\n", [7, 8, 9]),
        ("1. a\n\n1. b\n\n1. c\n\n1. d\n", [1, 2, 3, 4]),
        ("0. a\n0. b\n", [0, 1]),
        ("3. a\n5. b\n5. c\n", [3, 5, 6]),
        ("1. a\n\ntext\n\n1. b\n- c\n", [1, None, 1, None]),
    ],
)
def test_items_know_their_numbers(text: str, numbers: list[int | None]) -> None:
    assert [block.number for block in blocks(*text)] == numbers


UNITS = {
    "paragraph": "word word word\n",
    "paragraph of words without a line": "word word word ",
    "one word": "x",
    "paragraphs": "word\n\n",
    "list": "- word\n",
    "list in an item": "  - word\n",
    "text in an item": "  word\n",
    "quote": "> word\n",
    "lazy quote": "> a\nb\n",
    "table": "| a | b |\n|---|---|\n",
    "html": "<b>\na\n",
    "fences": "```\n",
    "fences in an item": "  ```\n  x\n",
    "fences in a quote": "> ```\n> x\n",
    "blank lines": "\n",
    "returns": "\r",
    "brackets": "[",
    "lines of one": "*\n",
}


@pytest.mark.parametrize("begin", ["", "- a\n", "> ", "<!--\n", "|a|b|\n|-|-|\n", "```\n"], ids=repr)
@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_the_work_grows_with_the_length(begin: str, unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsing is what costs: each line is parsed a bounded number of times, and little is pending at any time."""
    lines, characters = 0, 0
    parse = markdown._parse

    def counting(pending: list[str]) -> object:
        nonlocal lines, characters
        lines, characters = lines + len(pending), characters + len("".join(pending))
        return parse(pending)

    monkeypatch.setattr(markdown, "_parse", counting)
    text = begin + unit * (18_000 // len(unit))
    stream, done, longest = MarkdownStream(), "", 0
    for chunk in (text[at : at + 50] for at in range(0, len(text), 50)):
        done += joined(stream.feed(chunk))
        longest = max(longest, len(stream._partial) + stream._size)
    count = markdown._NEWLINE.subn("", text)[1]
    assert lines <= 11 * count + 2 * markdown._RESERVE + 50
    assert characters <= 12 * len(text) + 10 * LIMIT * 12
    assert longest <= 2 * LIMIT
    assert done + joined(stream.finish()) == text


def test_a_megabyte_of_code_in_characters() -> None:
    text = "```\n" + "x = [1, 2, 3]\n" * 75_000
    assert joined(blocks(*text)) == text


def test_what_is_too_long_is_committed_at_a_line_or_a_space() -> None:
    lined = texts("some words and a line\n" * 2000)
    assert {text[-1] for text in lined} == {"\n"}
    assert {LIMIT < len(text) <= LIMIT + 22 for text in lined[:-1]} == {True}
    spaced = blocks("word " * 4000)
    assert {block.text[-1] for block in spaced} == {" "}
    assert [block.follows for block in spaced] == [False, *[True] * (len(spaced) - 1)]
    assert {len(text) for text in texts("x" * (3 * LIMIT))} == {LIMIT}


def test_what_is_before_a_cut_line_comes_before_it() -> None:
    words = "x " * LIMIT
    first, second, *others = blocks(f"text\n\n{words}\n\n# head\n")
    assert (first.text, second.text) == ("text\n\n", "x " * (LIMIT // 2))
    assert (others[-1].text, others[-1].follows) == ("\n# head\n", False)
    assert texts("a " + "x" * LIMIT)[0] == "a " + "x" * (LIMIT - 2)
    fence = f"- a\n  ~~~ {'x' * (LIMIT // 2)} {words}\n  # code\n  ~~~\n"
    assert joined(blocks(fence)) == fence
    early = f"- a\n  ~~~ {'x' * (LIMIT // 2)} {'x' * LIMIT}\n"
    assert joined(blocks(early)) == early
    top = shown(f"~~~ {words}\n# code\n~~~\n# head\n")
    assert ("code", "# code\n") in [(kind, text[-7:]) for kind, text in top]
    assert top[-1] == ("text", "# head\n")


def test_what_is_cut_follows_unless_the_cut_is_between_blocks() -> None:
    line = "x" * 79 + "\n"
    found = blocks(line * (LIMIT // 40 + 8) + "\ny\n")
    assert [block.follows for block in found] == [False, True, True, False]
    assert [block.follows for block in blocks(line * (LIMIT // 80) + "\ny\n")] == [False, False]


def test_what_follows_a_cut_line_is_no_fence() -> None:
    text = "x" * LIMIT + "```\n\n# head\n"
    assert shown(text)[-2:] == [("text", "```\n"), ("text", "\n# head\n")]
    code = "```\n" + "x" * LIMIT + "```\n# code\n```\ntext"
    assert [kind for kind, _ in shown(code)] == ["fence", "code", "code", "fence", "text"]


@pytest.mark.parametrize(
    ("end", "kinds"),
    [
        ("   ```\n2. text\n", ["code", "fence", "text"]),
        ("   ```\n\n   text\n", ["code", "fence", "text"]),
        ("       ```\n\n# head\n", ["code", "fence", "text"]),
        ("2. text\n```\n", ["code", "text", "fence"]),
    ],
)
def test_the_rest_of_a_long_fence_in_an_item_is_code(end: str, kinds: list[str]) -> None:
    """Else its end would open a fence, and all of the answer behind it would be code."""
    text = "1. item\n\n   ```py\n" + "   # code\n" * 1000 + end
    found = blocks(text)
    assert found[0].kind == "text"
    assert [block.kind for block in found if block.kind != "code"][1:] == kinds[1:]
    assert {block.language for block in found if block.kind == "code"} == {"py"}
    assert joined(found) == text
    assert not [block for block in found[1:] if block.kind == "text" and block.follows]
    quoted = [kind for kind, _ in shown("> ```\n" + "> code\n" * 2000 + "> ```\n\ntext\n")]
    assert set(quoted) == {"text"}
    inside = shown("- > ```\n" + "  > code\n" * 2000 + "  > ```\n- text\n")
    assert {kind for kind, _ in inside} == {"text"}

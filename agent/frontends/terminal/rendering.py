"""Markdown and code, made runs of text with styles, with the help of rich.

Strategy. markdown-it-py parses, rich lays out, and what of either does not suit a terminal is changed between them, in
the tokens. What rich would drop is shown as written: HTML, the addresses of links and images, and a whole block where
it is too deep, or the terminal too narrow for it. Everything is made printable before, and again behind markdown-it-py,
which decodes entities.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Final

from roundtrip.agent.frontends.words import printable

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.containers import Renderables
    from rich.markdown import BlockQuote, ListItem, Markdown, MarkdownElement
    from rich.segment import Segment
    from rich.style import Style

Run = tuple["Style | None", str]

_TAB: Final = 4
_NESTING: Final = 20
"""Where markdown-it-py gives up."""
_LEAST: Final = 8
"""Columns of a terminal that a cell, or what is indented, needs."""


_NEWLINE: Final = re.compile(r"\r\n?")
_BREAK: Final = re.compile(r"<br\s*/?>", re.IGNORECASE)


_SPACES: Final = dict.fromkeys((0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F), " ") | {0x3000: "  "}
"""No control characters, but `printable` wants none of them."""

_VARIANTS: Final = dict.fromkeys((0xFE0E, 0xFE0F), "")
"""Behind a sign they ask for an emoji or for none. No two terminals agree on how wide that is."""

_UNSEEN: Final = dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF), "")
"""Joins emoji, or says where a word may be broken."""

_ALWAYS: Final = _SPACES | _VARIANTS
_IN_PROSE: Final = _ALWAYS | _UNSEEN

_ASCII: Final = {" • ": " * ", "▌ ": "| "}
_STYLES: Final = {
    **{f"markdown.h{level}": "bold" for level in range(1, 7)},
    "markdown.code": "cyan",
    "markdown.code_block": "none",
    "markdown.block_quote": "none",
    "markdown.item.bullet": "none",
    "markdown.item.number": "none",
    "markdown.link": "none",
    "markdown.link_url": "cyan",
    "markdown.table.border": "dim",
    "markdown.table.header": "bold",
}


def clean(text: str, prose: bool = False) -> str:
    """Nothing in it that a terminal would obey. What can't be seen is dropped from prose, and shown in the rest."""
    text = _NEWLINE.sub("\n", text).expandtabs(_TAB)
    return printable(text.translate(_IN_PROSE if prose else _ALWAYS))


def styled(style: Style | None, text: str) -> str:
    """With the escape sequences of the style."""
    from rich.color import ColorSystem

    return style.render(text, color_system=ColorSystem.STANDARD) if style and not text.isspace() else text


@lru_cache(maxsize=32)
def _lexer(language: str) -> Any:
    from rich.syntax import Syntax

    return Syntax("", language).lexer if language else None


@lru_cache(maxsize=1)
def _theme() -> Any:
    from rich.syntax import ANSI_DARK, ANSISyntaxTheme

    return ANSISyntaxTheme(ANSI_DARK)


def lexed(code: str, language: str, context: str = "") -> list[Run]:
    """The code, which ends in a newline, in runs of one style; what comes before it tells what it is."""
    lexer, source = _lexer(language), context + code
    try:
        runs = list(lexer.get_tokens(source)) if lexer else []
    except Exception:  # a lexer is other people's code, and only adds colours
        runs = []
    if "".join(run for _, run in runs) != source:
        return [(None, code)]
    skip = len(context)
    found = []
    for kind, run in runs:
        if skip < len(run):
            found.append((_theme().get_style_for_token(kind), run[skip:]))
        skip = max(skip - len(run), 0)
    return found


def rendered(text: str, number: int | None, width: int, ascii: bool) -> list[list[Run]] | None:
    """The lines of clean Markdown, without empty ones around them; None: there is no room for it."""
    tokens = _parser().parse(text)
    if not _fits(tokens, width):
        return None
    if number is not None and tokens and tokens[0].tag == "ol":
        tokens[0].attrs["start"] = number
    options = console().options.update(width=width)
    options.encoding = "ascii" if ascii else "utf-8"
    lines = [list(_runs(line, ascii)) for line in console().render_lines(_shown(tokens), options, pad=False)]
    seen = [number for number, line in enumerate(lines) if any(run for _, run in line)]
    return lines[seen[0] : seen[-1] + 1] if seen else []


def _runs(segments: list[Segment], ascii: bool) -> Iterator[Run]:
    """A line, without the spaces that fill it."""
    texts = [_ASCII.get(segment.text, segment.text) if ascii else segment.text for segment in segments]
    size = len("".join(texts).rstrip())
    for segment, text in zip(segments, texts, strict=True):
        yield segment.style, printable(text[:size]).replace("\n", " ")
        size = max(size - len(text), 0)


@lru_cache(maxsize=1)
def console() -> Console:
    """What rich wants to know of a terminal; nothing is printed to it."""
    import io

    from rich.console import Console
    from rich.theme import Theme

    return Console(
        file=io.StringIO(),
        force_terminal=True,
        legacy_windows=False,
        theme=Theme(_STYLES),
        width=80,
        height=25,
        _environ={},
    )


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).disable("reference")


def _fits(tokens: list[Token], width: int) -> bool:
    """Whether everything can be shown: rich drops what has no room."""
    indents = [0]
    columns = 0
    for token in tokens:
        if token.type == "list_item_open":
            indents.append(indents[-1] + max(len(token.info) + 2, 4))
        elif token.type == "blockquote_open":
            indents.append(indents[-1] + 4)
        elif token.type in ("list_item_close", "blockquote_close"):
            indents.pop()
        columns = 0 if token.type == "thead_open" else columns + (token.type == "th_open")
        room = _LEAST * columns if token.type == "thead_close" else _LEAST if len(indents) > 1 else 0
        if indents[-1] + room > width or token.level >= _NESTING - 1:
            return False
    return True


def _shown(tokens: list[Token]) -> Markdown:
    for token in tokens:
        if token.type == "html_block":
            token.type, token.info = "code_block", "html"
        elif token.type == "inline":
            token.children = list(_inline(token.children or []))
    shown = _renderer()("", hyperlinks=False)
    shown.parsed = tokens
    return shown


def _inline(tokens: list[Token]) -> Iterator[Token]:
    """The tokens, with nothing in them that rich would drop, say twice or print elsewhere."""
    bare = False
    for number, token in enumerate(tokens):
        token.content = clean(token.content, prose=True).replace("\n", " ")
        if number and tokens[number - 1].type == "hardbreak":
            token.content = token.content.lstrip()
        if token.type == "link_open":
            bare = str(token.attrs.get("href", "")) in (
                tokens[number + 1].content,
                f"mailto:{tokens[number + 1].content}",
            )
        elif token.type == "html_inline":
            token.type = "hardbreak" if _BREAK.fullmatch(token.content) else "text"
        elif token.type == "image":
            token.type, token.tag, token.children = "text", "", None
            token.content = f"{token.content} ({clean(str(token.attrs.get('src', '')))})"
        if not (bare and token.type in ("link_open", "link_close")):
            yield token


@lru_cache(maxsize=1)
def _renderer() -> type[Markdown]:
    """rich's Markdown with elements of ours."""
    from rich import markdown as theirs
    from rich.text import Text

    class Heading(theirs.Heading):
        LEVEL_ALIGN: ClassVar = {}

    class Code(theirs.CodeBlock):
        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            code = str(self.text).strip("\n") + "\n"
            yield Text.assemble(*((run, style or "") for style, run in lexed(code, self.lexer_name.lower())), end="")

    class Table(theirs.TableElement):
        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            """Long words are folded, not cut."""
            for table in super().__rich_console__(console, options):
                for column in getattr(table, "columns", ()):
                    column.overflow = "fold"
                yield table

    ours = {"table_open": Table, "heading_open": Heading, "fence": Code, "code_block": Code, "list_item_open": _item()}

    class Shown(theirs.Markdown):
        elements = theirs.Markdown.elements | ours | {"blockquote_open": _quote()}

    return Shown


def _quote() -> type[BlockQuote]:
    from rich.markdown import BlockQuote, MarkdownContext

    class Quote(BlockQuote):
        def on_child_close(self, context: MarkdownContext, child: MarkdownElement) -> bool:
            _part(self.elements, child)
            return super().on_child_close(context, child)

    return Quote


def _item() -> type[ListItem]:
    from rich.markdown import ListItem, MarkdownContext
    from rich.segment import Segment

    class Item(ListItem):
        def on_child_close(self, context: MarkdownContext, child: MarkdownElement) -> bool:
            _part(self.elements, child)
            return super().on_child_close(context, child)

        def render_bullet(self, console: Console, options: ConsoleOptions) -> RenderResult:
            return self.marked(" • ", console, options)

        def render_number(
            self, console: Console, options: ConsoleOptions, number: int, last_number: int
        ) -> RenderResult:
            return self.marked(f"{number}. ".rjust(4), console, options)

        def marked(self, mark: str, console: Console, options: ConsoleOptions) -> RenderResult:
            inner = options.update(width=options.max_width - len(mark))
            for number, line in enumerate(console.render_lines(self.elements, inner) or [[]]):
                yield Segment(" " * len(mark) if number else mark)
                yield from line
                yield Segment.line()

    return Item


def _part(elements: Renderables, child: MarkdownElement) -> None:
    """An empty line before a paragraph that is not the first."""
    from rich.markdown import Paragraph
    from rich.text import Text

    if isinstance(child, Paragraph) and elements._renderables:
        elements.append(Text())

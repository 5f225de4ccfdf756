"""Blocks in, lines for a terminal out.

Strategy. Whatever the text holds is made printable before anything else (`clean`): the only escape sequences in the
lines are ours, and of these only the sixteen colours of the terminal's theme. Prose is wrapped at the width. Code and
output are not: the terminal wraps them, so that they can be copied. Markdown and code are the business of `rendering`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from roundtrip.agent.frontends.terminal.blocks import Block, Kind
from roundtrip.agent.frontends.terminal.rendering import clean, console, lexed, rendered, styled
from roundtrip.agent.frontends.words import second_column

_FAILED_LINES: Final = 4
_MOST_USER_LINES, _FIRST_USER_LINES = 12, 10
_BOLD, _DIM, _RED, _GREEN, _CYAN = "1", "2", "31", "32", "36"
_ESCAPE: Final = re.compile(r"(\x1b\[[0-9;]*m)")

_BOXES: Final = {"[x] ": "✓ ", "[-] ": "● ", "[ ] ": "· "}
_ASCII: Final = {"✓ ": "+ ", "✗ ": "x ", "● ": "* ", "  │ ": "  | ", "…": "..."}


class _Brush(NamedTuple):
    """What a painter needs to know of the terminal."""

    width: int
    color: bool
    ascii: bool

    def __call__(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and text else text

    def mark(self, mark: str) -> str:
        return _ASCII[mark] if self.ascii else mark

    def cut(self, text: str) -> str:
        """The text, or what of it fits, with an ellipsis."""
        from rich.cells import cell_len, chop_cells

        if cell_len(text) <= self.width:
            return text
        ellipsis = self.mark("…")
        room = self.width - len(ellipsis)
        return chop_cells(text, room)[0] + ellipsis if room > 1 else ellipsis[: self.width]

    def wrapped(self, text: str, indent: int = 0) -> list[str]:
        """The lines of the text, broken between words."""
        from rich.text import Text

        width = max(self.width - indent, 1)
        lines = text.strip("\n").split("\n") if text.strip() else []
        broken = (Text(line).wrap(console(), width, overflow="fold") or [Text()] for line in lines)
        return [part.plain.rstrip() for parts in broken for part in parts]


def paint(block: Block, width: int, color: bool = True, ascii: bool = False) -> list[str]:
    """The lines of a block. Code, fences, commands, output and diffs may be longer than the width: see `clip`."""
    brush = _Brush(max(width, 1), color, ascii)
    return _PAINTERS[block.kind](block, brush)


def clip(lines: Iterable[str], width: int) -> list[str]:
    """The lines, those that are longer cut into several at the width. Each of them ends its colours."""
    from rich.cells import cell_len

    width = max(width, 1)
    return [
        part for line in lines for part in ([line] if cell_len(_ESCAPE.sub("", line)) <= width else _cut(line, width))
    ]


def _cut(line: str, width: int) -> Iterator[str]:
    from rich.cells import split_graphemes

    parts, used, active = [], 0, ""
    for run in _ESCAPE.split(line):
        if run.startswith("\x1b"):
            active = "" if run == "\x1b[0m" else active + run
            parts.append(run)
            continue
        for start, end, cells in split_graphemes(run)[0]:
            if used + cells > width and used:
                yield "".join(parts) + ("\x1b[0m" if active else "")
                parts, used = [active], 0
            parts.append(run[start:end] if cells <= width else "\ufffd")
            used += min(cells, width)
    yield "".join(parts)


def _whole(text: str) -> list[str]:
    text = clean(text).removesuffix("\n")
    return text.split("\n") if text.strip("\n") else []


def _user(block: Block, brush: _Brush) -> list[str]:
    narrow = brush.width < 4
    lines = brush.wrapped(clean(block.text, prose=True), 0 if narrow else 2)
    more = len(lines) - _FIRST_USER_LINES
    if len(lines) > _MOST_USER_LINES:
        lines = [
            *lines[:_FIRST_USER_LINES],
            brush._replace(width=brush.width - 2).cut(f"{brush.mark('…')} {more} more lines"),
        ]
    return lines if narrow else [brush(_BOLD, "  " if number else "> ") + line for number, line in enumerate(lines)]


def _marked(mark: str, code: str) -> Callable[[Block, _Brush], list[str]]:
    """Painter of one line behind a mark."""

    def painter(block: Block, brush: _Brush) -> list[str]:
        text = clean(block.text).replace("\n", " ").strip()
        line = brush.cut(brush.mark(mark) + text)
        return [brush(code, line[: len(mark)]) + line[len(mark) :]] if text else []

    return painter


def _failed(block: Block, brush: _Brush) -> list[str]:
    """What went wrong is worth a few lines."""
    mark = brush.mark("✗ ")
    lines = brush.wrapped(clean(block.text).replace("\n", " ").strip(), len(mark))
    if brush.width <= len(mark) or not lines:
        return lines[:_FAILED_LINES]
    if len(lines) > _FAILED_LINES:
        lines[_FAILED_LINES - 1 :] = [brush._replace(width=brush.width - len(mark)).cut(lines[_FAILED_LINES - 1] + "…")]
    return [(" " * len(mark) if number else brush(_RED, mark)) + line for number, line in enumerate(lines)]


def _prose(code: str) -> Callable[[Block, _Brush], list[str]]:
    """Painter of lines in one colour, wrapped."""
    return lambda block, brush: [brush(code, line) for line in brush.wrapped(clean(block.text, prose=True))]


def _note(block: Block, brush: _Brush) -> list[str]:
    """Prose; what stands in two columns goes on in the second one."""
    painted: list[str] = []
    for line in clean(block.text, prose=True).strip("\n").split("\n"):
        indent = second_column(line, brush.width)
        parts = brush.wrapped(line[indent:], indent) or [""] * bool(painted)
        painted += [(" " * indent if number else line[:indent]) + part for number, part in enumerate(parts)]
    return [brush(_DIM, line) for line in painted]


def _fence(block: Block, brush: _Brush) -> list[str]:
    return [brush(_DIM, line) for line in _whole(block.text) if line]


def _output(block: Block, brush: _Brush) -> list[str]:
    return [brush(_DIM, brush.mark("  │ ") + line) for line in _whole(block.text)]


def _list(block: Block, brush: _Brush) -> list[str]:
    """What a tool tells in several lines; boxes of a list as signs, where the terminal has them."""
    painted = []
    for line in _whole(block.text):
        box = line[:4] if line[:4] in _BOXES else ""
        sign = "  " + (box if brush.ascii else _BOXES.get(box, ""))
        sign = sign if brush.width > len(sign) else ""
        lines = brush.wrapped(line[len(box) :], len(sign)) or [""]
        texts = [(" " * len(sign) if number else sign) + text for number, text in enumerate(lines)]
        painted += [brush(_DIM, text) for text in texts] if box == "[x] " else texts
    return painted


def _command(block: Block, brush: _Brush) -> list[str]:
    return [brush(_BOLD, "  " if number else "$ ") + line for number, line in enumerate(_whole(block.text))]


def _diff(block: Block, brush: _Brush) -> list[str]:
    """A removed line may begin with `---`, too: a head is followed by a hunk."""
    lines, painted, head = _whole(block.text), [], False
    for number, line in enumerate(lines):
        signs = [after[:3] for after in lines[number : number + 3]]
        begins = line.startswith("diff ") or signs == ["---", "+++", "@@ "]
        head = begins or (head and not line.startswith("@@"))
        code = _CYAN if line.startswith("@@") else _BOLD if head else {"+": _GREEN, "-": _RED}.get(line[:1], "")
        painted.append(brush(code, line) if code else line)
    return painted


def _code(block: Block, brush: _Brush) -> list[str]:
    text = clean(block.text).removesuffix("\n") + "\n"
    if not block.text or not brush.color:
        return text.split("\n")[:-1] if block.text else []
    lines = [""]
    for style, run in lexed(text, block.language, clean(block.context)):
        first, *others = run.split("\n")
        for number, part in enumerate((first, *others)):
            if number:
                lines.append("")
            lines[-1] += styled(style, part)
    return lines[:-1]


def _text(block: Block, brush: _Brush) -> list[str]:
    text = clean(block.text, prose=True)
    lines = rendered(text, block.number, brush.width, brush.ascii)
    if lines is None:
        return brush.wrapped(text)
    return ["".join(styled(style, part) if brush.color else part for style, part in line) for line in lines]


_PAINTERS: Final[dict[Kind, Callable[[Block, _Brush], list[str]]]] = {
    "user": _user,
    "text": _text,
    "fence": _fence,
    "code": _code,
    "reasoning": _prose(_DIM),
    "call": _marked("✓ ", _GREEN),
    "failed": _failed,
    "running": _marked("● ", _CYAN),
    "command": _command,
    "output": _output,
    "diff": _diff,
    "list": _list,
    "note": _note,
    "error": _prose(_RED),
}

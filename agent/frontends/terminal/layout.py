"""What stands below the scrollback, from top to bottom, and what it looks like."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from roundtrip.agent.frontends.terminal.keys import bindings
from roundtrip.agent.frontends.terminal.reflow import reflowing_application
from roundtrip.agent.frontends.terminal.view import Surface
from roundtrip.agent.frontends.words import printable

if TYPE_CHECKING:
    from prompt_toolkit.application import Application
    from prompt_toolkit.buffer import Buffer
    from prompt_toolkit.formatted_text import AnyFormattedText
    from prompt_toolkit.history import History
    from prompt_toolkit.layout.containers import Container, Window
    from prompt_toolkit.output import Output
    from prompt_toolkit.widgets import SearchToolbar

_INPUT_ROWS: Final = 8
_QUEUED_SHOWN: Final = 3
_ESCAPE_SECONDS: Final = 0.05
"""How long an Esc waits for what would make it another key."""

_REDRAW_SECONDS: Final = 0.06
"""Least time between two redraws while text streams."""

_EMPTY_FIRST: Final = "(to answer, empty the line first: Enter queues it)"
_WHY_NOT: Final = "Why not? Enter sends it (empty: just no), Esc goes back"
_STYLE: Final = {
    "prompt": "bold",
    "activity": "",
    "question": "bold",
    "keys": "",
    "queued": "italic",
    "status": "",
    "completion-menu": "noinherit",
    "completion-menu.completion": "noinherit",
    "completion-menu.completion.current": "noinherit reverse",
    "completion-menu.meta.completion": "noinherit",
    "completion-menu.meta.completion.current": "noinherit reverse",
    "scrollbar.background": "noinherit",
    "scrollbar.button": "noinherit reverse",
}
_COLORS: Final = {
    "activity": "ansicyan",
    "keys": "ansiyellow",
    "status": "ansibrightblack",
    "prompt": "bold ansigreen",
}


def input_buffer(root: Path, history: Path, enter: Callable[[], None]) -> Buffer:
    """The input line: many lines, the project's history, completion."""
    from prompt_toolkit.buffer import Buffer
    from prompt_toolkit.filters import Condition
    from roundtrip.agent.frontends.terminal.complete import completer, completes

    def accept(buffer: Buffer) -> bool:
        enter()
        return True  # it has emptied the input

    buffer = Buffer(
        multiline=True,
        history=_history(history),
        completer=completer(root),
        complete_while_typing=Condition(lambda: completes(buffer.document.text_before_cursor)),
        accept_handler=accept,
    )
    return buffer


def _history(path: Path) -> History:
    """What was typed in this project before, readable by its owner only. Without the file, it is forgotten."""
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    class Forgiving(FileHistory):
        def store_string(self, string: str) -> None:
            with suppress(OSError):  # a full disk: it can be sent all the same
                super().store_string(string)

    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600))
    except OSError:
        return InMemoryHistory()
    return Forgiving(str(path))


def application(screen: Surface) -> Application[None]:
    """The application that `screen` runs."""
    from prompt_toolkit.layout import HSplit, Layout
    from prompt_toolkit.layout.containers import VerticalAlign
    from prompt_toolkit.output.color_depth import ColorDepth
    from prompt_toolkit.styles import Style

    style = _STYLE | (_COLORS if screen.color else {})
    input_window, search = _input(screen)
    rows = [*_above(screen), input_window, *_below(screen, search)]
    app = reflowing_application(
        lively=lambda: bool(screen.compose()),
        layout=Layout(HSplit(rows, align=VerticalAlign.TOP), input_window),
        key_bindings=bindings(screen),
        style=Style.from_dict(style),
        output=_output(screen.view.leave),
        color_depth=None if screen.color else ColorDepth.DEPTH_1_BIT,
        min_redraw_interval=_REDRAW_SECONDS,
        erase_when_done=True,
    )
    app.ttimeoutlen = app.timeoutlen = _ESCAPE_SECONDS
    return app


def _output(gone: Callable[[], None]) -> Output:
    """Standard output, without asking the terminal where the cursor is. `gone` hears that nobody reads it."""
    from prompt_toolkit.data_structures import Size
    from prompt_toolkit.output.vt100 import Vt100_Output

    class Terminal(Vt100_Output):
        def erase_down(self) -> None:
            """As always, but never from the very first cell: tmux would keep what was there in its scrollback."""
            self.write_raw("\x1b[K\x1b[C\x1b[J\x1b[D")

        def flush(self) -> None:
            try:
                super().flush()
            except OSError:
                self._buffer.clear()
                gone()

    def size() -> Size:
        try:
            columns, rows = os.get_terminal_size(sys.stdout.fileno())
        except OSError:
            columns, rows = 0, 0
        return Size(rows=rows or 24, columns=columns or 80)

    return Terminal(sys.stdout, size, term=os.environ.get("TERM"), enable_cpr=False)


def _above(screen: Surface) -> list[Container]:
    """What stands above the input, each only where there is something to show."""
    from prompt_toolkit.formatted_text import ANSI
    from prompt_toolkit.layout import Window

    def queued() -> str:
        texts = [" ".join(text.split()) for text in screen.view.queued]
        more = [f"… {len(texts) - _QUEUED_SHOWN} more"] if len(texts) > _QUEUED_SHOWN else []
        return "\n".join([f"queued: {text}"[: screen.columns - 1] for text in texts[:_QUEUED_SHOWN]] + more)

    def question() -> str:
        asked = screen.view.question
        return _wrapped(printable(asked.text), screen.columns) if asked else ""

    def keys() -> str:
        asked = screen.view.question
        if asked is None:
            return ""
        typed = len(screen.buffer.text) >= 2
        lines = [_WHY_NOT] if screen.why else [_EMPTY_FIRST] if typed else [asked.once, asked.always]
        return "\n".join(_wrapped(printable(line), screen.columns) for line in lines)

    return [
        Window(height=1),  # so that what was printed and what is drawn don't touch
        _shown(lambda: ANSI(screen.live)),
        _shown(lambda: [("class:activity", screen.view.status.activity(ascii=screen.ascii))]),
        _shown(lambda: [("class:question", question())]),
        _shown(lambda: [("class:keys", keys())]),
        _shown(lambda: [("class:keys", _hint(screen))]),
        _shown(lambda: [("class:queued", queued())]),
    ]


def _wrapped(text: str, columns: int) -> str:
    """The text in lines that fit, broken between words."""
    return "\n".join("\n".join(wrap(line, columns - 1, break_on_hyphens=False)) for line in text.split("\n"))


def _hint(screen: Surface) -> str:
    """How the model's question is answered."""
    if screen.view.inquiry is None:
        return ""
    return screen.view.inquiry.hint if screen.answering else _EMPTY_FIRST


def _shown(text: Callable[[], AnyFormattedText]) -> Container:
    """Lines that are there as long as they hold something."""
    from prompt_toolkit.filters import Condition
    from prompt_toolkit.formatted_text import fragment_list_len, to_formatted_text
    from prompt_toolkit.layout import ConditionalContainer, FormattedTextControl, Window

    window = Window(FormattedTextControl(text), dont_extend_height=True, wrap_lines=True)
    return ConditionalContainer(window, Condition(lambda: fragment_list_len(to_formatted_text(text())) > 0))


def _input(screen: Surface) -> tuple[Window, SearchToolbar]:
    from prompt_toolkit.layout import BufferControl, Dimension, Window
    from prompt_toolkit.widgets import SearchToolbar

    def prefix(line: int, wrapped: int) -> AnyFormattedText:
        sign = "why> " if screen.why else "answer> " if screen.answering else "> "
        return [("class:prompt", sign if line == wrapped == 0 else " " * len(sign))]

    search = SearchToolbar()
    control = BufferControl(screen.buffer, search_buffer_control=search.control, preview_search=True)
    height = Dimension(min=1, max=_INPUT_ROWS)
    return Window(control, height=height, dont_extend_height=True, wrap_lines=True, get_line_prefix=prefix), search


def _below(screen: Surface, search: SearchToolbar) -> list[Container]:
    from prompt_toolkit.layout import FormattedTextControl, Window
    from prompt_toolkit.layout.menus import CompletionsMenu

    status = FormattedTextControl(lambda: [("class:status", screen.view.status.line(screen.columns - 1))])
    return [CompletionsMenu(max_height=6), search.__pt_container__(), Window(status, height=1, dont_extend_height=True)]

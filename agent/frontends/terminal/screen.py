"""The console of a real terminal: prompt_toolkit below, the terminal's own scrollback above.

Strategy. An application that is not full-screen stands under what was printed: live text, activity, question, input,
status (`layout`). To print, it is erased, the lines are written, and it is drawn again: so the scrollback holds each
line once, as text that can be copied, and nothing is ever rewritten. Rules:
1. What is printed belongs to the terminal. Words are wrapped for the width at that time, code is not wrapped at all.
2. Terminals that reflow make a drawn line into several when they get narrower; then the cursor is further down than
   the renderer believes (`reflow`). What is drawn must fit on the screen even then, so the live region is low.
3. The cursor's position is never asked for: the answer may come late, or as keys.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from roundtrip.agent.frontends.terminal.asking import ANSWERS, NEARLY, Question, behind_n, meant
from roundtrip.agent.frontends.terminal.blocks import Block, apart
from roundtrip.agent.frontends.terminal.excerpts import end_of
from roundtrip.agent.frontends.terminal.inquiry import Inquiry
from roundtrip.agent.frontends.terminal.reflow import follow_cursor, reflows
from roundtrip.agent.frontends.terminal.view import View

if TYPE_CHECKING:
    from prompt_toolkit.application import Application
    from prompt_toolkit.buffer import Buffer

_TICK: Final = 0.25
"""Seconds between two redraws while something is awaited."""

_ARMED: Final = 0.3
"""Seconds before a key can answer a question: who was typing then goes on typing."""

_WORD: Final = 0.3
"""Seconds in which a second letter makes a word of the first."""

_SLOW: Final = 3.0
"""Seconds in which the rest of a word may still come, the first letter of which was the answer."""

_LEAST: Final = 4
"""Lines of live text that are always shown at the full width."""

_NARROW: Final = 60
"""Columns to which a terminal may be narrowed without leaving traces."""


class Screen:
    """`view` is what is shown, and hears the keys; it is set before `run`."""

    view: View

    def __init__(self, root: Path, history: Path, *, color: bool = True, ascii: bool = False) -> None:
        self.root = root
        self.color, self.ascii = color, ascii
        self._wraps = reflows(os.environ)
        self.why = False
        """Whether the input is the reason for a no."""
        self._history = history
        self._last: Block | None = None
        self._unprinted: list[str] = []
        self._printed = 1
        """Lines that stand above what is drawn, at least."""
        self._live = ""
        self._asked: Question | None = None
        self._asked_at = 0.0
        self._inquiry: Inquiry | None = None
        self._draft = False
        """Whether the line in the input was begun before the model asked."""
        self._rest, self._rest_until = "", 0.0
        """What may still come of a word that is answered already."""
        self._ticker: asyncio.Task[None] | None = None
        self._app: Application[None] | None = None
        self.buffer: Buffer

    async def run(self) -> None:
        """Until `close`."""
        from roundtrip.agent.frontends.terminal.layout import application, input_buffer

        self.buffer = input_buffer(self.root, self._history, self.enter)
        self.buffer.on_text_changed += self._changed
        self._app = application(self)
        await self._app.run_async()

    # What the session calls.

    def commit(self, blocks: Sequence[Block]) -> None:
        """Prints the blocks, for good."""
        from roundtrip.agent.frontends.terminal.paint import paint

        for block in blocks:
            lines = paint(block, self.columns, self.color, self.ascii)
            if lines and self._last is not None and apart(self._last, block):
                self._unprinted.append("")
            self._unprinted += lines
            self._last = block if lines else self._last
        self._print()

    def refresh(self) -> None:
        """What is live has changed."""
        if self._app is None:
            return
        if self.view.question is not self._asked:
            self.why, self._asked, self._asked_at = False, self.view.question, time.monotonic()
        if self.view.inquiry is not self._inquiry:
            self._inquiry, self._draft = self.view.inquiry, bool(self.buffer.text)
        self._print()
        self._app.invalidate()
        if self._ticker is None and self.view.status.busy:
            self._ticker = asyncio.create_task(self._tick())

    def put_back(self, text: str) -> None:
        """Puts text into the input, before what is there."""
        from prompt_toolkit.document import Document

        rest = self.buffer.text
        self.buffer.document = Document(f"{text}\n{rest}" if rest else text)

    def close(self) -> None:
        """Ends the console."""
        if self._ticker is not None:
            self._ticker.cancel()
        if self._app is not None and self._app.is_running:
            self._app.exit()

    # What the keys do.

    def enter(self) -> None:
        """Sends the input, or goes on in a new line behind a backslash."""
        buffer = self.buffer
        if buffer.document.char_before_cursor == "\\":
            buffer.delete_before_cursor()
            buffer.insert_text("\n")
            return
        text = buffer.text
        if self.why:
            buffer.reset()
            self.why = False
            self.view.answer("no", behind_n(text))
            return
        if self._is_answer(text):
            buffer.reset()
            return
        take = self.view.reply if self.answering else self.view.submit
        self._draft = False
        buffer.reset(append_to_history=bool(text.strip()))
        take(text)

    def _is_answer(self, text: str) -> bool:
        """Answers the open question with a whole word, or takes the rest of one that was typed slowly."""
        question, word, rest = self.view.question, text.strip().lower(), self._rest
        self._rest = ""
        if rest and word == rest and time.monotonic() < self._rest_until:
            return True
        answer, why = meant(text)
        if question is None or (answer not in question.answers and word not in NEARLY):
            return False
        if answer is None:
            self.commit([Block("note", question.waits)])
        else:
            self.view.answer(answer, why)
        return True

    def _changed(self, buffer: Buffer) -> None:
        self._draft = self._draft and bool(buffer.text)

    def take_completion(self) -> None:
        """Takes the chosen completion; a command that needs nothing more is still to be sent."""
        self.buffer.complete_state = None

    def weigh(self, letter: str) -> None:
        """A letter that answers the question, unless a word begins with it: then it stands in the input already."""
        question = self.view.question
        self.buffer.insert_text(letter)

        def decide() -> None:
            if self.view.question is question and self.buffer.text == letter:
                self.buffer.reset()
                self._rest, self._rest_until = ANSWERS[letter][1:], time.monotonic() + _SLOW
                self.view.answer(ANSWERS[letter])

        asyncio.get_running_loop().call_later(_WORD, decide)

    def ask_why(self) -> None:
        """The answer is no; the input becomes its reason."""
        self.why = True
        self.refresh()

    def escape(self) -> None:
        """Back by one step: from the menu, from the reason, from the turn."""
        if self.buffer.complete_state is not None:
            self.buffer.cancel_completion()
        elif self.why:
            self.buffer.reset()
            self.why = False
            self.refresh()
        else:
            self.view.interrupt()

    def control_c(self) -> None:
        """Stops what runs, or empties the input."""
        if self.view.interrupt():
            return
        if not self.buffer.text:
            self.commit([Block("note", "Ctrl-D leaves")])
        self.buffer.reset()

    # What the layout asks.

    @property
    def app(self) -> Application[None]:
        assert self._app is not None, "it runs"
        return self._app

    @property
    def armed(self) -> bool:
        """Whether a key answers the question: not while a line is being typed."""
        question = self.view.question
        waits = question is not None and question is self._asked and question.open
        waits = waits and not (self.why or self.buffer.text or self.buffer.complete_state)
        return waits and time.monotonic() - self._asked_at >= _ARMED

    @property
    def answering(self) -> bool:
        """Whether the input is the answer to what the model asked: not a line that was begun before."""
        return self.view.inquiry is not None and not self._draft

    @property
    def columns(self) -> int:
        return self._app.output.get_size().columns if self._app else _NARROW

    @property
    def live(self) -> str:
        """The live text as it was composed last."""
        return self._live

    def compose(self) -> str:
        """Makes the live text anew, once a redraw: the end of what is live, as far as it may be shown."""
        self._live = "\n".join(self._live_lines()) if self.view.live else ""
        return self._live

    def _live_lines(self) -> list[str]:
        """At the full width if there is room for it; else narrow, where no line is wrapped when the terminal gets
        narrow, and there may be many of them."""
        size = self.app.output.get_size()
        most = max(2, size.rows - 6)
        room = self._room(size.columns, most)
        lines = self._painted(size.columns, room + 1)
        return lines if len(lines) <= room else self._painted(min(size.columns, _NARROW), most)

    def _painted(self, columns: int, most: int) -> list[str]:
        """The end of what is live."""
        from roundtrip.agent.frontends.terminal.paint import clip, paint

        lines: list[str] = []
        after: Block | None = None
        for block in reversed(self.view.live):
            if len(lines) >= most:
                break
            gap = [""] if after is not None and apart(block, after) else []
            painted = paint(replace(block, text=end_of(block.text)), columns, self.color, self.ascii)
            lines = [*clip(painted, columns)[-most:], *gap, *lines]
            after = block
        return lines[-most:]

    def _room(self, columns: int, most: int) -> int:
        """Lines that may be drawn at the full width. If the terminal gets narrow, each becomes `wraps` lines, and those
        above the cursor are pushed up by as many: they must not leave the screen, neither for its height nor because
        too little stands above them to be pushed out first."""
        wraps = -(-columns // _NARROW)
        if wraps <= 1:
            return most
        return min(most // wraps, max(_LEAST, self._printed // (wraps - 1)))

    def _print(self) -> None:
        """Writes what was not printed yet, unless another program has the terminal."""
        app = self._app
        if app is None or app._running_in_terminal or not self._unprinted:
            return
        if app.is_running:
            follow_cursor(app, self._wraps)
            app.renderer.erase()
        self._printed += len(self._unprinted)
        app.output.write_raw("\r\n".join([*self._unprinted, ""]))
        app.output.flush()
        self._unprinted = []
        if app.is_running:
            app._redraw()

    async def _tick(self) -> None:
        while self.view.status.busy or self._unprinted:
            await asyncio.sleep(_TICK)
            self._print()
            assert self._app is not None
            self._app.invalidate()
        self._ticker = None

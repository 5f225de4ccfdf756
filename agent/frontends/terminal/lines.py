"""The console of a dumb terminal: lines in, lines out, nothing is drawn twice.

Standard input is read as it comes, in the terminal's own line mode, so that a line can be typed ahead while the agent
works. Ctrl-C arrives as a signal, Ctrl-D as the end of the input.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Sequence

from roundtrip.agent.frontends.terminal.asking import meant
from roundtrip.agent.frontends.terminal.blocks import Block, apart
from roundtrip.agent.frontends.terminal.view import View
from roundtrip.agent.frontends.words import printable


class Lines:
    """`view` is what is shown, and hears the lines; it is set before `run`."""

    view: View

    def __init__(self, *, ascii: bool = False) -> None:
        self._ascii = ascii
        self._last: Block | None = None
        self._asked: object = None
        self._inquiry: object = None
        self._line = b""
        self._typed: list[str] = []
        self._prompted = False
        self._closed = asyncio.Event()

    async def run(self) -> None:
        """Until `close`."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._interrupt)
        loop.add_reader(sys.stdin.fileno(), self._readable)
        try:
            await self._closed.wait()
        finally:
            loop.remove_reader(sys.stdin.fileno())
            loop.remove_signal_handler(signal.SIGINT)

    def commit(self, blocks: Sequence[Block]) -> None:
        """Prints the blocks."""
        from roundtrip.agent.frontends.terminal.paint import paint

        width = shutil.get_terminal_size().columns - 1
        for block in blocks:
            if block.kind == "user" and block.text in self._typed:  # it stands there
                self._typed.remove(block.text)
                continue
            lines = paint(block, width, color=False, ascii=self._ascii)
            if lines and self._last is not None and apart(self._last, block):
                lines = ["", *lines]
            self._last = block if lines else self._last
            if lines and self._prompted:
                self._prompted = False
                self._write("\n")
            self._write("".join(f"{line}\n" for line in lines))

    def refresh(self) -> None:
        """Says a new question, that it works, and that it is the user's turn."""
        if self.view.status.busy and self._prompted:
            self._prompted = False
        elif not (self.view.status.busy or self._prompted or self.view.question or self.view.queued):
            self._prompted = True
            self._write("> ")
        question = self.view.question
        if question is not None and question is not self._asked:
            self._write(printable("".join(f"{line}\n" for line in (question.text, question.always) if line)))
            self._write(f"{question.once}: ")
        self._asked = question
        inquiry = self.view.inquiry
        if inquiry is not None and inquiry is not self._inquiry:
            self._write(f"{inquiry.hint}: ")
        self._inquiry = inquiry

    def put_back(self, text: str) -> None:
        """There is no input line to put it into."""
        self._typed = [line for line in self._typed if line not in text]
        self._write(f"not sent: {text}\n")

    def close(self) -> None:
        """Ends the console."""
        self._closed.set()

    def _write(self, text: str) -> None:
        try:
            sys.stdout.buffer.write(text.encode("utf-8", "replace"))
            sys.stdout.flush()
        except OSError:  # nobody reads it
            self.view.leave()

    def _interrupt(self) -> None:
        if not self.view.interrupt():
            self._write("\n(Ctrl-D leaves)\n")

    def _readable(self) -> None:
        try:
            data = os.read(sys.stdin.fileno(), 65536)
        except OSError:  # the terminal has gone
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self.view.leave()
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            self._take(line.decode("utf-8", "replace"))

    def _take(self, line: str) -> None:
        self._prompted = False
        if self.view.inquiry is not None:
            self.view.reply(line)
            return
        if self.view.question is None:
            self._typed += [line] if line.strip() else []
            self.view.submit(line)
            return
        answer, why = meant(line)
        if answer is not None and answer in self.view.question.answers:
            self.view.answer(answer, why)
        else:
            letters = [one[0] for one in self.view.question.answers[:-1]]
            self._write(f"{', '.join(letters)}, or n and why: ")

"""A question that the model asks the user: one at a time, answered by a line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from roundtrip.agent.frontends.terminal.blocks import Block
from roundtrip.agent.frontends.terminal.markdown import MarkdownStream


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question that waits for an answer."""

    question: str
    options: tuple[str, ...]
    answered: asyncio.Future[str] = field(compare=False)

    @property
    def blocks(self) -> list[Block]:
        """The question and what can be chosen."""
        stream = MarkdownStream()
        options = "".join(f"\n{number}. {option}" for number, option in enumerate(self.options, 1))
        return [*stream.feed(f"{self.question}\n{options}"), *stream.finish()]

    @property
    def hint(self) -> str:
        """How it is answered, in a line."""
        numbers = f"a number from 1 to {len(self.options)}, or " if len(self.options) > 1 else ""
        return f"Answer the question: {numbers}what you type; Enter sends it"

    def meant(self, line: str) -> str:
        """The answer that a line is: the number of an option stands for the option."""
        number = line.strip().rstrip(".)")
        picks = number.isdecimal() and number.isascii() and 0 < int(number) <= len(self.options)
        return self.options[int(number) - 1] if picks else line.strip()


class Inquirer:
    """show: shows a question before it is asked; changed: hears that one is open, and that it is no more. Who answers
    it calls `answer`. turn: held while a question is open, so that questions of other kinds wait."""

    def __init__(self, show: Callable[[Inquiry], None], changed: Callable[[], None], turn: asyncio.Lock) -> None:
        self._show = show
        self._changed = changed
        self._turn = turn
        self.inquiry: Inquiry | None = None

    async def ask(self, question: str, options: tuple[str, ...]) -> str:
        """See `tooling.Inquire`."""
        async with self._turn:
            inquiry = Inquiry(question, options, asyncio.get_running_loop().create_future())
            self._show(inquiry)
            self.inquiry = inquiry
            try:
                self._changed()
                return await inquiry.answered
            finally:
                self.inquiry = None
                self._changed()

    def answer(self, line: str) -> None:
        """Answers the open question, if there is one."""
        if self.inquiry is not None and not self.inquiry.answered.done():
            self.inquiry.answered.set_result(self.inquiry.meant(line))

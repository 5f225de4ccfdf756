"""The session at the keyboard: what is typed becomes turns and commands, what happens becomes blocks and a status.

Strategy. The console (`screen`, or `lines` on a dumb terminal) draws and reads keys, and decides nothing; it calls
`submit`, `interrupt`, `answer` and `leave`. One task, `run`, takes what was submitted in order. While a turn runs,
what is submitted goes into the agent's queue, and what the model did not get to hear is the next turn.
The console is up before the chat is: `load` makes the chat, in which the heavy imports are.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roundtrip.agent.events import Event
from roundtrip.agent.frontends.terminal.asking import Answer, Asker, Question, blocks_of
from roundtrip.agent.frontends.terminal.blocks import Block
from roundtrip.agent.frontends.terminal.commands import COMMANDS, command_of, unknown
from roundtrip.agent.frontends.terminal.inquiry import Inquirer, Inquiry
from roundtrip.agent.frontends.terminal.recalling import recalled
from roundtrip.agent.frontends.terminal.running import Background, conditions, running
from roundtrip.agent.frontends.terminal.status import Status
from roundtrip.agent.frontends.terminal.transcript import Transcript
from roundtrip.agent.frontends.terminal.view import Console
from roundtrip.agent.runtime.permissions import Permissions
from roundtrip.agent.runtime.session_log import Loaded, SessionError

if TYPE_CHECKING:
    from roundtrip.agent.runtime.chat import Chat


class Repl:
    """One run of the program. permissions: what needs no question. sessions: the folder they are kept in."""

    def __init__(self, console: Console, permissions: Permissions, sessions: Path, root: Path) -> None:
        self.console, self.sessions, self.root = console, sessions, root
        self.status = Status(time.monotonic, self._holds)
        self.transcript = Transcript()
        one_at_a_time = asyncio.Lock()
        self.asker = Asker(permissions, self._show, console.refresh, one_at_a_time)
        self.inquirer = Inquirer(self._show_inquiry, console.refresh, one_at_a_time)
        self.listed: list[str] = []
        """What was listed last, so that it can be named by its number."""
        self.left = ""
        """Id of the session that was left at the end, "" if nothing was said in it."""
        self._background = Background(self.say)
        self._chat: Chat | None = None
        self._inbox: list[str] = []
        self._wake = asyncio.Event()
        self._leaving = False
        self._in_turn = False
        self._task: asyncio.Task[object] | None = None
        self._side_tasks: set[asyncio.Task[None]] = set()

    @property
    def chat(self) -> Chat:
        assert self._chat is not None, "it is loaded first"
        return self._chat

    async def run(self, load: Callable[[], Awaitable[Chat]], resume: Path | None = None) -> None:
        """Until the user leaves. Raises SessionError if the session can't be resumed."""
        try:
            self.status.doing("starting", stops=False)
            self.console.refresh()
            self._chat = await load()
            if resume is not None:
                self.show(await self._chat.resume(resume))
            if not self._leaving:
                await self._interruptible(self.connect())
            while await self._something_to_do():
                await self._interruptible(self._do_next())
        finally:
            if self._chat is not None:
                self.left = self._chat.session_id
                for job in running(self._chat):
                    self.say(f"ended with the session: {job.command}")
                await self._chat.close()
            self.console.close()

    # What the console calls.

    def submit(self, text: str) -> None:
        """Enter was pressed."""
        if not text.strip():
            return
        name, _ = command_of(text) or ("", "")
        command = COMMANDS.get(name)
        if command and command.at_once and (self._chat or not command.loaded):
            self._side_tasks.add(task := asyncio.create_task(self._command(text)))
            task.add_done_callback(self._done_aside)
        elif self._in_turn and not name and not self._inbox:  # behind a command it waits for that
            self.chat.say(text)
        else:
            self._inbox.append(text)
            self._wake.set()
        self.console.refresh()

    def reply(self, text: str) -> None:
        """Enter was pressed, and the line answers what the model asked, unless it is a command."""
        if self.inquiry is None or command_of(text):
            self.submit(text)
        elif text.strip():
            self.status.doing("working")
            self.inquirer.answer(text)

    def interrupt(self) -> bool:
        """Esc or Ctrl-C: stops what runs; what waits goes back into the input, so that nothing that was typed is lost,
        and nothing sent unasked. False if there was nothing to stop."""
        waited = self._give_back()
        if self._task is not None:
            self._task.cancel()
        return waited or self._task is not None

    def leave(self) -> None:
        """Ctrl-D: stops what runs, and ends."""
        self._leaving = True
        self._wake.set()
        if self._task is not None:
            self._task.cancel()

    def answer(self, answer: Answer, feedback: str = "") -> None:
        """The answer to the open question."""
        self.asker.answer(answer, feedback)
        if self.asker.problem:
            self.fail(self.asker.problem)
        if self.question is None or not self.question.open:  # what is no answer to it leaves it open
            self.status.doing("working")
        self.console.refresh()

    @property
    def question(self) -> Question | None:
        """What waits for an answer."""
        return self.asker.question

    @property
    def inquiry(self) -> Inquiry | None:
        """What the model asked, and waits for an answer."""
        return self.inquirer.inquiry

    @property
    def live(self) -> tuple[Block, ...]:
        """What may still change."""
        return self.transcript.live

    @property
    def queued(self) -> tuple[str, ...]:
        """What was submitted, and the model was not told."""
        return (*(self._chat.queue if self._chat else ()), *self._inbox)

    def _holds(self) -> Iterator[str]:
        yield self.asker.mode
        if self._chat is not None:
            yield from conditions(self._chat)

    # What happens.

    def on(self, event: Event) -> None:
        """Every event comes by here."""
        self.status(event)
        if blocks := [*self.transcript(event), *self._background(event, self._chat)]:
            self.console.commit(blocks)
        else:
            self.console.refresh()

    def say(self, text: str) -> None:
        """Says what is no event."""
        self.console.commit([Block("note", text)])

    def fail(self, text: str) -> None:
        """Says what went wrong."""
        self.console.commit([Block("error", text)])

    async def connect(self) -> bool:
        """Finds the model; says so if it can't."""
        self.status.doing("looking for the model")
        problem = await self.chat.connect()
        self.status.model = self.chat.model
        if problem:
            self.fail(problem)
        return not problem

    async def resume(self, path: Path) -> None:
        """Leaves this session for another."""
        try:
            self.show(await self.chat.resume(path))
        except SessionError as error:
            self.fail(str(error))
        else:
            await self.connect()

    async def restart(self) -> None:
        """Leaves this session for a new one."""
        before = self.chat.session_id
        self._forget()
        await self.chat.restart()
        self.say(f"a new session; the one before is {before}: /resume {before}" if before else "a new session")

    def show(self, loaded: Loaded) -> None:
        """What was said in a session before: the end of it."""
        self._forget()
        for event in loaded.events:
            self.status(event)
        self.status.doing("")
        self.console.commit(recalled(loaded, self.transcript))

    def _forget(self) -> None:
        self.transcript = Transcript()
        self.status.forget()
        self.asker.forget()

    async def _interruptible(self, work: Coroutine[Any, Any, object]) -> None:
        self._task = task = asyncio.create_task(work)
        try:
            await asyncio.wait([task])
        finally:
            if not task.done():  # we are cancelled ourselves
                task.cancel()
                await asyncio.wait([task])
            self._task = None
            self.status.doing("")
            self.console.refresh()
        if task.cancelled():
            self.say("interrupted")
        else:
            task.result()

    async def _something_to_do(self) -> bool:
        """Waits for it. False if the user leaves."""
        while not self._inbox and not self._leaving:
            self._wake.clear()
            await self._wake.wait()
        return not self._leaving

    async def _do_next(self) -> None:
        """What waits longest is taken out when it is certain that it can be done: until then it can be given back."""
        if not self._inbox:  # an interrupt was quicker
            return
        if command_of(self._inbox[0]) is not None:
            await self._command(self._inbox.pop(0))
        elif not (self.chat.connected or await self.connect()):
            self._give_back()
        elif self._inbox:
            await self._turn(self._inbox.pop(0))

    def _give_back(self) -> bool:
        """Puts what waits into the input. False if nothing waited."""
        waiting = [*(self._chat.take_back() if self._chat else ()), *self._inbox]
        self._inbox = []
        commands = [text for text in waiting if command_of(text)]
        texts = [text for text in waiting if not command_of(text)]
        if commands:  # among other lines they would go to the model
            self.say(f"not run: {', '.join(commands)}")
        if texts:
            self.console.put_back("\n".join(texts))
        return bool(waiting)

    async def _turn(self, text: str) -> None:
        self._in_turn = True
        try:
            ended = await self.chat.turn(text)
        finally:
            self._in_turn = False
        if ended.outcome == "failed":
            self._give_back()
            self.say("what you said is kept: say anything, such as “go on”, to try again")
        self._inbox[:0] = self.chat.take_back()  # said too late for that turn

    async def _command(self, text: str) -> None:
        name, rest = command_of(text) or ("", "")
        self.console.commit([Block("user", text)])
        command = COMMANDS.get(name)
        if command is None:
            self.fail(unknown(name))
        elif rest and not command.argument:
            self.fail(f"/{name} takes nothing behind it; a space before the slash sends the line to the model")
            self.console.put_back(text)
        else:
            await command.run(self, rest)

    async def _show(self, question: Question) -> None:
        """Shows what a question is about, before it is asked."""
        self.console.commit(await asyncio.to_thread(blocks_of, question))  # a long diff takes seconds
        self.transcript.previewed(question.call.index)
        self.status.doing("asking you")

    def _done_aside(self, task: asyncio.Task[None]) -> None:
        self._side_tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error:
            self.fail(f"the command failed: {type(error).__name__}: {error}")

    def _show_inquiry(self, inquiry: Inquiry) -> None:
        self.console.commit(inquiry.blocks)
        self.status.doing("asking you")

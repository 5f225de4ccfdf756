"""One prompt, one turn, one answer: puts the parts together and runs them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from roundtrip.agent.commands.assembly import confined, setup_of
from roundtrip.agent.commands.options import Options
from roundtrip.agent.commands.permissions import permissions_of
from roundtrip.agent.commands.server import server_of
from roundtrip.agent.events import Event
from roundtrip.agent.frontends.headless import FAILED, MISCONFIGURED, Headless
from roundtrip.agent.frontends.stream import JsonStream
from roundtrip.agent.frontends.words import fitted, printable
from roundtrip.agent.runtime.chat import Chat
from roundtrip.agent.runtime.config import ConfigError, Settings
from roundtrip.agent.runtime.permissions import Permissions, Scripted
from roundtrip.agent.runtime.session_log import SessionError
from roundtrip.agent.runtime.setup import Setup
from roundtrip.agent.wire.defuse import defuse
from roundtrip.agent.wire.profiles import MARKERS, PROFILES
from roundtrip.agent.wire.render import render_messages


def run(options: Options, chosen: Settings | None = None) -> int:
    """Runs one turn and prints what comes of it. Returns the exit code."""
    one = OneShot(options)
    setup: Setup | None = None
    try:
        setup = setup_of(options, chosen or server_of(options))
        permissions = permissions_of(options, setup.root)
        return asyncio.run(one.run(setup, permissions, options.resumed(setup.root)))
    except (ConfigError, SessionError) as error:
        with suppress(OSError):
            sys.stderr.write(fitted(f"agent: {printable(str(error))}\n", sys.stderr))
        return one.failed(str(error), MISCONFIGURED)
    except asyncio.CancelledError:
        return one.interrupted()
    except KeyboardInterrupt:
        one.front.stopped_by = signal.SIGINT
        return one.interrupted()
    finally:
        if setup is not None and setup.requests is not None:
            setup.requests.close()


class OneShot:
    """One turn, and what is said of it."""

    def __init__(self, options: Options) -> None:
        self.front = Headless(sys.stderr, live=sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb")
        self._options = options
        self._stream: JsonStream | None = None

    async def run(self, setup: Setup, permissions: Permissions, path: Path | None) -> int:
        """Returns the exit code. Raises SessionError."""
        if why := permissions.ignored:
            self.front.line(f"{why}: agent trust shows it")
        stop = _Stop(self.front)
        with stop.heard():
            if self._options.stream:
                out = FileIO(sys.stdout.fileno(), "w", closefd=False)
                self._stream = JsonStream(out, lambda: stop(signal.SIGPIPE), stop.wanted)
            scripted = Scripted(permissions)
            self.front.advice = lambda: scripted.advice
            chat = Chat(setup, scripted, self._emit, self.front.line)
            watch = asyncio.create_task(self.front.watch())
            try:
                return await self._converse(chat, setup, permissions, path)
            finally:
                watch.cancel()
                await chat.close()

    async def _converse(self, chat: Chat, setup: Setup, permissions: Permissions, path: Path | None) -> int:
        for note in (await chat.resume(path)).notes if path else ():
            self.front.line(note)
        problem = await chat.connect()
        if problem:
            self.front.line(f"error: {problem}")
            return self.failed(problem, FAILED)
        if "command" in permissions.rules.allowed or permissions.rules.allow:  # some may run
            await confined(chat, setup, permissions, self.front.line)
        await chat.turn(self._options.prompt)
        try:
            self._print(chat)
        except BrokenPipeError:
            raise
        except OSError as error:  # a full disk
            self.front.line(f"error: the answer could not be written: {error.strerror}")
            return FAILED
        return self.front.exit_code

    def failed(self, error: str, code: int) -> int:
        """Prints what `--json` promises even then. Returns the code."""
        if self._options.json:
            _write(json.dumps(self.front.failure(error, code), ensure_ascii=False))
        return code

    def interrupted(self) -> int:
        """What is left to say when a signal came before the turn had begun, or when it was over. Returns the code."""
        if self.front.ended is not None:
            return self.front.exit_code
        self.front.line("interrupted")
        return self.failed("interrupted before the turn began", self.front.exit_code)

    def _emit(self, event: Event) -> None:
        self.front(event)
        if self._stream:
            self._stream(event)

    def _print(self, chat: Chat) -> None:
        """Raises OSError."""
        front, options = self.front, self._options
        if options.json:
            messages = render_messages(chat.messages, PROFILES[chat.profile], images=chat.images)
            report = front.report(messages, lambda text: defuse(text, MARKERS)) | {"session": chat.session_id}
            _write(json.dumps(report, ensure_ascii=False))
        elif front.ended is not None and front.ended.answer and not self._stream:
            _write(printable(front.ended.answer) if sys.stdout.isatty() else front.ended.answer)


class _Stop:
    """Interrupts the current task, as Ctrl-C does, and notes in `front` for which signal."""

    def __init__(self, front: Headless) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._front, self._task, self._loop = front, task, asyncio.get_running_loop()

    def __call__(self, number: int, frame: object = None) -> None:
        self._front.stopped_by = self._front.stopped_by or number
        self._task.cancel()
        self._loop.call_soon_threadsafe(lambda: None)  # wakes the loop

    def wanted(self) -> bool:
        """Whether somebody wants us to stop, be it by Ctrl-C."""
        return bool(self._front.stopped_by or self._task.cancelling())

    @contextmanager
    def heard(self) -> Iterator[None]:
        """SIGTERM and SIGHUP stop. Handled by Python, not by the loop, which hears nothing while we wait for a reader
        of our output."""
        ours = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) is signal.SIG_DFL]  # not nohup
        for number in ours:
            signal.signal(number, self)
        try:
            yield
        finally:
            for number in ours:
                signal.signal(number, signal.SIG_DFL)


def _write(text: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8", "replace") + b"\n")
    sys.stdout.flush()

"""One prompt, one turn, one answer: puts the parts together and runs them."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from roundtrip.agent.commands.assembly import allowed, resumed, setup_of
from roundtrip.agent.commands.options import Options
from roundtrip.agent.commands.server import server_of
from roundtrip.agent.events import Event
from roundtrip.agent.frontends.headless import BROKEN, FAILED, MISCONFIGURED, Headless
from roundtrip.agent.frontends.stream import JsonStream
from roundtrip.agent.frontends.words import printable
from roundtrip.agent.runtime.chat import Chat, Setup
from roundtrip.agent.runtime.config import ConfigError, Settings
from roundtrip.agent.runtime.permissions import Permissions
from roundtrip.agent.runtime.session_log import SessionError
from roundtrip.agent.wire.defuse import defuse
from roundtrip.agent.wire.profiles import MARKERS, PROFILES
from roundtrip.agent.wire.render import render_messages


def run(options: Options, chosen: Settings | None = None) -> int:
    """Runs one turn and prints what comes of it. Returns the exit code."""
    one = OneShot(options)
    setup = None
    try:
        setup = setup_of(options, chosen or server_of(options))
        return asyncio.run(one.run(setup, resumed(options, setup.root)))
    except (ConfigError, SessionError) as error:
        sys.stderr.write(f"agent: {error}\n")
        return one.failed(str(error), MISCONFIGURED)
    except asyncio.CancelledError:
        return one.front.exit_code  # a signal, before the turn had begun
    finally:
        if setup is not None and setup.requests is not None:
            setup.requests.close()


class OneShot:
    """One turn, and what is said of it."""

    def __init__(self, options: Options) -> None:
        self.front = Headless(sys.stderr)
        self._options = options
        self._stream: JsonStream | None = None

    async def run(self, setup: Setup, path: Path | None) -> int:
        """Returns the exit code. Raises SessionError."""
        stop = self._stop_on_signals()
        if self._options.stream:
            self._stream = JsonStream(sys.stdout.buffer, stop)
        chat = Chat(setup, Permissions(allowed(self._options)), self._emit, self.front.line)
        watch = asyncio.create_task(self.front.watch())
        try:
            for note in chat.resume(path).notes if path else ():
                self.front.line(note)
            problem = await chat.connect()
            if problem:
                self.front.line(f"error: {problem}")
                return self.failed(problem, FAILED)
            if "command" in self._options.allow:
                self.front.line("commands are not sandboxed yet: they run with all your rights")
            await chat.turn(self._options.prompt)
            self._print(chat)
        finally:
            watch.cancel()
            await chat.close()
        return BROKEN if self._stream and self._stream.broken else self.front.exit_code

    def failed(self, error: str, code: int) -> int:
        """Prints what `--json` promises even then. Returns the code."""
        if self._options.json:
            _write(json.dumps(self.front.failure(error, code), ensure_ascii=False))
        return code

    def _emit(self, event: Event) -> None:
        self.front(event)
        if self._stream:
            self._stream(event)

    def _stop_on_signals(self) -> Callable[[], None]:
        """SIGTERM and SIGHUP interrupt as Ctrl-C does. Returns what does it."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None

        def stop(number: int) -> None:
            self.front.stopped_by = number
            task.cancel()

        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores one of them
                loop.add_signal_handler(number, stop, number)
        return lambda: stop(signal.SIGPIPE)

    def _print(self, chat: Chat) -> None:
        front, options = self.front, self._options
        if options.json:
            messages = render_messages(chat.messages, PROFILES[chat.profile])
            report = front.report(messages, lambda text: defuse(text, MARKERS)) | {"session": chat.session_id}
            _write(json.dumps(report, ensure_ascii=False))
        elif front.ended is not None and front.ended.outcome == "answered" and not self._stream:
            _write(printable(front.ended.answer) if sys.stdout.isatty() else front.ended.answer)


def _write(text: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8", "replace") + b"\n")
    sys.stdout.flush()

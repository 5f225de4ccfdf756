"""`agent` without a prompt: the session at the keyboard.

The terminal shows its prompt before what is heavy is imported: that happens in a thread, while the user types.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from roundtrip.agent import __version__
from roundtrip.agent.commands.options import Options
from roundtrip.agent.commands.permissions import permissions_of
from roundtrip.agent.commands.server import ask_line, server_of
from roundtrip.agent.frontends.terminal.lines import Lines
from roundtrip.agent.frontends.terminal.permitting import untrusted_line
from roundtrip.agent.frontends.terminal.repl import Repl
from roundtrip.agent.frontends.terminal.screen import Screen
from roundtrip.agent.frontends.words import fitted, printable, session_lines
from roundtrip.agent.runtime import sdk
from roundtrip.agent.runtime.addresses import without_password
from roundtrip.agent.runtime.config import ConfigError, Settings, state_path
from roundtrip.agent.runtime.session_log import SessionError
from roundtrip.agent.runtime.sessions import find, summaries

if TYPE_CHECKING:
    from roundtrip.agent.runtime.chat import Chat

_HEAVY: Final = ("rich.markdown", "markdown_it", "roundtrip.agent.commands.assembly")
"""Imported while the user types, those first that are needed first, and then the SDK."""

_MOST_LISTED: Final = 20
_SIGNS: Final = "✓✗●│…•⠋·"


def run(options: Options) -> int:
    """The whole session. Returns the exit code."""
    try:
        settings = server_of(options)
        root = options.root()
        resume = _chosen(options.sessions, root) if options.choose and options.sessions else options.resumed(root)
        return asyncio.run(_run(options, settings, root, resume))
    except (ConfigError, SessionError) as error:
        sys.stderr.write(fitted(f"agent: {printable(str(error))}\n", sys.stderr))
        return 2


async def _run(options: Options, settings: Settings, root: Path, resume: Path | None) -> int:
    """Returns the exit code. Raises SessionError."""
    console = _console(root)
    permissions = permissions_of(options, root)
    repl = console.view = Repl(console, permissions, options.sessions or state_path() / "sessions", root)
    ended_by: list[int] = []

    def end(number: int) -> None:
        ended_by.append(number)
        repl.leave()

    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    _greet(root, settings)
    if notice := untrusted_line(repl.asker):
        print(notice, flush=True)
    shown = asyncio.create_task(console.run())
    work = asyncio.create_task(repl.run(lambda: _load(options, settings, repl), resume))
    try:
        await asyncio.wait([shown, work], return_when=asyncio.FIRST_COMPLETED)
        repl.leave()
        await work
    finally:
        console.close()
        with suppress(EOFError, OSError):  # the terminal has gone
            await shown
    if repl.left:
        with suppress(OSError):
            print(f"go on with this session: agent --resume {printable(repl.left)}", flush=True)
    return 128 + ended_by[0] if ended_by else 0


async def _load(options: Options, settings: Settings, repl: Repl) -> Chat:
    for name in _HEAVY:
        await asyncio.to_thread(importlib.import_module, name)
    await asyncio.to_thread(sdk.load)
    from roundtrip.agent.commands.assembly import confined, setup_of
    from roundtrip.agent.runtime.chat import Chat

    setup = setup_of(options, settings, repl.inquirer.ask)
    chat = Chat(setup, repl.asker, repl.on, repl.fail)
    await confined(chat, setup, repl.asker.permissions, repl.say)
    return chat


def _greet(root: Path, settings: Settings) -> None:
    """Plain text: what could paint it is not imported yet."""
    home = Path(os.path.realpath(os.path.expanduser("~")))
    folder = str(Path("~") / root.relative_to(home) if root.is_relative_to(home) else root)
    server = without_password(settings.base_url)
    print(f"roundtrip {__version__} · {printable(folder)} · {printable(server)} · /help", flush=True)


def _console(root: Path) -> Screen | Lines:
    color = not os.environ.get("NO_COLOR")
    ascii = not _encodable(_SIGNS)
    if os.environ.get("TERM", "dumb") == "dumb" or not sys.stdout.isatty():
        return Lines(ascii=ascii)
    name = sha256(os.fsencode(root)).hexdigest()[:16]
    return Screen(root, state_path() / "history" / name, color=color, ascii=ascii)


def _encodable(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _chosen(folder: Path, root: Path) -> Path | None:
    """The session that the user points at; None for a new one. Raises SessionError."""
    found = summaries(folder, str(root))[:_MOST_LISTED]
    if not found:
        find(folder, "", str(root))  # says that there is none
    for number, line in enumerate(session_lines(found, time.time()), 1):
        print(f"{number:2}. {line}")
    while True:
        try:
            answer = ask_line("Which? A number, or Enter for a new one: ").strip()
        except EOFError:
            return None
        if not answer:
            return None
        if answer.isdecimal() and 0 < int(answer) <= len(found):
            return found[int(answer) - 1].path
        print(f"{printable(answer)!r} is no number from 1 to {len(found)}")

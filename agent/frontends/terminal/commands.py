"""What begins with a slash: a table of commands."""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from roundtrip.agent.frontends.terminal import permitting, running, undoing
from roundtrip.agent.frontends.terminal.status import Status
from roundtrip.agent.frontends.words import printable, session_lines
from roundtrip.agent.runtime.session_log import SessionError
from roundtrip.agent.runtime.sessions import find, summaries
from roundtrip.agent.tooling import ModelFailure

_MOST_LISTED: Final = 20
_WORDS: Final = {"exit": "/quit", "quit": "/quit", "?": "/help"}
"""What people type elsewhere."""

KEYS: Final = (
    "Enter sends; Alt-Enter, Ctrl-J or \\ before Enter begins a new line. While the agent works, Enter queues.",
    "Esc or Ctrl-C stops it; Ctrl-D leaves.",
    "Up and down: what you typed before in this folder; Ctrl-R searches it.",
    "@ completes paths, / commands. Ctrl-X Ctrl-E opens your editor.",
    "Shift-Tab changes the mode: plan, ask, edits, auto; /mode explains them.",
    "A question is answered by y, a, p or n alone; a word that begins so goes into the line. "
    "What was always allowed in a session is so until /clear, /resume or the end.",
)


class Session(undoing.Session, permitting.Session, running.Session, Protocol):
    """What commands work on; see `repl.Repl`."""

    status: Status
    sessions: Path
    root: Path
    listed: list[str]

    def leave(self) -> None: ...
    async def restart(self) -> None: ...
    async def resume(self, path: Path) -> None: ...


@dataclass(frozen=True, slots=True)
class Command:
    """at_once: also while a turn runs; all others wait for its end. loaded: not while the program starts."""

    help: str
    run: Callable[[Session, str], Awaitable[None]]
    argument: str = ""
    at_once: bool = False
    loaded: bool = False


def command_of(text: str) -> tuple[str, str] | None:
    """(name, rest) of a command; None for what is for the model. `/etc/hosts …` is no command, nor is ` /help`."""
    text = _WORDS.get(text.strip().lower(), text)
    match = re.fullmatch(r"/([A-Za-z-]+)(?:\s+(.*))?\s*", text, re.S)
    return (match[1].lower(), (match[2] or "").strip()) if match else None


def unknown(name: str) -> str:
    """What is said of a command that there is not."""
    close = difflib.get_close_matches(name, COMMANDS, 1)
    hint = f"did you mean /{close[0]}?" if close else "/help lists them."
    return f"there is no command /{name}; {hint} A space before the slash sends it to the model."


async def _help(session: Session, rest: str) -> None:
    width = max(len(f"/{name} {command.argument}") for name, command in COMMANDS.items())
    lines = [f"{f'/{name} {command.argument}':{width}}  {command.help}" for name, command in COMMANDS.items()]
    session.say("\n".join([*lines, "", *KEYS]))


async def _model(session: Session, rest: str) -> None:
    session.status.doing("asking for the models")
    listed = await session.chat.models()
    names = [] if isinstance(listed, ModelFailure) else listed
    if not rest:
        lines = [f"{n}. {printable(name)}{' (now)' * (name == session.chat.model)}" for n, name in enumerate(names, 1)]
        why = f"the server does not list its models: {listed.text}" if isinstance(listed, ModelFailure) else ""
        session.say("\n".join([*lines, why or "/model NAME or /model NUMBER changes it; the history is kept"]).strip())
        return
    name = names[int(rest) - 1] if rest.isdecimal() and 0 < int(rest) <= len(names) else rest
    if names and name not in names:
        session.fail(f"the server does not offer {name!r}; /model lists what it offers")
        return
    await session.chat.use(name)
    session.status.model = session.chat.model


async def _clear(session: Session, rest: str) -> None:
    await session.restart()


async def _sessions(session: Session, rest: str) -> None:
    found = summaries(session.sessions, str(session.root))[:_MOST_LISTED]
    session.listed = [one.header.id for one in found]
    lines = session_lines(found, time.time())
    numbered = [f"{number:2}. {line}" for number, line in enumerate(lines, 1)]
    session.say(
        "\n".join([*numbered, "/resume NUMBER or ID goes on with one"] if found else ["there is no session yet"])
    )


async def _resume(session: Session, rest: str) -> None:
    if not rest:
        await _sessions(session, rest)
        return
    name = session.listed[int(rest) - 1] if rest.isdecimal() and 0 < int(rest) <= len(session.listed) else rest
    try:
        path = find(session.sessions, name)
    except SessionError as error:
        session.fail(f"{str(error).partition(';')[0]}; /sessions lists them")  # behind it are the words of the shell
        return
    if path.stem == session.chat.session_id:
        session.say("you are in this session")
    else:
        await session.resume(path)


async def _repairs(session: Session, rest: str) -> None:
    from roundtrip.agent.runtime.repairs import MEANING  # with the parser, which the prompt does not wait for

    found = session.status.repairs.most_common()
    names = [kind.replace("_", " ") for kind, _ in found]
    width = max(map(len, names), default=0)
    lines = [f"{n:4} {name:{width}}  {MEANING.get(kind, '')}" for name, (kind, n) in zip(names, found, strict=True)]
    what = "what the server or the model sent, and was not taken as it came:"
    session.say("\n".join([what, *lines]) if found else "nothing had to be repaired in this session")


async def _quit(session: Session, rest: str) -> None:
    session.leave()


COMMANDS: Final[Mapping[str, Command]] = {
    "help": Command("this list", _help, at_once=True),
    "model": Command("the server's models, or change to one", _model, "[NAME]"),
    "undo": Command("take back the last change of the agent's", undoing.undo, "[yes]"),
    "redo": Command("bring back what was taken back last", undoing.redo, "[yes]"),
    "diff": Command("what the last turn changed, or all since a checkpoint", undoing.diff, "[NUMBER]"),
    "checkpoints": Command("the changes, or go back to before one", undoing.checkpoints, "[NUMBER [all] [yes]]"),
    "mode": Command("what is asked first, or change that", permitting.mode, "[NAME | forget N]", at_once=True),
    "network": Command(
        "whether commands have the network, or change that", running.network, "[on | off]", at_once=True, loaded=True
    ),
    "trust": Command("the project's own configuration, or accept it", permitting.trust, "[yes]"),
    "clear": Command("begin a new session; this one stays on disk", _clear),
    "resume": Command("go on with an earlier session", _resume, "[ID]"),
    "sessions": Command("the sessions of this folder", _sessions),
    "repairs": Command("what had to be repaired in this session", _repairs, at_once=True),
    "jobs": Command("the commands in the background, or kill one", running.jobs, "[NUMBER]", at_once=True, loaded=True),
    "output": Command("what the last command said, or a job", running.output, "[NUMBER]", at_once=True, loaded=True),
    "quit": Command("leave (or Ctrl-D)", _quit, at_once=True),
}

"""The commands about what needs no question: /mode and /trust."""

from __future__ import annotations

from typing import Final, Protocol

from roundtrip.agent.frontends.terminal.asking import Asker, allowed
from roundtrip.agent.frontends.words import printable
from roundtrip.agent.runtime.permissions import MODES, Held, Permissions

_MEANING: Final = {
    "plan": "reads, and tells what it would do",
    "ask": "asks before each change and each command",
    "edits": "changes files, and asks before each command",
    "auto": "changes files and runs commands without asking",
}
ALWAYS_ASKED: Final = "what is outside the workspace, keys, and files that are obeyed unasked are asked in each of them"


class Session(Protocol):
    """What these commands work on; see `repl.Repl`."""

    asker: Asker

    def say(self, text: str) -> None: ...
    def fail(self, text: str) -> None: ...


async def mode(session: Session, rest: str) -> None:
    """/mode [NAME], /mode forget NUMBER|all"""
    word, _, which = rest.lower().partition(" ")
    if word == "forget":
        _forget(session, which.strip())
        return
    found = [name for name in MODES if name == rest.lower()]
    if rest and not found:
        session.fail(f"there is no mode {rest}; there are: {', '.join(MODES)}, and /mode forget")
        return
    for name in found:
        session.asker.use(name)
    now = session.asker.permissions.rules.mode
    lines = [f"{name:5}  {_MEANING[name]}{' (now)' * (name == now)}" for name in MODES]
    said = [*lines, f"({ALWAYS_ASKED})", *_configured(session.asker.permissions), *_held(session.asker.permissions)]
    session.say(f"{now}: {_MEANING[now]}" if found else "\n".join(said))


def _configured(permissions: Permissions) -> list[str]:
    """The rules that stand in a file."""
    rules = permissions.configured
    more = [("allowed", rules.allow), ("forbidden", rules.deny)]
    return [f"{what} by the configuration: {printable(', '.join(values))}" for what, values in more if values]


def _held(permissions: Permissions) -> list[str]:
    """What the user allowed when asked, each with its number."""
    held = permissions.held
    lines = [f"{number}. {_shown(one)}" for number, one in enumerate(held, 1)]
    return ["allowed by you:", *lines, "/mode forget NUMBER takes one back, /mode forget all takes all back"] * bool(
        held
    )


def _shown(one: Held) -> str:
    return f"{printable(allowed(one.grant))} (in this {'project' if one.project else 'session'})"


def _forget(session: Session, which: str) -> None:
    """Takes back what was allowed."""
    permissions = session.asker.permissions
    numbered = {str(number): one for number, one in enumerate(permissions.held, 1)}
    taken = permissions.held if which == "all" else tuple(one for number, one in numbered.items() if number == which)
    if not permissions.held:
        session.say("you have allowed nothing that could be forgotten")
    elif not taken:
        session.fail("/mode forget takes a number of the list that /mode shows, or all")
    else:
        problem = permissions.take_back(taken)
        session.asker.changed()
        session.say("\n".join(f"no longer allowed: {_shown(one)}" for one in taken))
        if problem:
            session.fail(problem)


async def trust(session: Session, rest: str) -> None:
    """/trust [yes]"""
    permissions = session.asker.permissions
    file = permissions.untrusted
    if rest not in ("", "yes", "y"):
        session.fail("/trust shows the project's configuration, /trust yes accepts it")
    elif file is None:
        session.say("this project has no .agent/config.toml that waits for your trust")
    elif file.problem:
        session.fail(file.problem)
    elif rest and permissions.shown == file.digest:
        before, problem = permissions.rules.mode, permissions.trust(file)
        if problem:
            session.fail(problem)
        else:
            now = permissions.rules.mode
            mode = f"; the mode is {now} from now on: {_MEANING[now]}" if now != before else ""
            session.say(f"accepted, as long as it stays as it is{mode}")
            session.asker.changed()
    else:
        permissions.shown = file.digest
        session.say(f"{file.path} says:\n{printable(file.text.rstrip())}\n\n/trust yes accepts it")


def untrusted_line(asker: Asker) -> str:
    """What is said at the beginning of a project's configuration that does not count, "" if there is none."""
    return f"{why}: /trust shows it" if (why := asker.permissions.ignored) else ""

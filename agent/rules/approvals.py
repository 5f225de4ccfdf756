"""Who may do what without being asked: a call's intent and the rules give `Allow`, `Ask` or `Deny`.

Strategy. A call is of one kind, by its effect; reading outside the workspace is a kind of its own. A mode is a set of
kinds that are not asked; more kinds, command rules, folders and hosts come from flags, from the configuration and
from what the user answered. What is checked, the hardest first:
1. What a rule forbids is denied, whatever else allows it. `plan` mode denies all that is more than reading.
2. Keys, files that are obeyed unasked, and the outside of the workspace are asked, whatever mode it is.
3. Then modes, kinds and rules allow. All that is left is asked.
A command's words say only what it is told to do; what it does is the sandbox's to limit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from roundtrip.agent.messages import Effect
from roundtrip.agent.rules import protected
from roundtrip.agent.rules.shell.files import Files, Places
from roundtrip.agent.rules.shell.launchers import commands
from roundtrip.agent.rules.shell.rules import allows, denied, doubtful, proposed
from roundtrip.agent.rules.shell.script import parse
from roundtrip.agent.tooling import Intent

Kind = Literal["read", "edit", "command", "network", "outside", "protected"]
Mode = Literal["plan", "ask", "edits", "auto"]

MODES: Final[Mapping[Mode, frozenset[Kind]]] = {
    "plan": frozenset({"read"}),
    "ask": frozenset({"read"}),
    "edits": frozenset({"read", "edit"}),
    "auto": frozenset({"read", "edit", "command"}),
}
"""The kinds that a mode allows without asking; `plan` does not even ask for the others."""

PERMISSIONS: Final[Mapping[str, Kind]] = {
    "edit": "edit",
    "command": "command",
    "network": "network",
    "outside": "outside",
}
"""What `--allow` takes, and the kind it allows."""

KINDS: Final[Mapping[Effect, Kind]] = {"reads": "read", "edits": "edit", "runs": "command", "network": "network"}

_PLAN: Final = (
    "Not run: this is plan mode, in which files are read and nothing else is done. Describe instead what you would do: "
    "which files you would change and how, and which commands you would run, in which order."
)


@dataclass(frozen=True, slots=True)
class Disk:
    """What must be asked of the file system. real: a path with its links resolved."""

    real: Callable[[Path], Path] = field(default=lambda path: Path(os.path.normpath(path)))
    is_folder: Callable[[Path], bool] = field(default=lambda path: False)


@dataclass(frozen=True, slots=True)
class Rules:
    """What is allowed without asking, and what is forbidden. All paths are absolute, links resolved.

    mode_is_set: the user has chosen the mode. kinds: beside those of the mode. allow, deny: rules for commands, see
    `shell.rules`. folders: outside the workspace, to be read. hosts: to be fetched from. private: the agent's own
    folders. temporary: where commands may write too.
    """

    root: Path
    mode: Mode = "ask"
    mode_is_set: bool = False
    kinds: frozenset[Kind] = frozenset()
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    hosts: frozenset[str] = frozenset()
    private: tuple[Path, ...] = ()
    temporary: tuple[Path, ...] = ()
    home: Path | None = None

    @property
    def allowed(self) -> frozenset[Kind]:
        """The kinds that are not asked."""
        return MODES[self.mode] | self.kinds


@dataclass(frozen=True, slots=True)
class Grant:
    """What could be allowed from now on. values: rules for commands, folders or hosts; for an edit there are none."""

    kind: Kind
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Allow:
    """It may run."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Somebody must say yes. why: a sentence for people, "" if it goes without saying. grant: what a yes for ever
    would mean, None if there is none; unruled: why not, in a few words, where `why` does not say it."""

    kind: Kind
    why: str = ""
    grant: Grant | None = None
    unruled: str = ""


@dataclass(frozen=True, slots=True)
class Deny:
    """It may not run, whoever says yes. reason: for the model."""

    reason: str


Decision = Allow | Ask | Deny


def decide(intent: Intent, rules: Rules, disk: Disk | None = None) -> Decision:
    """See the module."""
    judge = _JUDGES[intent.effect]
    if rules.mode == "plan" and intent.effect != "reads" and KINDS[intent.effect] not in rules.kinds:
        return Deny(_PLAN)
    return judge(intent, rules, disk or Disk())


def _reads(intent: Intent, rules: Rules, disk: Disk) -> Decision:
    places = _places(rules, disk)
    for path in intent.paths:
        why = protected.key(path) or places.own(path)
        if why:
            return Ask("protected", f"{_shown(path, rules)} {why}.")
    outside = [path for path in intent.paths if not places.is_readable(path)]
    if not outside:
        return Allow()
    folders = dict.fromkeys(path if disk.is_folder(path) else path.parent for path in outside)
    too_much = any(root.is_relative_to(folder) for folder in folders for root in (rules.root, rules.home or rules.root))
    grant = None if too_much else Grant("outside", tuple(map(str, folders)))
    return Ask("outside", f"{_listed(outside)} outside the workspace.", grant)


def _edits(intent: Intent, rules: Rules, disk: Disk) -> Decision:
    for path in intent.paths:
        if not path.is_relative_to(rules.root):
            return Deny(f"Not run: {path} is outside the workspace, where nothing may be written.")
    for path in intent.paths:
        why = protected.watched(path.relative_to(rules.root)) or protected.key(path) or _places(rules, disk).own(path)
        if why:
            return Ask("protected", f"{_shown(path, rules)} {why}.")
    return Allow() if "edit" in rules.allowed else Ask("edit", grant=Grant("edit"))


def _network(intent: Intent, rules: Rules, disk: Disk) -> Decision:
    host = host_of(intent.url)
    if host in rules.hosts or ("network" in rules.allowed and not intent.private):
        return Allow()
    grant = Grant("network", (host,)) if host else None
    if intent.private:
        return Ask("protected", f"{host or intent.url} is on this machine or in its network.", grant)
    return Ask("network", f"It connects to {host or intent.url}.", grant)


def host_of(url: str) -> str:
    """The host that a URL leads to, with the port if it names one; "" where there is none."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname or ''}{f':{parts.port}' if parts.port and parts.hostname else ''}"
    except ValueError:
        return ""


def _runs(intent: Intent, rules: Rules, disk: Disk) -> Decision:
    script = parse(intent.command)
    found = commands(script)
    forbidden = denied(found, rules.deny)
    if forbidden:
        return Deny(f"Not run: the user's rules forbid it ({forbidden}). Do it in another way, or ask the user.")
    scripts = [script, *(command.script for command in found if command.script)]
    cwd = intent.paths[0] if intent.paths else rules.root
    files = Files(_places(rules, disk), cwd, scripts, found)
    kind, why = next(files.risks(), ("command", ""))
    if why:
        return Ask(kind, why)
    unknown = next((one.unknown for one in scripts if one.unknown), "")
    if rules.deny and (unknown or doubtful(found, rules.deny, intent.command)):
        return Ask("command", "It may hold a command that your rules forbid.")
    if "command" in rules.allowed:
        return Allow()
    unruled = unknown or files.beyond_rules("edit" in rules.allowed)
    if not unruled and allows(found, rules.allow):
        return Allow()
    grant = () if unruled else proposed(found, rules.allow)
    if grant:
        return Ask("command", grant=Grant("command", grant))
    return Ask("command", unruled=unruled or "no rule could say what it does")


_JUDGES: Final[Mapping[Effect, Callable[[Intent, Rules, Disk], Decision]]] = {
    "reads": _reads,
    "edits": _edits,
    "runs": _runs,
    "network": _network,
}


def _places(rules: Rules, disk: Disk) -> Places:
    everywhere = "outside" in rules.allowed
    private, real = rules.private, lru_cache(disk.real)
    return Places(rules.root, rules.home, rules.folders, rules.temporary, private, everywhere, real, disk.is_folder)


def _shown(path: Path, rules: Rules) -> str:
    return str(path.relative_to(rules.root) if path.is_relative_to(rules.root) else path)


def _listed(paths: Sequence[Path]) -> str:
    first = ", ".join(str(path) for path in paths[:3])
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return f"{first}{more} {'is' if len(paths) == 1 else 'are'}"

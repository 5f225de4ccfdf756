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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from roundtrip.agent.messages import Effect
from roundtrip.agent.rules import protected
from roundtrip.agent.rules.command_rules import allows, denied, doubtful, proposed
from roundtrip.agent.rules.launchers import Command, commands
from roundtrip.agent.rules.shell import Script, parse
from roundtrip.agent.rules.shell_words import Word
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
_DEVICES: Final = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty"})


@dataclass(frozen=True, slots=True)
class Disk:
    """What must be asked of the file system. real: a path with its links resolved."""

    real: Callable[[Path], Path] = field(default=lambda path: Path(os.path.normpath(path)))
    is_folder: Callable[[Path], bool] = field(default=lambda path: False)


@dataclass(frozen=True, slots=True)
class Rules:
    """What is allowed without asking, and what is forbidden. All paths are absolute, links resolved.

    mode_is_set: the user has chosen the mode. kinds: beside those of the mode. allow, deny: rules for commands, see
    `command_rules`. folders: outside the workspace, to be read. hosts: to be fetched from. private: the agent's own
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
    would mean, None if there is none."""

    kind: Kind
    why: str = ""
    grant: Grant | None = None


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
    for path in intent.paths:
        why = protected.key(path) or _private(path, rules)
        if why:
            return Ask("protected", f"{_shown(path, rules)} {why}.")
    outside = [path for path in intent.paths if not _may_read(path, rules)]
    if not outside:
        return Allow()
    folders = dict.fromkeys(path if disk.is_folder(path) else path.parent for path in outside)
    too_much = any(root.is_relative_to(folder) for folder in folders for root in (rules.root, rules.home or rules.root))
    grant = None if too_much else Grant("outside", tuple(map(str, folders)))
    return Ask("outside", f"{_listed(outside, rules)} outside the workspace.", grant)


def _edits(intent: Intent, rules: Rules, disk: Disk) -> Decision:
    for path in intent.paths:
        if not path.is_relative_to(rules.root):
            return Deny(f"Not run: {path} is outside the workspace, where nothing may be written.")
    for path in intent.paths:
        why = protected.watched(path.relative_to(rules.root)) or protected.key(path) or _private(path, rules)
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
    where = _Where(rules, disk, intent.paths[0] if intent.paths else rules.root, found)
    risk = next((risk for one in scripts for risk in where.risks(one, found)), None)
    if risk:
        return risk
    unknown = next((one.unknown for one in scripts if one.unknown), "")
    if rules.deny and (unknown or doubtful(found, rules.deny)):
        return Ask("command", "It may hold a command that your rules forbid.")
    if "command" in rules.allowed:
        return Allow()
    kept = where.stays and all(where.may_write(word) for one in scripts for word in one.writes)
    if kept and not unknown and allows(found, rules.allow):
        return Allow()
    grant = proposed(found, rules.allow) if kept and not unknown else ()
    return Ask("command", "", Grant("command", grant) if grant else None)


_JUDGES: Final[Mapping[Effect, Callable[[Intent, Rules, Disk], Decision]]] = {
    "reads": _reads,
    "edits": _edits,
    "runs": _runs,
    "network": _network,
}


@dataclass(frozen=True, slots=True)
class _Where:
    """Which files the words of a command mean."""

    rules: Rules
    disk: Disk
    cwd: Path
    commands: tuple[Command, ...]

    def risks(self, script: Script, found: Sequence[Command]) -> Iterator[Ask]:
        """Why a command is asked in every mode: for files that it names."""
        for word in script.writes:
            for path in self._meant(word):
                why = protected.watched(self._inside(path)) or protected.key(path) or _private(path, self.rules)
                if why:
                    yield Ask("protected", f"{_shown(path, self.rules)} {why}.")
                elif not (self._is_inside(path) or self._is_spare(path) or "outside" in self.rules.allowed):
                    yield Ask("outside", f"It writes {path}, outside the workspace.")
        for word in (*script.reads, *(word for command in found for word in command.words[1:])):
            for text in {word.text, word.text.partition("=")[2], word.text.rpartition(":")[2]} - {""}:
                path = self._path(self.cwd, text.lstrip("@"))
                why = protected.key(path) or (_private(path, self.rules) if "/" in text else "")
                if why and not word.open:
                    yield Ask("protected", f"{text} {why}.")

    @property
    def stays(self) -> bool:
        """Whether each `cd` stays in the workspace."""
        moves = [command for command in self.commands if command.name == "cd"]
        return all(
            len(move.words) == 2
            and not move.words[1].open
            and not move.words[1].text.startswith("-")
            and all(self._may_stay(path) for path in self._meant(move.words[1]))
            for move in moves
        )

    def may_write(self, word: Word) -> bool:
        """Whether a command that rules allow may send its output there."""
        if word.open:
            return False
        paths = self._meant(word)
        if all(str(path) in _DEVICES for path in paths):
            return True
        return "edit" in self.rules.allowed and all(self._is_inside(path) or self._is_spare(path) for path in paths)

    def _may_stay(self, path: Path) -> bool:
        return self._is_inside(path) and not protected.watched(self._inside(path))

    def _meant(self, word: Word) -> list[Path]:
        """The paths that may be meant: the folder may be another one behind each `cd`."""
        if word.open:
            return []
        bases = [self.cwd]
        for command in self.commands:
            if command.name == "cd" and len(command.words) == 2 and len(bases) < 16:
                bases += [self._path(base, command.words[1].text) for base in bases]
        return [self.disk.real(self._path(base, word.text)) for base in dict.fromkeys(bases)]

    def _path(self, base: Path, text: str) -> Path:
        if self.rules.home and (text == "~" or text.startswith("~/")):
            text = str(self.rules.home / text[2:])
        return Path(os.path.normpath(base / text)) if "\0" not in text else base

    def _is_inside(self, path: Path) -> bool:
        return path.is_relative_to(self.rules.root)

    def _inside(self, path: Path) -> Path:
        return path.relative_to(self.rules.root) if self._is_inside(path) else path

    def _is_spare(self, path: Path) -> bool:
        return str(path) in _DEVICES or any(path.is_relative_to(folder) for folder in self.rules.temporary)


def _may_read(path: Path, rules: Rules) -> bool:
    inside = any(path.is_relative_to(folder) for folder in (rules.root, *rules.folders))
    return inside or "outside" in rules.allowed


def _private(path: Path, rules: Rules) -> str:
    """The agent's own files: the key of the server is among them, and what is allowed."""
    return "belongs to the agent itself" if any(path.is_relative_to(own) for own in rules.private) else ""


def _shown(path: Path, rules: Rules) -> str:
    return str(path.relative_to(rules.root) if path.is_relative_to(rules.root) else path)


def _listed(paths: Sequence[Path], rules: Rules) -> str:
    first = ", ".join(str(path) for path in paths[:3])
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return f"{first}{more} {'is' if len(paths) == 1 else 'are'}"

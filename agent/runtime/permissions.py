"""What is allowed at run time: the rules, what the user adds to them, and the approver of scripts.

The rules decide (`rules.approvals`); here they are kept, and changed when the user says so.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Final

from roundtrip.agent.messages import Call
from roundtrip.agent.rules.approvals import MODES, Allow, Ask, Decision, Deny, Disk, Grant, Kind, Mode, Rules, decide
from roundtrip.agent.runtime.preferences import Preferences, ProjectFile, project_file
from roundtrip.agent.runtime.projects import Project, Projects
from roundtrip.agent.tooling import Intent, Refusal

__all__ = ["MODES", "Allow", "Ask", "Deny", "Grant", "Held", "Mode", "Permissions", "Rules", "Scripted"]

_REFUSALS: Final[Mapping[Kind, str]] = {
    "edit": "changing files was not allowed in this run",
    "command": "running this command was not allowed in this run",
    "network": "network access was not allowed in this run",
    "outside": "what is outside the workspace was not allowed in this run",
    "protected": "this is not allowed without asking",
}
_FLAGS: Final[Mapping[Kind, str]] = {
    "edit": "--allow edit",
    "command": "--allow command",
    "network": "--allow network",
    "outside": "--allow outside",
}
_YES: Final = frozenset((_FLAGS["edit"], _FLAGS["command"]))
"""What `--yes` stands for."""

_WORDS: Final = {"edit": "edits", "command": "commands", "network": "network", "outside": "reading outside"}


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)


_DISK: Final = Disk(real=lambda path: Path(os.path.realpath(path)), is_folder=_is_folder)


@dataclass(frozen=True, slots=True)
class Held:
    """One thing that the user has allowed when asked: for the project, or else for this session."""

    grant: Grant
    project: bool


class Permissions:
    """The rules of a run, and what the user allows beside them. projects: where that is kept for a project, None for
    nowhere."""

    def __init__(self, rules: Rules, projects: Projects | None = None) -> None:
        self._projects = projects
        self.configured = rules
        """What flags and configuration say."""
        self.held: tuple[Held, ...] = ()
        """What the user has allowed, for the project first."""
        self.shown = ""
        """Digest of the project's configuration as it was shown to the user last."""
        if projects is not None:
            project = projects.load(rules.root)
            self.held = tuple(Held(grant, project=True) for grant in project.grants)
            file = trusted_file(rules.root, project)
            self._add(file.preferences if file else Preferences())

    @property
    def rules(self) -> Rules:
        """What holds now."""
        return reduce(_with, (one.grant for one in self.held), self.configured)

    def decide(self, intent: Intent) -> Decision:
        """What the rules say of a call."""
        return decide(intent, self.rules, _DISK)

    def allow(self, grant: Grant, *, project: bool = False) -> str:
        """The user says yes for this session, or for this project too. Returns why it can't be kept, "" if it can."""
        new = [Held(Grant(grant.kind, values), project) for values in _singly(grant)]
        self.held = tuple(sorted(dict.fromkeys((*self.held, *new)), key=lambda one: not one.project))
        if not project:
            return ""
        if self._projects is None:
            return "nothing is kept in this run"
        try:
            self._projects.allow(self.rules.root, grant)
        except OSError as error:
            return f"it can't be kept: {error}"
        return ""

    def take_back(self, taken: Collection[Held]) -> str:
        """The user takes back what they had allowed. Returns why it will be allowed again in the next run, "" if not"""
        self.held = tuple(one for one in self.held if one not in taken)
        kept = [one.grant for one in taken if one.project]
        if not kept or self._projects is None:
            return ""
        try:
            self._projects.forget(self.configured.root, kept)
        except OSError as error:
            return f"the next run will allow it again: {error}"
        return ""

    def use(self, mode: Mode) -> None:
        """Another mode, until the user changes it again; to allow all edits was a change of mode too."""
        self.configured = replace(self.configured, mode=mode, mode_is_set=True)
        self.held = tuple(one for one in self.held if one.grant.kind != "edit")

    def confined(self) -> None:
        """There is a sandbox, in which commands have temporary folders of their own; without one they are outside."""
        self.configured = replace(self.configured, temporary=temporary_folders())

    def forget(self) -> None:
        """Another session: what was allowed in the one before was so there."""
        self.held = tuple(one for one in self.held if one.project)

    @property
    def words(self) -> str:
        """What is allowed, in a few words for the status line."""
        if self.rules.mode == "plan":
            return "plan mode"
        kinds = [word for kind, word in _WORDS.items() if kind in self.rules.allowed]
        return f"{' and '.join(kinds)} allowed" if kinds else "asks first"

    @property
    def ignored(self) -> str:
        """Why the project's configuration does not count, "" if it does or there is none."""
        if self.untrusted is None or self._projects is None:
            return ""
        if self._projects.load(self.rules.root).trusted:
            return ".agent/config.toml has changed since you accepted it, and is ignored until you do so again"
        return ".agent/config.toml is ignored until you accept it"

    @property
    def untrusted(self) -> ProjectFile | None:
        """The project's configuration, if there is one that does not count."""
        own = self._file
        if own is None or self._projects is None or own.digest == self._projects.load(self.rules.root).trusted:
            return None
        return own

    def trust(self, file: ProjectFile) -> str:
        """The user accepts the project's configuration. Returns why that can't be kept, "" if it can."""
        if self._projects is None:
            return "nothing is kept in this run"
        try:
            self._projects.trust(self.rules.root, file.digest)
        except OSError as error:
            return f"it can't be kept: {error}"
        self._add(file.preferences)
        return ""

    @property
    def _file(self) -> ProjectFile | None:
        return project_file(self.rules.root)

    def _add(self, project: Preferences) -> None:
        """What a trusted project says. The user's own word on the mode counts more."""
        rules = self.configured
        mode = project.mode if project.mode and not rules.mode_is_set else rules.mode
        allow, deny = (*rules.allow, *project.allow), (*rules.deny, *project.deny)
        self.configured = replace(rules, mode=mode, allow=allow, deny=deny)


def trusted_file(root: Path, project: Project) -> ProjectFile | None:
    """The project's own configuration, if there is one that counts."""
    file = project_file(root)
    return file if file is not None and not file.problem and file.digest == project.trusted else None


def _singly(grant: Grant) -> tuple[tuple[str, ...], ...]:
    return tuple((value,) for value in grant.values) or ((),)


def _with(rules: Rules, grant: Grant) -> Rules:
    """The rules with a grant."""
    if grant.kind == "command":
        return replace(rules, allow=tuple(dict.fromkeys((*rules.allow, *grant.values))))
    if grant.kind == "outside":
        return replace(rules, folders=tuple(dict.fromkeys((*rules.folders, *map(Path, grant.values)))))
    if grant.kind == "network":
        return replace(rules, hosts=rules.hosts | set(grant.values))
    if grant.kind == "edit":
        return replace(rules, mode="edits") if rules.mode == "ask" else replace(rules, kinds=rules.kinds | {"edit"})
    return rules


class Scripted:
    """The approver where nobody can be asked: what would be asked is refused, with the flag that would allow it."""

    def __init__(self, permissions: Permissions) -> None:
        self._permissions = permissions
        self._refused: dict[str, None] = {}
        """What the user may be told of what was refused: flags that would have helped, or why none would."""

    async def approve(self, call: Call, intent: Intent) -> Refusal | None:
        """See `tooling.Approver`."""
        decision = self._permissions.decide(intent)
        if isinstance(decision, Allow):
            return None
        if isinstance(decision, Deny):
            self._refused["plan mode" if self._permissions.rules.mode == "plan" else "a rule"] = None
            return Refusal(decision.reason)
        flag = "" if decision.kind in self._permissions.rules.allowed else _FLAGS.get(decision.kind, "")
        self._refused[flag or "somebody"] = None
        hint = f" ({flag} would allow it)" if flag else ""
        why = f" {decision.why}" if decision.why else ""
        return Refusal(
            f"Not run: {_REFUSALS[decision.kind]}{hint}, and nobody can be asked.{why} Do what you can without it, "
            "or tell the user what you would have done."
        )

    @property
    def advice(self) -> str:
        """What would let the refused calls run, for the user; "" if none was refused here."""
        flags = [flag for flag in self._refused if flag.startswith("--")]
        others = [which for which in self._refused if not which.startswith("--")]
        what = "them" if bool(flags) + len(others) == 1 else "some of them"
        if set(flags) >= _YES:
            flags = ["--yes", *(flag for flag in flags if flag not in _YES)]
        said = {
            "somebody": f"only somebody at the keyboard can allow {what}",
            "plan mode": f"plan mode forbids {what}",
            "a rule": f"your rules forbid {what}",
        }
        found = [f"{' '.join(flags)} would allow {what}"] if flags else []
        return "; ".join([*found, *(said[which] for which in others)])


def temporary_folders() -> tuple[Path, ...]:
    """Where commands may write beside the workspace."""
    import tempfile

    folders = {os.path.realpath(folder) for folder in ("/tmp", "/var/tmp", tempfile.gettempdir())}
    return tuple(map(Path, sorted(folders)))


def home_folder() -> Path | None:
    """The user's home."""
    with suppress(RuntimeError):
        return Path(os.path.realpath(Path.home()))
    return None

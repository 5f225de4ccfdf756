"""What is allowed at run time: the rules, what the user adds to them, and the approver of scripts.

The rules decide (`rules.approvals`); here they are kept, and changed when the user says so.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from roundtrip.agent.messages import Call
from roundtrip.agent.rules.approvals import MODES, Allow, Ask, Decision, Deny, Disk, Grant, Kind, Mode, Rules, decide
from roundtrip.agent.runtime.preferences import Preferences, ProjectFile, project_file
from roundtrip.agent.runtime.projects import Projects
from roundtrip.agent.tooling import Intent, Refusal

__all__ = ["MODES", "Allow", "Ask", "Deny", "Grant", "Mode", "Permissions", "Rules", "Scripted"]

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
_WORDS: Final = {"edit": "edits", "command": "commands", "network": "network", "outside": "reading outside"}


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)


_DISK: Final = Disk(real=lambda path: Path(os.path.realpath(path)), is_folder=_is_folder)


class Permissions:
    """The rules of a run. projects: where the user's permissions for a project are kept, None for nowhere."""

    def __init__(self, rules: Rules, projects: Projects | None = None) -> None:
        self._projects = projects
        self._at_first = self.rules = rules
        self.shown = ""
        """Digest of the project's configuration as it was shown to the user last."""
        if projects is not None:
            project = projects.load(rules.root)
            own = self._file
            trusted = own is not None and not own.problem and own.digest == project.trusted
            self._add(own.preferences if own is not None and trusted else Preferences())
            for kind, values in (("command", project.allow), ("outside", project.folders), ("network", project.hosts)):
                self._at_first = _with(self._at_first, Grant(kind, values))  # type: ignore[arg-type]
            self.rules = self._at_first

    def decide(self, intent: Intent) -> Decision:
        """What the rules say of a call."""
        return decide(intent, self.rules, _DISK)

    def allow(self, grant: Grant, *, project: bool = False) -> str:
        """The user says yes for this session, or for this project too. Returns why it can't be kept, "" if it can."""
        self.rules = _with(self.rules, grant)
        if not project:
            return ""
        self._at_first = _with(self._at_first, grant)
        if self._projects is None:
            return "nothing is kept in this run"
        try:
            self._projects.allow(self.rules.root, grant)
        except OSError as error:
            return f"it can't be kept: {error}"
        return ""

    def use(self, mode: Mode) -> None:
        """Another mode, until the user changes it again."""
        self.rules = replace(self.rules, mode=mode, mode_is_set=True)
        self._at_first = replace(self._at_first, mode=mode, mode_is_set=True)

    def forget(self) -> None:
        """Another session: what was allowed in the one before was so there."""
        self.rules = self._at_first

    @property
    def words(self) -> str:
        """What is allowed, in a few words for the status line."""
        if self.rules.mode == "plan":
            return "plan mode"
        kinds = [word for kind, word in _WORDS.items() if kind in self.rules.allowed]
        return f"{' and '.join(kinds)} allowed" if kinds else "asks first"

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
        for name in ("rules", "_at_first"):
            rules: Rules = getattr(self, name)
            mode = project.mode if project.mode and not rules.mode_is_set else rules.mode
            allow, deny = (*rules.allow, *project.allow), (*rules.deny, *project.deny)
            setattr(self, name, replace(rules, mode=mode, allow=allow, deny=deny))


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

    async def approve(self, call: Call, intent: Intent) -> Refusal | None:
        """See `tooling.Approver`."""
        decision = self._permissions.decide(intent)
        if isinstance(decision, Allow):
            return None
        if isinstance(decision, Deny):
            return Refusal(decision.reason)
        flag = "" if decision.kind in self._permissions.rules.allowed else _FLAGS.get(decision.kind, "")
        hint = f" ({flag} would allow it)" if flag else ""
        why = f" {decision.why}" if decision.why else ""
        return Refusal(
            f"Not run: {_REFUSALS[decision.kind]}{hint}, and nobody can be asked.{why} Do what you can without it, "
            "or tell the user what you would have done."
        )


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

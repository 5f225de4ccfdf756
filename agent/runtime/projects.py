"""What the user has allowed in a project for good. It is kept in the user's own folder, never in the project: what
comes with a project must not grant itself anything.

One JSON file a project, named after the project's folder. A file that can't be read grants nothing.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import reduce
from hashlib import sha256
from pathlib import Path

from roundtrip.agent.rules.approvals import Grant, Kind
from roundtrip.agent.rules.shell.rules import rule
from roundtrip.agent.runtime.config_file import replace_file


@dataclass(frozen=True, slots=True)
class Project:
    """allow: rules for commands. folders: outside, to be read. hosts: to be fetched from.

    trusted: digest of the project's own configuration that the user has accepted, "" for none.
    """

    allow: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    trusted: str = ""

    @property
    def grants(self) -> tuple[Grant, ...]:
        """What is allowed, one by one."""
        kinds: tuple[tuple[Kind, tuple[str, ...]], ...] = (
            ("command", self.allow),
            ("outside", self.folders),
            ("network", self.hosts),
        )
        return tuple(Grant(kind, (value,)) for kind, values in kinds for value in values)


class Projects:
    """folder: where the files are; it need not exist."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, root: Path) -> Project:
        """What is allowed in a project."""
        try:
            values = json.loads(self.path(root).read_bytes())
        except (OSError, ValueError, RecursionError):
            return Project()
        if not isinstance(values, dict) or values.get("root") != str(root):
            return Project()
        allow = tuple(text for text in _texts(values.get("allow")) if _is_rule(text))
        trusted = values.get("trusted")
        return Project(
            allow,
            tuple(text for text in _texts(values.get("folders")) if os.path.isabs(text)),
            _texts(values.get("hosts")),
            trusted if isinstance(trusted, str) else "",
        )

    def allow(self, root: Path, grant: Grant) -> None:
        """Allows something in a project from now on. Raises OSError."""
        self._change(root, lambda project: _with(project, grant))

    def forget(self, root: Path, grants: Collection[Grant]) -> None:
        """Takes back what was allowed, one by one as `Project.grants` gives them. Raises OSError."""

        def without(project: Project) -> Project:
            return reduce(_with, (one for one in project.grants if one not in grants), Project(trusted=project.trusted))

        self._change(root, without)

    def trust(self, root: Path, digest: str) -> None:
        """Accepts the project's own configuration, as long as it stays as it is. Raises OSError."""
        self._change(root, lambda project: replace(project, trusted=digest))

    def _change(self, root: Path, change: Callable[[Project], Project]) -> None:
        with self._alone():
            project = change(self.load(root))
            text = json.dumps({"root": str(root), **asdict(project)}, ensure_ascii=False, indent=1)
            replace_file(self.path(root), f"{text}\n".encode("utf-8", "surrogateescape"))

    def path(self, root: Path) -> Path:
        """The file of a project; it need not exist."""
        return self._folder / f"{sha256(os.fsencode(root)).hexdigest()[:24]}.json"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other run of ours changes anything meanwhile."""
        self._folder.mkdir(0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _with(project: Project, grant: Grant) -> Project:
    if grant.kind == "command":
        return replace(project, allow=tuple(dict.fromkeys((*project.allow, *grant.values))))
    if grant.kind == "outside":
        return replace(project, folders=tuple(dict.fromkeys((*project.folders, *grant.values))))
    if grant.kind == "network":
        return replace(project, hosts=tuple(dict.fromkeys((*project.hosts, *grant.values))))
    return project


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _is_rule(text: str) -> bool:
    try:
        return bool(rule(text))
    except ValueError:
        return False

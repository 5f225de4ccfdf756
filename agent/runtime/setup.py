"""What the sessions of a run are made of."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from roundtrip.agent.runtime.config import Settings
from roundtrip.agent.runtime.sandbox.policy import SandboxMode
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.agent.tooling import Inquire, Ports, Situation, Tool


@dataclass(frozen=True, slots=True)
class Setup:
    """What sessions are made of. root: of the workspace; kept absolute, links resolved. sessions: the folder they are
    kept in, None for nowhere. requests: where the bodies of requests are written; who opened it closes it.

    tools and system are asked at the beginning of each session, and hold until its end. inquire: asks the user, None
    where nobody is there. wanted: see `Situation`. sandbox, writable, network: see `Confinement`.
    checkpoints: the folder they are kept in, None for none.
    """

    settings: Settings
    root: Path
    tools: Callable[[LocalWorkspace, Situation, Ports], Sequence[Tool]]
    system: Callable[[], str]
    sessions: Path | None = None
    max_steps: int = 50
    requests: TextIO | None = None
    inquire: Inquire | None = None
    wanted: frozenset[str] = frozenset()
    sandbox: SandboxMode = "auto"
    writable: tuple[Path, ...] = ()
    network: bool = False
    checkpoints: Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(os.path.realpath(self.root)))

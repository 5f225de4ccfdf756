"""What the tools of a session work in: the workspace, and the commands with their sandbox."""

from __future__ import annotations

import asyncio
from pathlib import Path

from roundtrip.agent.runtime.jobs import LocalJobs
from roundtrip.agent.runtime.sandbox.confinement import Confinement
from roundtrip.agent.runtime.sandbox.policy import Sandbox
from roundtrip.agent.runtime.setup import Setup
from roundtrip.agent.runtime.workspace import LocalWorkspace


class Surroundings:
    """Of one session after another: `leave` ends the commands of one."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._network = setup.network
        self._found: Sandbox | None = None
        self.jobs: LocalJobs | None = None
        """The commands of this session, None before there is one."""

    async def sandbox(self) -> Sandbox:
        """What commands run in. To find out, programs are run the first time."""
        if self._found is None:
            known = self.jobs.confinement if self.jobs else self._confinement()
            self._found = await asyncio.to_thread(lambda: known.sandbox)
        return self._found

    @property
    def network(self) -> bool:
        """Whether commands that are started from now on have the network."""
        return self._network or (self.jobs is not None and self.jobs.confinement.sandbox.kind == "none")

    @network.setter
    def network(self, allowed: bool) -> None:
        self._network = allowed
        if self.jobs is not None:
            self.jobs.confinement.network = allowed

    def workspace(self, outputs: Path | None) -> LocalWorkspace:
        """What has been read is known to one agent only; the commands are those of the session. outputs: the folder of
        what they say, None for a temporary one."""
        if self.jobs is None:
            self.jobs = LocalJobs(self._setup.root, confinement=self._confinement(), outputs=outputs)
        return LocalWorkspace(self._setup.root, jobs=self.jobs)

    async def leave(self) -> None:
        """Ends the commands."""
        jobs, self.jobs = self.jobs, None
        if jobs is not None:
            await jobs.close()

    def _confinement(self) -> Confinement:
        setup = self._setup
        return Confinement(
            setup.root,
            mode=setup.sandbox,
            network=self._network,
            writable=setup.writable,
            private=[folder for folder in (setup.sessions, setup.checkpoints) if folder],
            found=self._found,
        )

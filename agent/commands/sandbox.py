"""`agent sandbox`: what commands may do on this machine. Each promise is proven by the attempt to break it."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Final, TextIO

from roundtrip.agent.commands.sandbox_probes import PROBES, scene
from roundtrip.agent.frontends.words import fitted, printable
from roundtrip.agent.runtime.sandbox import landlock
from roundtrip.agent.runtime.sandbox.policy import Kind, Sandbox

_HOLDS, _BROKEN, _NOT_HERE = 0, 1, 2
_NAMES: Final = {"bwrap": "bubblewrap", "landlock": "Landlock", "none": "none"}
_ADVICE: Final = (
    "Install bubblewrap for a complete one (apt install bubblewrap, dnf install bubblewrap, pacman -S bubblewrap). "
    "If it is there and does not work, unprivileged user namespaces are switched off on this machine."
)
_MEANING: Final = (
    "With --sandbox auto, commands run in the best that works here; with --sandbox strict they are refused unless it "
    "is bubblewrap. The probes ran without network; when you allow it, its promises end, and those about "
    "abstract sockets with them.\n"
    "The sandbox holds while a command runs. What a command writes in the workspace (a Makefile, a script, a nested "
    "repository with a configuration of its own) acts with your rights when you run it later."
)


def show(kind: Kind | None, out: TextIO, *, json: bool = False) -> int:
    """Prints a line for each promise. Returns the exit code."""
    return asyncio.run(_show(kind, out, as_json=json))


async def _show(kind: Kind | None, out: TextIO, *, as_json: bool) -> int:
    async with scene(kind) as made:
        found = made.jobs.confinement.sandbox
        if kind is not None and found.kind != kind:
            sys.stderr.write(fitted(f"agent: {printable(found.reason)}\n", sys.stderr))
            return _NOT_HERE
        if not as_json:
            out.write(fitted(f"{_head(found)}\n\n", out))
        held: dict[str, bool] = {}
        for probe in PROBES:
            held[probe.promise] = await probe.holds(made)
            if not as_json:
                holds = "holds        " if held[probe.promise] else "does not hold"
                out.write(fitted(f"{holds}  {probe.promise}\n", out))
                out.flush()
    if as_json:
        out.write(json.dumps({"sandbox": found.kind, "reason": found.reason, "promises": held}) + "\n")
    else:
        out.write(fitted(f"\n{_MEANING}\n" + ("" if found.complete else f"{_ADVICE}\n"), out))
    return _HOLDS if all(held.values()) else _BROKEN


def _head(found: Sandbox) -> str:
    version = f" (version {landlock.version()})" if found.kind == "landlock" else ""
    program = f" ({found.program[0]})" if found.kind == "bwrap" else ""
    why = f", because {found.reason}" if found.reason else ""
    return printable(f"sandbox: {_NAMES[found.kind]}{version}{program}{why}")

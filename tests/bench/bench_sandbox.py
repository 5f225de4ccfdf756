"""What a sandbox costs at the start of each command, and what an output of any length costs.

    python tests/bench/bench_sandbox.py

The unit is the time of `true` in a plain shell, run in the same way, so that the figures mean the same on any machine.
Planning is part of it: the policy is made anew for each command. Nothing is asserted here.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from roundtrip.agent.runtime.jobs import LocalJobs
from roundtrip.agent.runtime.sandbox.confinement import Confinement
from roundtrip.agent.runtime.sandbox.policy import Kind

RUNS = 31
KINDS: tuple[Kind, ...] = ("none", "bwrap", "landlock")
MEGABYTES = 500


async def seconds(jobs: LocalJobs, root: Path, command: str, runs: int) -> tuple[float, float]:
    """Median and least time of a command."""
    times = []
    for _ in range(runs + 1):
        begun = time.perf_counter()
        await jobs.run(command, cwd=root, seconds=600, output=lambda text: None)
        times.append(time.perf_counter() - begun)
    return statistics.median(times[1:]), min(times[1:])  # the first one looks for the sandbox


async def main() -> None:
    unit = 0.0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for kind in KINDS:
            jobs = LocalJobs(root, confinement=Confinement(root, mode="auto", kind=kind))
            if jobs.confinement.sandbox.kind != kind:
                print(f"{kind:10} {jobs.confinement.sandbox.reason}")
                continue
            median, least = await seconds(jobs, root, "true", RUNS)
            unit = unit or least
            more = f"{(median - unit) * 1000:5.1f} ms more than none" if kind != "none" else ""
            print(f"{kind:10} {median / unit:5.1f} × (least {least / unit:4.1f} ×)   {more}")
            await jobs.close()
        jobs = LocalJobs(root)
        median, _ = await seconds(jobs, root, f"yes | head -c {MEGABYTES}000000", 1)
        kept = sum(path.stat().st_size for path in jobs.confinement.scratch().rglob("*.out"))
        print(f"output     {MEGABYTES / median:.0f} MB/s taken, {kept / 2**20:.0f} MiB of {MEGABYTES} MB kept")
        await jobs.close()


if __name__ == "__main__":
    asyncio.run(main())

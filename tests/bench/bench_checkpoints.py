"""What checkpoints cost: the first look at a folder, and all that come later.

    python tests/bench/bench_checkpoints.py [FILES …]

Compared with what git itself needs to list what may have changed.
"""

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from roundtrip.agent.messages import Call, Effect
from roundtrip.agent.runtime.checkpoints.recorder import Checkpoints
from roundtrip.agent.tooling import Intent

REPEATS = 5


def fill(root: Path, files: int) -> None:
    """A tree of small source files."""
    source = random.Random(1)
    words = [f"{source.getrandbits(40):x}" for _ in range(3000)]
    for number in range(files):
        folder = root / f"d{number // 1000}" / f"e{number // 50 % 20}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"f{number}.py").write_text(" ".join(source.choices(words, k=source.randint(20, 400))))


async def best(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Seconds of the fastest of some runs."""
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        done = work()
        if asyncio.iscoroutine(done):
            await done
        found.append(time.perf_counter() - began)
    return min(found)


async def measure(files: int, folder: Path) -> None:
    root = folder / "project"
    root.mkdir()
    fill(root, files)
    checkpoints = Checkpoints(folder / "checkpoints", root, print)
    number = 0

    async def call(effect: Effect, name: str, change: bool = True) -> None:
        nonlocal number
        number += 1
        made = Call(0, "tool", "{}")
        intent = Intent(effect, (root / name,), "make" if effect == "runs" else "")
        await checkpoints.before(made, intent, lambda text: None)
        if change:
            (root / name).write_text(f"{number}")
        await checkpoints.after(made, intent)

    def plain_git() -> None:
        inner = {"GIT_DIR": str(next((folder / "checkpoints").iterdir())), "GIT_WORK_TREE": str(root)}
        for words in (["diff-files", "--name-only"], ["ls-files", "-o", "--directory", "--exclude-standard"]):
            subprocess.run(["git", *words], cwd=root, env=os.environ | inner, capture_output=True, check=True)

    edit_first = await best(lambda: call("edits", "d0/e0/f0.py"), 1)
    first = await best(lambda: call("runs", "d0/e0/f1.py", change=False), 1)
    git = await best(plain_git)
    rows = {
        "first edit": edit_first,
        "first command": first,
        "edit": await best(lambda: call("edits", "d0/e0/f2.py")),
        "command that changes nothing": await best(lambda: call("runs", "d0/e0/f3.py", change=False)),
        "command that changes a file": await best(lambda: call("runs", "d0/e0/f3.py")),
        "undo": await best(checkpoints.undo),
        "redo": await best(checkpoints.redo),
        "diff": await best(checkpoints.diff),
        "list": await best(checkpoints.overview),
    }
    print(f"{files} files; git alone, two looks one after the other: {git * 1000:.0f} ms")
    for name, seconds in rows.items():
        print(f"  {name:30} {seconds * 1000:8.0f} ms  {seconds / git:6.1f} × git")


if __name__ == "__main__":
    for size in [int(word) for word in sys.argv[1:]] or [5000, 50000]:
        with tempfile.TemporaryDirectory() as scratch:
            asyncio.run(measure(size, Path(scratch)))

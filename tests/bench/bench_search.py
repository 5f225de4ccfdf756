"""How long listing and searching take on a tree of 50,000 files, beside rg and git run alone.

python tests/bench/bench_search.py [FILES]
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.tools.finding import git_files, ripgrep
from roundtrip.tools.finding.engines import PYTHON, Engine
from roundtrip.tools.list_files import ListFiles
from roundtrip.tools.search_files import SearchFiles

ROUNDS = 10
FILES = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
LINE = "def function_{n}(argument, other=None): return argument.method(other) + {n}\n"
RG, GIT = Engine("rg", ripgrep.find(Path("/nonexistent"))), Engine("git", git_files.find(Path("/nonexistent")))


def build(root: Path) -> None:
    """Sources in folders of 40 files, of which three in ten are ignored."""
    subprocess.run(["git", "init", "-q", root], check=True)
    (root / ".gitignore").write_text("node_modules/\n*.log\n/build/\n")
    for number in range(FILES):
        top = ("node_modules", "build", "node_modules")[number % 10] if number % 10 < 3 else f"src{number % 10}"
        folder = root / top / f"part{number // 4000}" / f"module{number // 400}"
        folder.mkdir(parents=True, exist_ok=True)
        text = "".join(LINE.format(n=number + line) for line in range(20))
        (folder / f"file{number}.py").write_text(text + "rare_needle()\n" * (number % 9000 == 8))
    settings = ("user.name=a", "user.email=a@b", "gc.auto=0")  # a gc in the background would take one of the cores
    for command in (["add", "."], ["commit", "-qm", "one"]):
        given = (argument for each in settings for argument in ("-c", each))
        subprocess.run(["git", *given, *command], cwd=root, check=True)
    os.sync()


def best(runs: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The shortest time of each, in seconds. They take turns, so that a busy machine slows all of them down."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            begun = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - begun)
    return {name: min(each) for name, each in times.items()}


def alone(root: Path, *command: str) -> Callable[[], object]:
    return lambda: subprocess.run(command, cwd=root, stdout=subprocess.DEVNULL, check=True)


def compare(title: str, tool: type[ListFiles | SearchFiles], arguments: dict[str, Any], base: dict[str, Any]) -> None:
    """base: what the programs do alone, by their names."""
    workspace = LocalWorkspace(Path.cwd())
    with asyncio.Runner() as loop:
        made = {engine.name: tool(workspace, (engine,)) for engine in (RG, GIT, PYTHON)}
        ours = {
            f"ours with {name}": partial(lambda one: loop.run(one.run(arguments, lambda text: None)), each)
            for name, each in made.items()
        }
        took = best({**base, **ours})
    print(f"{title}: " + ", ".join(f"{name} alone {took[name] * 1000:.0f} ms" for name in base))
    for name in ours:
        ratios = ", ".join(f"{took[name] / took[other]:.2f}× {other}" for other in base)
        print(f"  {name:16} {took[name] * 1000:6.0f} ms  {ratios}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build(root)
        os.chdir(root)
        rg = (RG.program, "--hidden", "--glob=!.git")
        listing = {
            "rg": alone(root, *rg, "--files"),
            "git": alone(root, "git", "ls-files", "-co", "--exclude-standard", "-z"),
        }
        compare("list", ListFiles, {"recursive": True}, listing)
        for regex in ("rare_needle", r"rare_\w+\(\)", r"(?i)RARE_needle\b", "def"):
            searching = {
                "rg": alone(root, *rg, "-n", "-e", regex),
                "git": alone(root, "git", "grep", "--untracked", "-n", "-P", "-e", regex),
            }
            compare(regex, SearchFiles, {"regex": regex}, searching)


if __name__ == "__main__":
    main()

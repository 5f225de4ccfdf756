"""How long listing and searching take on a tree of 50,000 files, beside rg and git run alone.

python tests/bench/bench_search.py [FILES]
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.tools.finding import git_files, ripgrep
from roundtrip.tools.finding.engines import PYTHON, Engine
from roundtrip.tools.list_files import ListFiles
from roundtrip.tools.search_files import SearchFiles

ROUNDS = 5
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
    for command in (["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "one"]):
        subprocess.run(["git", *command], cwd=root, check=True)


def best(run: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return min(times)


def alone(root: Path, *command: str) -> Callable[[], object]:
    return lambda: subprocess.run(command, cwd=root, stdout=subprocess.DEVNULL, check=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build(root)
        workspace = LocalWorkspace(root)
        rg = (RG.program, "--hidden", "--glob=!.git")
        listing = {
            "rg": best(alone(root, *rg, "--files")),
            "git": best(alone(root, "git", "ls-files", "-co", "--exclude-standard", "-z")),
        }
        tables = [("list", ListFiles, {"recursive": True}, listing)]
        for regex in ("rare_needle", r"rare_\w+\(\)", r"(?i)RARE_needle\b", "def"):
            search = {
                "rg": best(alone(root, *rg, "-n", "-e", regex)),
                "git": best(alone(root, "git", "grep", "--untracked", "-n", "-P", "-e", regex)),
            }
            tables.append((regex, SearchFiles, {"regex": regex}, search))
        for title, tool, arguments, base in tables:
            print(f"{title}: " + ", ".join(f"{name} alone {seconds * 1000:.0f} ms" for name, seconds in base.items()))
            for engine in (RG, GIT, PYTHON):
                made = tool(workspace, (engine,))
                seconds = best(lambda: asyncio.run(made.run(arguments, lambda text: None)))  # noqa: B023
                ratios = ", ".join(f"{seconds / each:.2f}× {name}" for name, each in base.items())
                print(f"  {engine.name:7} {seconds * 1000:6.0f} ms  {ratios}")


if __name__ == "__main__":
    main()

"""Passes everything that has to pass: ruff, mypy, and the tests, on this Python and on the newest that is supported.

    .venv/bin/python tests/check.py            all of it
    .venv/bin/python tests/check.py --every    on all supported Pythons that are found here
    .venv/bin/python tests/check.py --quick    on this one only

The steps run beside each other; each prints its output when it ends. This interpreter runs all the tests, the
others get an environment in .venvs/ and leave out what does not depend on the version (`wheel`, `llama`, `once`).
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SUPPORTED = ("3.11", "3.12", "3.13")
THIS = f"{sys.version_info.major}.{sys.version_info.minor}"
AT_ONCE = 4  # steps; the tests start processes of their own, and wait for them
NEWS = 10  # seconds between two lines of progress
BAR = "=" * 30
PROGRAMS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests").glob("test_*.py"))
GROUPS = {  # the slowest first, and before them all that is in none
    "leaks": ["tests/leaks"],
    "tools": ["tests/tools", "tests/wire", "tests/rules", "tests/commands"],
    "terminals": ["tests/frontends/terminal/test_session.py"],
    "programs": PROGRAMS,
    "llama": ["tests/llama"],
}
PYTEST = ["-u", "-P", "-m", "pytest"]  # unbuffered for the progress; -P keeps a bare `import tools` from working
INSTALLING = threading.Lock()  # two editable installs at a time would write the same metadata
STOPPING = threading.Event()


@dataclass
class Step:
    """A few commands in a row, the last of which is what the step is about."""

    name: str
    commands: list[list[str]]
    output: list[str] = field(default_factory=list)
    code: int | None = None
    started: float = 0.0
    seconds: float = 0.0
    process: subprocess.Popen[bytes] | None = None

    def run(self) -> Step:
        self.started = time.monotonic()
        for command in self.commands:
            with INSTALLING if "pip" in command else nullcontext():
                if self.code or STOPPING.is_set():
                    break
                self.code = self._run(command)
        self.seconds = time.monotonic() - self.started
        return self

    def _run(self, command: list[str]) -> int:
        self.output.append(f"$ {shlex.join(command)}")
        pipe, same = subprocess.PIPE, subprocess.STDOUT
        with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=same, start_new_session=True) as self.process:
            assert self.process.stdout is not None
            for line in self.process.stdout:
                self.output.append(line.decode(errors="replace").rstrip())
        return self.process.returncode

    def signal(self, kind: signal.Signals) -> None:
        """To the running command and all that it started."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, kind)

    @property
    def result(self) -> str:
        """The tools' own last word: `All checks passed!`, `2 failed, 512 passed in 41.20s`."""
        return self.output[-1].strip("= ")

    @property
    def progress(self) -> str:
        percent = re.search(r"\[ *(\d+%)\]$", "".join(self.output[-1:]))
        return f"{self.name} {percent.group(1)}" if percent else self.name


def find(version: str) -> Path | None:
    """A Python of that version that really runs and can make environments: shims often do not."""
    places = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep) if folder]
    places += sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin"), reverse=True)
    places += [Path("/usr/bin"), Path("/usr/local/bin")]
    probe = "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])"
    for python in (place / f"python{version}" for place in places):
        if os.access(python, os.X_OK):
            ended = subprocess.run([python, "-c", probe], capture_output=True, text=True, check=False)
            if ended.returncode == 0 and ended.stdout.strip() == version:
                return python
    return None


def tests_here() -> list[Step]:
    python = sys.executable
    others = [f"--ignore={path}" for paths in GROUPS.values() for path in paths]
    steps = {"all others": others, **GROUPS}
    return [
        *(Step(name, [[python, *PYTEST, *words]]) for name, words in steps.items()),
        Step("mypy", [[python, "-m", "mypy"]]),
        Step("ruff", [[python, "-m", "ruff", "check"]]),
    ]


def tests_on(version: str, python: Path) -> Step:
    home = ROOT / ".venvs" / version
    own = str(home / "bin" / "python")
    works = Path(own).exists() and subprocess.run([own, "-c", "import pip"], check=False).returncode == 0
    install = [own, "-m", "pip", "install", "-qq", "--no-compile", "-e", ".[unit]"]
    tests = [own, *PYTEST, "-p", "no:cacheprovider", "-m", "not wheel and not llama and not once"]
    make = [] if works else [[str(python), "-m", "venv", "--clear", str(home)]]
    return Step(f"pytest {version}", [*make, install, tests])


def report_progress(steps: list[Step], begun: float, over: threading.Event) -> None:
    while not over.wait(NEWS):
        running = ", ".join(step.progress for step in steps if step.started and not step.seconds)
        print(f"{time.monotonic() - begun:4.0f} s  running: {running}", flush=True)


def run_all(steps: list[Step]) -> None:
    over = threading.Event()
    threading.Thread(target=report_progress, args=(steps, time.monotonic(), over), daemon=True).start()
    pool = ThreadPoolExecutor(AT_ONCE)
    runs = [pool.submit(step.run) for step in steps]
    try:
        for ended in as_completed(runs):
            step = ended.result()
            print(f"\n{BAR} {step.name} {BAR}", *step.output, "", sep="\n", flush=True)
    except KeyboardInterrupt:
        STOPPING.set()
        pool.shutdown(wait=False, cancel_futures=True)
        for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            for step in steps:
                step.signal(kind)
            if not wait(runs, timeout=5).not_done:
                break
        sys.exit("\ninterrupted")
    finally:
        over.set()


def summarize(steps: list[Step], missing: list[str]) -> int:
    print(f"{BAR} summary {BAR}")
    for step in steps:
        print(f"{'failed' if step.code else 'ok':6}  {step.name:11}  {step.seconds:5.0f} s  {step.result}")
    if missing:
        print(f"not run: Python {', '.join(missing)}, not found here")
    failed = [step.name for step in steps if step.code]
    print(f"FAILED: {', '.join(failed)}" if failed else "All passed.")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quick", action="store_true", help="on this interpreter only")
    which.add_argument("--every", action="store_true", help="on all supported interpreters, not this and the newest")
    wanted = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes would compile everything anew
    versions = () if wanted.quick else SUPPORTED if wanted.every else SUPPORTED[-1:]
    others = [version for version in versions if version != THIS]
    pythons = {version: find(version) for version in others}
    steps = [tests_on(version, python) for version, python in pythons.items() if python] + tests_here()
    missing = [version for version, python in pythons.items() if python is None]
    print("Running", ", ".join(step.name for step in steps), flush=True)
    run_all(steps)
    return summarize(steps, missing)


if __name__ == "__main__":
    sys.exit(main())

"""What tests want to know of processes that they did not start themselves, and how they hold them up."""

import os
import time
from pathlib import Path


def is_alive(pid: int) -> bool:
    """A zombie that nobody has waited for is dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not Path("/proc/self").exists()


def dies(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(pid)


def written(file: Path) -> int:
    """The number that a process writes into a file once it is there."""
    deadline = time.monotonic() + 30
    while not (file.exists() and file.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return int(file.read_text())


class SlowSDK:
    """An `openai` that takes long to import, as on a slow disk, for programs that start with `folder` as PYTHONPATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._begun, self._gate = folder / "begun", folder / "gate"
        folder.mkdir()
        (folder / "openai.py").write_text(
            f"import importlib, pathlib, sys, time\n"
            f"pathlib.Path({str(self._begun)!r}).touch()\n"
            f"while not pathlib.Path({str(self._gate)!r}).exists(): time.sleep(0.02)\n"
            f"sys.path.remove({str(folder)!r})\n"
            f"del sys.modules['openai']\n"
            f"importlib.import_module('openai')\n"
        )

    def wait(self) -> None:
        """Until it is being imported."""
        deadline = time.monotonic() + 30
        while not self._begun.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert self._begun.exists()

    def release(self) -> None:
        self._gate.touch()

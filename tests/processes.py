"""What tests want to know of processes that they did not start themselves."""

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

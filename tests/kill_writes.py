"""Kills a process while it replaces a file, again and again: python tests/kill_writes.py [TIMES] [SEED]

Each time a child writes the texts 0, 1, 2, … over each other and reports each that is done; it is killed at a random
moment. Then the file must hold the last text that was reported or the one after it, whole. Printed at the end: how
often it was which, and the temporary files that were left behind before and after the next write.
"""

import os
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from signal import SIGKILL
from tempfile import TemporaryDirectory

from roundtrip.agent.runtime.workspace import LocalWorkspace

SIZE = 300_000


def content(number: int) -> bytes:
    return b"%09d\n" % number * (SIZE // 10)


def write_on(folder: Path, number: int, report: int) -> None:
    """In the child: until it is killed."""
    workspace = LocalWorkspace(folder)
    while True:
        workspace.replace(folder / "file", content(number))
        os.write(report, b"%09d\n" % number)
        number += 1


def killed(folder: Path, first: int, seconds: float) -> tuple[int, int]:
    """The number of the last text that was reported, and of the one that the file holds."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        write_on(folder, first, writing)
    os.close(writing)
    time.sleep(seconds)
    os.kill(child, SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as reports:
        last = int((reports.read().split(b"\n")[:-1] or [b"%d" % (first - 1)])[-1])
    data = (folder / "file").read_bytes()
    number = int(data[:9])
    assert data == content(number), "the file is neither the old nor the new one"
    return last, number


def leftovers(folder: Path) -> int:
    return sum(name.endswith(".tmp") for name in os.listdir(folder))


def main(times: int, seed: int) -> None:
    random = Random(seed)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        workspace = LocalWorkspace(folder)
        workspace.replace(folder / "file", content(0))
        ends: Counter[str] = Counter()
        number = 0
        for _ in range(times):
            last, found = killed(folder, number + 1, random.uniform(0.0, 0.03))
            assert found in (last, last + 1), f"{last} was written, and {found} is there"
            ends["old" if found == last else "new"] += 1
            number = found
        left = leftovers(folder)
        LocalWorkspace(folder).replace(folder / "file", b"")
        assert os.listdir(folder) == ["file"]
        print(
            f"{times} times killed: {ends['old']} old, {ends['new']} new, {left} leftovers, all swept; {number} writes"
        )


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*(given + [200, 1][len(given) :]))

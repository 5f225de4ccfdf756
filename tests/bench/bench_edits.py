"""How long edits of a file take: python tests/bench/bench_edits.py [MEGABYTES]

The file is Python source from the standard library. Printed: milliseconds of planning (pure) for each way an edit can
end, and of a whole call of `edit_file`, which writes through to the disk, as a multiple of writing the file so alone.
"""

import asyncio
import sys
import sysconfig
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.tools.edit_file import EditFile
from roundtrip.tools.editing.documents import documents
from roundtrip.tools.editing.planning import Edit, draft
from roundtrip.tools.read_file import ReadFile

TIMES = 9


def source(size: int) -> str:
    """Lines of the standard library, each made different by its number, so that a text is there once."""
    lines: list[str] = []
    total = 0
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")) * 9:
        for line in path.read_text("utf-8", "replace").splitlines():
            lines.append(f"{line}  # {len(lines)}" if line.strip() else "")
            total += len(lines[-1]) + 1
            if total > size:
                return "\n".join(lines) + "\n"
    return "\n".join(lines) + "\n"


def milliseconds(run: Callable[[], object]) -> float:
    times = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return median(times) * 1000


def planned(kind: str, data: bytes, cases: dict[str, str]) -> None:
    lines = data.count(b"\n")
    print(f"{len(data) / 1024 / 1024:.1f} MB, {lines} lines, {kind}")
    print(f"  {milliseconds(lambda: documents(data)):8.1f} ms  reading it")
    for name, wanted in cases.items():
        edits = [Edit(wanted, wanted + " ")]
        print(f"  {milliseconds(partial(draft, documents(data), edits)):8.1f} ms  planning an edit: {name}")


def main(megabytes: float) -> None:
    text = source(int(megabytes * 1024 * 1024))
    lines = text.split("\n")
    middle = len(lines) // 2
    old = "\n".join(lines[middle : middle + 12])
    cases = {
        "exact": old,
        "with line numbers": "\n".join(f"{n}|{line}" for n, line in enumerate(old.split("\n"), middle + 1)),
        "with trailing blanks": old.replace("\n", "  \n") + " ",
        "indented": "\n".join("    " + line for line in old.split("\n")),
        "escaped": old.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"),
        "not there": old[: len(old) // 2] + "something else" + old[len(old) // 2 + 3 :],
        "nothing like it": "\n".join(f"entirely different {n}" for n in range(12)),
    }
    planned("LF", text.encode(), cases)
    planned("CRLF", text.replace("\n", "\r\n").encode(), cases)
    with TemporaryDirectory() as folder, asyncio.Runner() as runner:
        workspace = LocalWorkspace(Path(folder))
        path = workspace.root / "a.py"
        path.write_bytes(text.encode())
        edit, numbers = EditFile(workspace), iter(range(1_000_000))
        runner.run(ReadFile(workspace).run({"path": "a.py", "limit": 1}, lambda text: None))
        written = milliseconds(lambda: workspace.replace(path, text.encode()))

        def call() -> None:
            number = next(numbers)
            before = old if not number else f"# edit {number - 1}"
            arguments = {"path": "a.py", "old_string": before, "new_string": f"# edit {number}"}
            assert not runner.run(edit.run(arguments, lambda text: None)).failed

        took = milliseconds(call)
    print(f"{took:.1f} ms for a call of edit_file, {took / written:.1f} times writing the file")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)

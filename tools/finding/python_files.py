"""The engine that needs no other program: walks a tree as `ignore` says, and lists its files.

It runs as a program of its own, so that it can be stopped.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict

from roundtrip.tools.finding.ignore import AGENT, GIT, Hidden, Scope


def walk(scope: Scope) -> Iterator[str]:
    """The files below the scope's base that nothing hides, relative to it. Symbolic links are not followed."""
    hidden = Hidden(scope, GIT, AGENT)
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(os.path.join(scope.base, folder)) as entries:
                for entry in entries:
                    is_folder = entry.is_dir(follow_symlinks=False)
                    if entry.name == ".git" or not (is_folder or entry.is_file(follow_symlinks=False)):
                        continue
                    path = f"{folder}{entry.name}"
                    if hidden(path, folder=is_folder):
                        continue
                    if is_folder:
                        waiting.append(f"{path}/")
                    else:
                        yield path
        except OSError:
            continue  # what can't be read has no files to show


def fits(scope: Scope) -> bool:
    return True


def listing(program: str, scope: Scope) -> tuple[str, ...]:
    """-P: a folder's own modules must not be taken for Python's."""
    return (sys.executable, "-P", "-m", "roundtrip.tools.finding.python_files", json.dumps(asdict(scope)))


def searching(program: str, scope: Scope, patterns: tuple[str, ...]) -> tuple[str, ...]:
    return ()  # whoever searches is a Python already


def main() -> None:
    scope = Scope(**json.loads(sys.argv[1]))
    for path in walk(scope):
        sys.stdout.buffer.write(os.fsencode(path) + b"\0")


if __name__ == "__main__":
    main()

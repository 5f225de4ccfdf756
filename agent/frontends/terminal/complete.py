"""Completion of `@path` and `/command` in the input line."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from roundtrip.agent.frontends.terminal.commands import COMMANDS
from roundtrip.agent.programs import GIT_ENVIRONMENT, GIT_SETTINGS, program, without_git

if TYPE_CHECKING:
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document

_WORD: Final = re.compile(r"(?:^|(?<=\s))@(\S*)$")
_COMMAND: Final = re.compile(r"/[A-Za-z-]*")
_SHOWN: Final = 50
_FRESH: Final = 10.0
"""Seconds for which a listing of the files is used again."""

_MOST: Final = 100_000
_LISTING_SECONDS: Final = 5.0


def completes(text: str) -> bool:
    """Whether there is something to complete at the end of this text."""
    return bool(_COMMAND.fullmatch(text) or _WORD.search(text))


class Files:
    """The paths of a workspace that git does not ignore; outside of a repository, those that are not hidden."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._paths: list[str] = []
        self._listed = float("-inf")

    def matching(self, part: str) -> list[str]:
        """Paths in which the part occurs, those first whose name begins with it."""
        if time.monotonic() - self._listed > _FRESH:
            self._paths, self._listed = self._list(), time.monotonic()
        folded = part.casefold()
        found = [path for path in self._paths if folded in path.casefold()]
        return sorted(found, key=lambda path: _rank(path.casefold(), folded))[:_SHOWN]

    def _list(self) -> list[str]:
        git = program("git", self._root)  # nothing that the repository itself names may run
        command = [git, *GIT_SETTINGS, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        environment = {**without_git(os.environ), **GIT_ENVIRONMENT}
        if not git:
            return list(self._walk())
        try:
            ended = subprocess.run(
                command,
                cwd=self._root,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_LISTING_SECONDS,
            )
        except (OSError, subprocess.SubprocessError):
            return list(self._walk())
        if ended.returncode:
            return list(self._walk())
        return sorted(set(filter(None, ended.stdout.decode("utf-8", "replace").split("\0"))))[:_MOST]

    def _walk(self) -> Iterator[str]:
        end, number = time.monotonic() + _LISTING_SECONDS, 0
        for folder, folders, files in os.walk(self._root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(files):
                if number >= _MOST or time.monotonic() > end:
                    return
                if not name.startswith("."):
                    number += 1
                    yield os.path.relpath(os.path.join(folder, name), self._root)


def _rank(path: str, part: str) -> tuple[bool, bool, int, str]:
    name = path.rpartition("/")[2]
    return (not name.startswith(part), not path.startswith(part), len(path), path)


def completer(root: Path) -> Completer:
    """The completer of the input line; it lists files in a thread."""
    from prompt_toolkit.completion import Completer, Completion, ThreadedCompleter

    files = Files(root)

    class Input(Completer):
        def get_completions(self, document: Document, event: CompleteEvent) -> Iterable[Completion]:
            text = document.text_before_cursor
            if _COMMAND.fullmatch(text):
                names = [name for name in COMMANDS if name.startswith(text[1:])]
                yield from (Completion(f"/{name}", -len(text), display_meta=COMMANDS[name].help) for name in names)
                return
            word = _WORD.search(text)
            if word:
                yield from (Completion(path, -len(word[1])) for path in files.matching(word[1]) if path.isprintable())

    return ThreadedCompleter(Input())

"""Takes files into the shadow repository.

Strategy. Compressing them takes most of the time. So where many are new, several git programs first store a part of
them each, in packs: a file for each of 50,000 objects would take long, too. Then one git takes all of them into the
index, and finds each stored. It reads the files anew, so what the index says never depends on the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from roundtrip.agent.runtime.checkpoints.progress import Progress, silent
from roundtrip.agent.runtime.checkpoints.shadow_git import ShadowGit

_TAKE: Final = ("update-index", "--add", "--remove", "--replace", "-z", "--stdin")

_BATCH: Final = 1000
MANY: Final = 500
_MUCH: Final = 16 * 1024 * 1024
"""Bytes."""

_PACK: Final = 5000
_HEAVY: Final = 32 * 1024 * 1024
"""Files, and bytes, that git takes at a time, each time into a pack; the work grows with the square of their number."""

_PACKS: Final = (2, 38)
"""The version of git that does so; older ones would make a pack for each file."""

_AT_ONCE: Final = max(1, min(4, os.cpu_count() or 1))


def take(git: ShadowGit, files: Mapping[str, int], progress: Progress, *, new: bool) -> None:
    """Brings files of these sizes into the index. new: their contents may be stored nowhere yet."""
    if new and (len(files) > MANY or sum(files.values()) > _MUCH) and git.version >= _PACKS:
        _store(git, files, progress)
        progress = silent
    git.run(*_TAKE, feed=feed(sorted(files), progress))


def _store(git: ShadowGit, files: Mapping[str, int], progress: Progress) -> None:
    parts = _parts(files)

    def store(number: int) -> int:
        index = git.folder / f"index.{number}"
        index.unlink(missing_ok=True)
        settings = ("core.bigFileThreshold=1", "pack.compression=1")
        git.run(*_TAKE, feed=feed(parts[number], silent), index=index, settings=settings)
        index.unlink(missing_ok=True)
        return len(parts[number])

    done = 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for count in pool.map(store, range(len(parts))):
            done += count
            progress(done, len(files))


def _parts(files: Mapping[str, int]) -> list[list[str]]:
    """The files for one git each, about as many as can be at work at once, or more."""
    most, heaviest = min(_PACK, -(-len(files) // _AT_ONCE)), min(_HEAVY, sum(files.values()) // _AT_ONCE)
    parts: list[list[str]] = [[]]
    weight = 0
    for path, size in sorted(files.items()):
        if parts[-1] and (len(parts[-1]) >= most or weight + size > heaviest):
            parts.append([])
            weight = 0
        parts[-1].append(path)
        weight += size
    return parts


def feed(paths: Sequence[str], progress: Progress) -> Iterator[bytes]:
    """These paths as git reads them."""
    for number in range(0, len(paths), _BATCH):
        yield b"".join(os.fsencode(path) + b"\0" for path in paths[number : number + _BATCH])
        progress(min(number + _BATCH, len(paths)), len(paths))

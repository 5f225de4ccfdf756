"""A network that consists of `localhost` only, shared by the commands of a session.

Each run of bubblewrap without network makes a network of its own, so that a command could not reach the server that
another one runs in the background. So one process, which does nothing, holds a network, and the others enter it. It
ends with its input, whose other end we hold: however we end, it does too.
Where that can't be done (no `nsenter`), each command is alone with its `localhost`.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from io import FileIO
from pathlib import Path

from roundtrip.agent.programs import program

_SECONDS = 10
_PIECE = 4096


class Localhost:
    """program: how bubblewrap is called, see `policy.find`. root: the workspace, from which no program is taken.

    Nothing is started before it is needed.
    """

    def __init__(self, program: Iterable[str], root: Path) -> None:
        self._program, self._root = tuple(program), root
        self._holder: subprocess.Popen[bytes] | None = None
        self._way: tuple[str, ...] = ()

    def way(self) -> tuple[str, ...]:
        """What goes before a command line to run it in this network; nothing if it can't be had."""
        if self._holder is None or self._holder.poll() is not None:
            self.close()
            with suppress(OSError, ValueError, KeyError, subprocess.SubprocessError):
                self._way = self._opened()
        return self._way

    def close(self) -> None:
        self._way = ()
        if self._holder is not None:
            with suppress(subprocess.TimeoutExpired):
                self._holder.communicate(timeout=_SECONDS)
            self._holder.kill()
            self._holder.wait()
            self._holder = None

    def _opened(self) -> tuple[str, ...]:
        enter, holder, tried = (program(name, self._root) for name in ("nsenter", "cat", "true"))
        if not (enter and holder and tried):
            return ()
        ours, theirs = os.pipe()
        line = [*self._program, "--unshare-net", "--ro-bind", "/", "/", "--die-with-parent", "--info-fd", str(theirs)]
        with open(ours, "rb", buffering=0) as said:
            try:
                self._holder = subprocess.Popen(
                    [*line, "--", holder],
                    pass_fds=[theirs],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            finally:
                os.close(theirs)
            child = int(json.loads(_told(said))["child-pid"])
        users = (f"--user=/proc/{child}/ns/user", "--preserve-credentials")
        way = (enter, f"--net=/proc/{child}/ns/net", *(users if "--unshare-user" in self._program else ()), "--")
        subprocess.run([*way, tried], check=True, timeout=_SECONDS, capture_output=True)
        return way


def _told(pipe: FileIO) -> bytes:
    """What comes until the other end is closed, which is when the network is there. Raises TimeoutError."""
    said, until, ready = b"", time.monotonic() + _SECONDS, select.poll()
    ready.register(pipe, select.POLLIN)
    while ready.poll(max(until - time.monotonic(), 0) * 1000):
        piece = pipe.read(_PIECE)
        if not piece:
            return said
        said += piece
    raise TimeoutError

"""Terminals for tests: the real program on a pseudo-terminal, read back by pyte, or in tmux, which also reflows."""

import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyte
from zygote import zygote

PATIENCE = float(os.environ.get("PATIENCE", "30"))
"""Seconds until something that must come counts as missing."""

ENTER, ESC, CTRL_C, CTRL_D = "\r", "\x1b", "\x03", "\x04"


def environment(home: Path, **more: str) -> dict[str, str]:
    """What the program is started with: nothing of ours but the path."""
    return {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "linux", **more}


class Terminal:
    """The program on a terminal of its own. pyte cuts lines off when it gets narrower, as `linux` does."""

    def __init__(
        self, *words: str, cwd: Path, env: Mapping[str, str], columns: int = 80, rows: int = 24, cold: bool = False
    ) -> None:
        self.screen = pyte.HistoryScreen(columns, rows, history=100_000, ratio=1e-9)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self._pty, own = pty.openpty()
        self._size(own, columns, rows)
        self._child = zygote().start(words, cwd, env, (own, own, own), terminal=True, cold=cold)
        self.process = self._child.pid
        os.close(own)
        self.code: int | None = None

    def _size(self, descriptor: int, columns: int, rows: int) -> None:
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns: int) -> None:
        self.screen.resize(columns=columns)
        self._size(self._pty, columns, self.screen.lines)

    def send(self, text: str) -> None:
        data = text.encode()
        while data:
            self.read(0)
            data = data[os.write(self._pty, data[:1024]) :]

    def say(self, text: str) -> None:
        """Types a line. It stands there before Enter comes, so that it is no paste."""
        self.send(text)
        self.send(ENTER)

    def read(self, seconds: float) -> bool:
        """Takes what the program writes within that time, and returns as soon as there was something."""
        if not select.select([self._pty], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._pty, 65536)
        except OSError:  # it has ended
            data = b""
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    @property
    def shown(self) -> str:
        """What is on the screen."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    @property
    def text(self) -> str:
        """All that was printed: the scrollback and the screen."""
        top = ("".join(line[x].data for x in range(max(line, default=-1) + 1)) for line in self.screen.history.top)
        return "\n".join([*(line.rstrip() for line in top), self.shown])

    def wait(self, until: str | Callable[[], Any], seconds: float = PATIENCE) -> None:
        """Until something is on the screen, or holds."""
        holds = (lambda: until in self.shown) if isinstance(until, str) else until
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise AssertionError(f"waited in vain for {until!r}; the screen:\n{self.shown}")
            self.read(0.05)

    def settle(self, seconds: float = 0.5) -> None:
        """For a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read(left)

    def wait_end(self) -> int:
        """Until the program has ended. Returns its exit code."""
        end = time.monotonic() + PATIENCE
        while self.code is None:
            self.read(0.05)
            status = self._child.status(wait=False)
            if status is not None:
                self.code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > end:
                raise AssertionError(f"it did not end; the screen:\n{self.shown}")
        while self.read(0.05):
            pass
        return self.code

    def hang_up(self) -> None:
        """Closes the terminal under the program."""
        os.close(self._pty)
        self._pty = os.open(os.devnull, os.O_RDWR)

    def close(self) -> None:
        if self.code is None:
            with suppress(ProcessLookupError):
                os.kill(self.process, signal.SIGKILL)
            self._child.status(wait=True)
        os.close(self._pty)


@contextmanager
def terminal(*words: str, **options: Any) -> Iterator[Terminal]:
    """A terminal, and the end of what runs in it."""
    running = Terminal(*words, **options)
    try:
        yield running
    finally:
        running.close()


class Tmux:
    """The program in tmux, with a server of its own."""

    def __init__(self, *words: str, cwd: Path, env: Mapping[str, str], columns: int, rows: int = 40) -> None:
        self._socket = str(cwd / "tmux")
        (cwd / "tmux.conf").write_text("set -g history-limit 100000\nset -g escape-time 10\n", encoding="utf-8")
        command = ["env", "-i", *(f"{key}={value}" for key, value in env.items()), "TMUX=1", "TERM=tmux-256color"]
        command += [sys.executable, "-m", "roundtrip.agent", *words]
        self._tmux(
            "-f",
            str(cwd / "tmux.conf"),
            "new-session",
            "-d",
            "-x",
            str(columns),
            "-y",
            str(rows),
            "-c",
            str(cwd),
            *command,
        )

    def _tmux(self, *words: str) -> str:
        return subprocess.run(
            ["tmux", "-S", self._socket, *words], capture_output=True, text=True, check=True, encoding="utf-8"
        ).stdout

    def resize(self, columns: int) -> None:
        self._tmux("resize-window", "-x", str(columns))

    def say(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)
        self._tmux("send-keys", "Enter")

    @property
    def shown(self) -> str:
        return self._tmux("capture-pane", "-p").rstrip()

    @property
    def text(self) -> str:
        """All that was printed, with lines that tmux wrapped in one."""
        return self._tmux("capture-pane", "-p", "-J", "-S", "-").rstrip()

    def wait(self, until: str | Callable[[], Any]) -> None:
        """Until something is on the screen, or holds."""
        holds = (lambda: until in self.shown) if isinstance(until, str) else until
        end = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > end:
                raise AssertionError(f"waited in vain for {until!r}; the screen:\n{self.shown}")
            time.sleep(0.05)

    def close(self) -> None:
        with suppress(subprocess.CalledProcessError):
            self._tmux("kill-server")


TMUX = shutil.which("tmux") is not None


@contextmanager
def tmux(*words: str, **options: Any) -> Iterator[Tmux]:
    """A program in tmux, and its end."""
    running = Tmux(*words, **options)
    try:
        yield running
    finally:
        running.close()

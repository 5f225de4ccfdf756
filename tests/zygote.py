"""Starts the program over and over without its imports: what is imported here once is forked.

The imports would be most of what the tests do. What is forked has all that a fresh process has: standard streams, a
folder and an environment of its own, signals that nobody ignores, a session or a terminal if it is to have one, and an
end with everything that Python does then. What `python -m` and the imports themselves do is tested with processes
that start cold: test_wheel.py, the tmux of terminal.py, and whoever asks for it.

The way of an order: JSON and descriptors come through a socket. A keeper is forked, which forks the program. The
program says which process it is, and the keeper, when it has waited for it, how it ended.
"""

from __future__ import annotations

import atexit
import fcntl
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

MODULES = (
    *("roundtrip.agent.commands.oneshot", "roundtrip.agent.commands.interactive", "roundtrip.agent.runtime.sdk"),
    *("openai.resources.chat", "httpcore2", "fastjsonschema", "json_repair", "tree_sitter_bash", "pydantic"),
    *("rich.markdown", "rich.table", "rich.syntax", "prompt_toolkit.shortcuts", "prompt_toolkit.eventloop"),
)


class Child:
    """A program that was forked. pid: its process id.

    end: where it and its keeper tell of it.
    """

    def __init__(self, end: int) -> None:
        self._end = end
        self._told = b""
        self._status: int | None = None
        self._listen()
        self.pid = int(self._told.split(b"\n")[0])

    def status(self, wait: bool) -> int | None:
        """As `os.waitpid` gives it; None if it has not ended."""
        while self._status is None:
            if self._told.count(b"\n") == 2:
                self._status = int(self._told.split()[1])
                os.close(self._end)
            elif wait or select.select([self._end], [], [], 0)[0]:
                self._listen()
            else:
                return None
        return self._status

    def _listen(self) -> None:
        """Until a whole line is there."""
        while True:
            told = os.read(self._end, 100)
            if not told:
                raise RuntimeError("nobody keeps the program: see what the zygote wrote to stderr")
            self._told += told
            if told.endswith(b"\n"):
                return


class Zygote:
    """The process that forks."""

    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
            )  # fmt: skip

    def start(
        self, words: Sequence[str], cwd: Path, env: Mapping[str, str], streams: Sequence[int],
        *, umask: int = -1, session: bool = False, terminal: bool = False, cold: bool = False,
    ) -> Child:  # fmt: skip
        """streams: three descriptors. terminal: they are one, and it is to be the program's. cold: with its imports."""
        if not cold and any(name.startswith(("PYTHON", "LC_", "TZ")) for name in env):
            raise ValueError("what Python reads when it starts needs a cold start")
        end, theirs = os.pipe()
        order = {"words": words, "cwd": str(cwd), "env": dict(env), "umask": umask, "cold": cold}
        order |= {"session": session or terminal, "terminal": terminal}
        data = json.dumps(order).encode() + b"\n"
        sent = socket.send_fds(self._orders, [data], [*streams, theirs])
        self._orders.sendall(data[sent:])
        os.close(theirs)
        return Child(end)

    def close(self) -> None:
        self._orders.close()
        self._process.wait()


@cache
def zygote() -> Zygote:
    """The one of these tests."""
    made = Zygote()
    atexit.register(made.close)
    return made


class Program(subprocess.Popen[Any]):
    """`subprocess.Popen`, but the program is forked. Takes its words, and those options that are named here.

    What is overridden is private to Popen: where it starts a process, and where it waits for it.
    """

    def __init__(
        self, words: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdin: Any = None, stdout: Any = None,
        stderr: Any = None, text: bool = False, encoding: str | None = None, umask: int = -1,
        start_new_session: bool = False,
    ) -> None:  # fmt: skip
        self._order = {"words": words, "cwd": cwd, "env": env, "umask": umask, "session": start_new_session}
        super().__init__(words, stdin=stdin, stdout=stdout, stderr=stderr, text=text, encoding=encoding)

    def _execute_child(
        self, args: Any, executable: Any, preexec_fn: Any, close_fds: Any, pass_fds: Any, cwd: Any, env: Any,
        startupinfo: Any, creationflags: Any, shell: Any, stdin: int, to_stdin: int, from_stdout: int, stdout: int,
        from_stderr: int, stderr: int, *rest: Any,
    ) -> None:  # fmt: skip
        streams = [given if given >= 0 else number for number, given in enumerate((stdin, stdout, stderr))]
        self._child = zygote().start(streams=streams, **self._order)
        self.pid, self._child_created = self._child.pid, True
        self._close_pipe_fds(stdin, to_stdin, from_stdout, stdout, from_stderr, stderr)

    def _try_wait(self, flags: int) -> tuple[int, int]:
        status = self._child.status(wait=not flags & os.WNOHANG)
        return (0, 0) if status is None else (self.pid, status)

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        if self.returncode is None and (status := self._child.status(wait=False)) is not None:
            self._handle_exitstatus(status)
        return self.returncode


def run(words: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
    """`subprocess.run` of the program, for its output and without input."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with Program(words, encoding="utf-8", **streams, **options) as program:
        out, err = program.communicate(timeout=60)
    return subprocess.CompletedProcess(words, program.returncode, out, err)


def serve(orders: socket.socket) -> list[str]:
    """Forks until there are no more orders. Comes back in the program alone, with its words."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the tests' own
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for keepers
    while True:
        data, descriptors, _, _ = socket.recv_fds(orders, 1 << 20, 4)
        while data and not data.endswith(b"\n"):
            data += orders.recv(1 << 20)
        if not data:
            sys.exit()
        if os.fork() == 0:
            orders.close()
            return keep(json.loads(data), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def keep(order: dict[str, Any], *descriptors: int) -> list[str]:
    """Forks the program and tells of it. Comes back in the program alone."""
    *streams, end = descriptors
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    program = os.fork()
    if program:
        for stream in streams:
            os.close(stream)
        os.write(end, b"%d\n" % os.waitpid(program, 0)[1])
        os._exit(0)
    become(order, streams, end)
    words: list[str] = order["words"]
    if order["cold"]:
        os.execv(sys.executable, [sys.executable, "-m", "roundtrip.agent", *words])
    return words


def become(order: dict[str, Any], streams: Sequence[int], end: int) -> None:
    """Takes on what the program starts with, and tells its process id when nobody could see a difference."""
    if order["session"]:
        os.setsid()
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
    if order["terminal"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(order["cwd"])
    if order["umask"] >= 0:
        os.umask(order["umask"])
    os.environ.clear()
    os.environ.update(order["env"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.write(end, b"%d\n" % os.getpid())
    os.closerange(3, 256)
    text = {"encoding": "utf-8", "errors": "surrogateescape", "newline": "\n"}
    sys.stdin = sys.__stdin__ = os.fdopen(0, **text)
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", buffering=1 if os.isatty(1) else -1, **text)
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", buffering=1, **text | {"errors": "backslashreplace"})


if __name__ == "__main__":
    import_module("roundtrip.agent.runtime.sdk").load()
    for module in MODULES:
        import_module(module)
    main = import_module("roundtrip.agent.cli").main
    gc.collect()
    gc.freeze()
    sys.argv[1:] = serve(socket.socket(fileno=int(sys.argv[1])))
    sys.exit(main())

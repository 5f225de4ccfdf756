"""Runs one command with fewer rights, where there is no bubblewrap: a program of its own, not a part of ours.

    python -I -S -E landlock.py [--network] [--report FILE] [--writable PATH] [--hidden PATH] … -- COMMAND [ARGUMENT …]

Strategy. Two processes. The lower one gives up its rights and becomes the command; the upper one keeps its own, is
the reaper of everything below (also of what made itself independent with `setsid` or two forks), and ends all of it
when the command ends, when it gets SIGTERM, or when the agent dies.
Rules:
1. Files: Landlock allows what lies below given paths, and knows no exceptions. So `writable` is what may be written;
   for `hidden`, everything that lies beside the way to it may be read. In what is writable nothing can be protected.
2. Network: a seccomp filter lets programs make no sockets but local ones, whatever Landlock can do on this kernel.
3. What the kernel can't do (an old version of Landlock, an unknown processor) is left out here; the agent's probes
   find it. What it refuses to do although it can ends the command before it begins, with code 126.
Nothing here is imported from the agent, and little at all: this runs before each command.
"""

from __future__ import annotations

import ctypes
import errno
import itertools
import os
import sys
import time

TYPE_CHECKING = False  # as `typing` has it, without importing it
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType
    from typing import Any, Final, NoReturn

REFUSED: Final = 126
_GRACE: Final = 0.7
"""Seconds that a command has after SIGTERM; less than the agent waits before it kills us."""

_JUST_ENDING: Final = 0.1
"""Seconds after which what still runs counts as left running."""

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on all processors
_SET_PDEATHSIG, _SET_SECCOMP, _DROP_CAPABILITY, _SET_CHILD_SUBREAPER, _SET_NO_NEW_PRIVS = 1, 22, 24, 36, 38
_WRITE_FILE, _READ_FILE, _REFER, _TRUNCATE = 1 << 1, 1 << 2, 1 << 13, 1 << 14
_FOLDERS_ONLY: Final = sum(1 << bit for bit in range(4, 14))  # remove and make entries, move them elsewhere
_CAPABILITIES: Final = (0, 1, 3, 4, 6, 7)
"""What root keeps, as in `policy`: to own and to open files, and to become another user."""

_DEVICES: Final = ("null", "zero", "full", "tty", "ptmx", "pts", "shm", "dri", "kfd", "dxg")
_PROCESSORS: Final = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198), "riscv64": (0xC00000F3, 198)}
"""What seccomp calls them, and the number of their call `socket`."""

_SIGKILL, _SIGALRM, _SIGTERM = 9, 14, 15
_signal: Final[Any] = __import__("_signal")
"""What `signal` wraps into enumerations, which takes longer than all the rest."""

_libc: Final = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("access", ctypes.c_uint64), ("descriptor", ctypes.c_int32))


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_ushort), ("yes", ctypes.c_ubyte), ("no", ctypes.c_ubyte), ("value", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(_Instruction)))


def version() -> int:
    """The version of Landlock that the kernel has, 0 for none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)), 0)


def filters() -> bool:
    """Whether the filter for sockets knows this processor."""
    return os.uname().machine in _PROCESSORS


def main(arguments: list[str]) -> NoReturn:
    end = arguments.index("--")
    plan, command = arguments[:end], arguments[end + 1 :]
    _libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = os.fork()
    if child == 0:
        _become(plan, command)
    _signal.signal(_SIGALRM, _give_up)
    _signal.signal(_SIGTERM, _hurry)
    _libc.prctl(_SET_PDEATHSIG, _SIGTERM, 0, 0, 0)
    ended, status = 0, 0
    while ended != child:
        ended, status = os.waitpid(-1, 0)
    for path in _named("--report", plan):
        _report(path)
    _end_all()
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)  # a signal: as shells and bubblewrap say it


def _become(plan: list[str], command: list[str]) -> NoReturn:
    """Gives up the rights and runs the command."""
    try:
        _libc.prctl(_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
        _restrict(_named("--writable", plan), _named("--hidden", plan), "--network" in plan)
        for capability in range(64) if os.geteuid() == 0 else ():
            if capability not in _CAPABILITIES:
                _libc.prctl(_DROP_CAPABILITY, capability, 0, 0, 0)
        os.execvp(command[0], command)
    except BaseException as error:
        os.write(2, f"the sandbox could not be set up: {error}\n".encode())
    os._exit(REFUSED)


def _hurry(number: int, frame: FrameType | None) -> None:
    _signal.setitimer(_signal.ITIMER_REAL, _GRACE)


def _named(option: str, plan: list[str]) -> list[str]:
    """The values of an option."""
    return [value for name, value in itertools.pairwise(plan) if name == option]


def _give_up(number: int, frame: FrameType | None) -> NoReturn:
    _end_all()
    os._exit(128 + _SIGTERM)


def _end_all() -> None:
    """Kills what is below us, until nothing is: what loses its parent becomes our child."""
    while children := _children():
        for child in children:
            os.kill(child, _SIGKILL)
        for child in children:
            os.waitpid(child, 0)


def _report(path: str) -> None:
    """Writes down what the command left running, if after a moment there is something."""
    if _children():
        time.sleep(_JUST_ENDING)
    lines = [line for child in _children() if (line := _command_line(child))]
    if lines:
        # The command may have put something in its place, and we can write where it can't.
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:
                file.write(b"\n".join(lines))
        except OSError:
            return


def _command_line(process: int) -> bytes:
    """Empty for what has ended and was not waited for yet."""
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").replace(b"\n", b" ").strip()
    except OSError:
        return b""


def _children() -> list[int]:
    """None of them can vanish before we wait for it."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]
    except OSError:
        return []


def _restrict(writable: Iterable[str], hidden: list[str], network: bool) -> None:
    """Raises OSError."""
    known = version()
    reads = _READ_FILE if hidden else 0
    writes = _WRITE_FILE | _FOLDERS_ONLY & ~(_REFER if known < 2 else 0) | (_TRUNCATE if known >= 3 else 0)
    rules = _Ruleset(reads | writes, 3 if known >= 4 and not network else 0, 3 if known >= 6 else 0)
    size = 24 if known >= 6 else 16 if known >= 4 else 8
    ruleset = _call(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0)
    for path in (*writable, *(f"/dev/{name}" for name in _DEVICES), *_graphics()):
        _allow(ruleset, path, reads | writes)
    for path in _beside(hidden):
        _allow(ruleset, path, reads)
    if _libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs is refused")
    _call(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    if not network and filters():
        _no_sockets()


def _allow(ruleset: int, path: str, access: int) -> None:
    """Allows it for the path and all below. What is not there needs no rule."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        access &= -1 if os.path.isdir(path) else ~_FOLDERS_ONLY
        rule = _Beneath(access, descriptor)
        _call(_ADD_RULE, ruleset, 1, ctypes.byref(rule), 0)
    finally:
        os.close(descriptor)


def _beside(hidden: list[str]) -> Iterator[str]:
    """All paths that are neither hidden nor on the way there. They and what is below them cover the rest."""
    ways = {path[:end] or "/" for path in hidden for end in range(len(path)) if path[end] == "/"}
    for way in ways:
        try:
            with os.scandir(way) as entries:
                paths = [entry.path for entry in entries if not entry.is_symlink()]
        except OSError:
            continue
        yield from (path for path in paths if path not in ways and path not in hidden)


def _graphics() -> list[str]:
    return [entry.path for entry in os.scandir("/dev") if entry.name.startswith("nvidia")]


def _no_sockets() -> None:
    """No sockets but those of AF_UNIX and AF_NETLINK, which do not leave the machine; no io_uring, which can make
    sockets too; no system calls of another kind (32 bits) than the filter knows. Raises OSError."""
    audit, socket = _PROCESSORS[os.uname().machine]
    load, equal, at_least, give = 0x20, 0x15, 0x35, 0x06
    allow, unreachable, unknown = 0x7FFF0000, 0x50000 | errno.ENETUNREACH, 0x50000 | errno.ENOSYS
    lines = (
        _Instruction(load, 0, 0, 4),  # the kind of processor
        _Instruction(equal, 0, 9, audit),
        _Instruction(load, 0, 0, 0),  # the number of the call
        _Instruction(at_least, 7, 0, 0x40000000),  # the numbers of x32
        _Instruction(equal, 6, 0, 425),  # io_uring_setup
        _Instruction(equal, 0, 4, socket),
        _Instruction(load, 0, 0, 16),  # its first argument, the family
        _Instruction(equal, 2, 0, 1),
        _Instruction(equal, 1, 0, 16),
        _Instruction(give, 0, 0, unreachable),
        _Instruction(give, 0, 0, allow),
        _Instruction(give, 0, 0, unknown),
    )
    program = _Program(len(lines), (_Instruction * len(lines))(*lines))
    if _libc.prctl(_SET_SECCOMP, 2, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "the filter for sockets is refused")


def _call(number: int, *arguments: Any) -> int:
    """A system call. Raises OSError."""
    result = int(_libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


if __name__ == "__main__":
    main(sys.argv[1:])

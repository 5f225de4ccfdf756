"""Git for the checkpoints: a repository of our own beside the workspace, which nothing of the user's can influence.

Strategy. The repository is bare and lies outside the workspace; folder, work tree and index are named in each call.
Rules:
1. No variable of git in the user's environment, no configuration but ours, no hooks, no file system monitor, no
   filters: a repository in the workspace may hold any of these, and they would run programs.
2. What is stored are the bytes of the files. `info/attributes` has the last word over every `.gitattributes`.
3. One process at a time works on the repository: it holds the lock, and so do the git programs that it starts.
   So a lock file of git's that is there when ours is free was left behind by a killed process.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from roundtrip.agent.programs import program, search_path

_PATIENCE: Final = 30.0
"""Seconds to wait for another agent in the same workspace."""

_VERSION: Final = "1"

_CONFIG: Final = """\
[core]
\trepositoryFormatVersion = 0
\tbare = true
\tfileMode = true
\tsymlinks = true
\tautocrlf = false
\tsafecrlf = false
\tfsmonitor = false
\tuntrackedCache = false
\tprotectNTFS = false
\tprotectHFS = false
\thooksPath = /dev/null
\tattributesFile = /dev/null
\texcludesFile = /dev/null
\tquotePath = false
\tlogAllRefUpdates = false
\tcompression = 1
\tlooseCompression = 1
[gc]
\tauto = 0
[maintenance]
\tauto = false
[user]
\tname = roundtrip
\temail = roundtrip@localhost
[commit]
\tgpgSign = false
"""

_ATTRIBUTES: Final = "* -text -crlf -eol -ident -filter -working-tree-encoding !diff !merge\n"

_ENVIRONMENT: Final[Mapping[str, str]] = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_DEFAULT_REF_FORMAT": "files",
    "GIT_DEFAULT_HASH": "sha1",
}

_LEFT_BEHIND: Final = ("*.lock", "index.[0-9]*", "refs/heads/*.lock", "objects/pack/tmp_*")
"""What a killed git leaves."""

_LIBRARYS_GIT: Final = "GIT_PYTHON_GIT_EXECUTABLE"
_IMPORTING: Final = threading.Lock()


class GitError(Exception):
    """Git is missing, or could not do its work. The message says which, for people."""


class Stopped(Exception):
    """`ShadowGit.stop` was called."""


class ShadowGit:
    """The git program, bound to one repository of ours.

    folder: the repository. top: the work tree as git sees it; cwd: the folder in it that is covered.
    """

    def __init__(self, folder: Path, top: Path, cwd: Path) -> None:
        self.folder, self.top, self.cwd = folder, top, cwd
        self._running: set[Any] = set()
        self._guard = threading.Lock()
        self._stopped = threading.Event()
        self._lock = -1

    def prepare(self) -> None:
        """Makes the repository, if it is not there. Raises GitError."""
        _library(self._git)
        marker = self.folder / "roundtrip"
        if _text(marker) == _VERSION:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.chmod(self.folder, 0o700)
            with self.locked():
                self._lay_out()
                marker.write_text(_VERSION, encoding="utf-8")
        except OSError as error:
            raise GitError(f"{self.folder} can't be written: {error.strerror}") from error

    def _lay_out(self) -> None:
        """What `git init` makes, without the user's templates."""
        for part in ("objects/info", "objects/pack", "refs/heads", "info"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        (self.folder / "HEAD").write_text("ref: refs/heads/checkpoints\n", encoding="utf-8")
        (self.folder / "info" / "attributes").write_text(_ATTRIBUTES, encoding="utf-8")
        config = self.folder / "config"
        config.write_text(_CONFIG, encoding="utf-8")
        if (self.folder / "CONFIG").exists():  # a file system that takes upper for lower case
            config.write_text(f"{_CONFIG}[core]\n\tignoreCase = true\n", encoding="utf-8")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone with the repository. Raises GitError where another agent does not end, Stopped."""
        try:
            descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise GitError(f"{self.folder} can't be written: {error.strerror}") from error
        try:
            self._acquire(descriptor)
            self._lock = descriptor
            for left in [path for names in _LEFT_BEHIND for path in self.folder.glob(names)]:
                left.unlink(missing_ok=True)
            yield
        finally:
            self._lock = -1
            os.close(descriptor)

    def _acquire(self, descriptor: int) -> None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise GitError("another agent in this folder is still busy with its checkpoint") from None
                if self._stopped.wait(0.02):
                    raise Stopped from None
            except OSError:  # a file system without locks
                return
            else:
                return

    @cached_property
    def _git(self) -> str:
        """The program, "" for none. A command could have put another one into the workspace."""
        return program("git", self.cwd)

    @cached_property
    def version(self) -> tuple[int, ...]:
        """That of the git program."""
        words = self.run("version").decode("utf-8", "replace").split()
        return tuple(int(part) for part in words[2].split(".")[:2] if part.isdecimal())

    def stop(self) -> None:
        """Ends what runs, from another thread; all that follows raises Stopped until `resume`."""
        self._stopped.set()
        with self._guard:
            for process in self._running:
                with suppress(OSError):
                    process.kill()

    def resume(self) -> None:
        """Lets git run again."""
        self._stopped.clear()

    def run(
        self,
        *arguments: str,
        feed: Iterable[bytes] = (),
        index: Path | None = None,
        top: Path | None = None,
        settings: Sequence[str] = (),
        seconds: float | None = None,
        fine: tuple[int, ...] = (0,),
    ) -> bytes:
        """Runs git and returns its output. feed: its input. settings: its configuration, this time. fine: exit codes.

        Raises GitError, Stopped.
        """
        words = [word for setting in settings for word in ("-c", setting)]
        with self.process(*words, *arguments, index=index, top=top) as process:
            with suppress(BrokenPipeError):
                for piece in feed:
                    process.stdin.write(piece)
            try:
                out, errors = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired as error:
                raise GitError(f"git {arguments[0]} took longer than {seconds:.0f} seconds") from error
            self._check(arguments[0], process.returncode, errors, fine)
            assert isinstance(out, bytes)
            return out

    def lines(self, *arguments: str, longest: int) -> Generator[bytes]:
        """The lines of git's output as they come, long ones in pieces; closed early, it ends git. As `run` raises."""
        with self.process(*arguments) as process:
            yield from iter(lambda: process.stdout.readline(longest), b"")
            _, errors = process.communicate()
            self._check(arguments[0], process.returncode, errors, (0,))

    def _check(self, name: str, code: int, errors: bytes, fine: tuple[int, ...]) -> None:
        if self._stopped.is_set():
            raise Stopped
        if code not in fine and not self.top.is_dir():
            raise GitError(f"the folder {self.top} is gone")
        if code not in fine:
            words = errors.decode("utf-8", "replace").strip().splitlines() or [f"exit code {code}"]
            raise GitError(f"git {name}: {words[-1][:300]}")

    @contextmanager
    def process(self, *arguments: str, index: Path | None = None, top: Path | None = None) -> Iterator[Any]:
        """A running git with pipes; it is ended at the end of the block."""
        git = _library(self._git)
        where = {
            "GIT_DIR": str(self.folder),
            "GIT_WORK_TREE": str(top or self.top),
            "GIT_INDEX_FILE": str(index or self.folder / "index"),
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder),
            "PATH": search_path(self.cwd),
        }
        names = [name for name in os.environ if name.startswith("GIT_") and name not in {*where, *_ENVIRONMENT}]
        clean = ["/usr/bin/env", *(word for name in names for word in ("-u", name))] if names else []
        literal = [] if "check-ignore" in arguments else ["--literal-pathspecs"]  # which takes no others, and says so
        if self._stopped.is_set():
            raise Stopped
        process: Any = git.Git(str(top or self.cwd)).execute(
            [*clean, self._git, *literal, *arguments],
            istream=subprocess.PIPE,
            as_process=True,
            env={**_ENVIRONMENT, **where},
            pass_fds=(self._lock,) if self._lock >= 0 else (),
        )
        with self._guard:
            self._running.add(process)
        try:
            if self._stopped.is_set():  # it came between
                process.kill()
            yield process
        finally:
            with self._guard:
                self._running.discard(process)
            with suppress(OSError):
                process.kill()
            with suppress(OSError, ValueError):
                process.communicate()


def _library(program: str) -> Any:
    """GitPython; it costs 0.16 s, and only those pay who change something. Raises GitError."""
    if not program:
        raise GitError("the program git is not installed, or only in the workspace, where commands could change it")
    with _IMPORTING:
        if "git" in sys.modules:
            return sys.modules["git"]
        theirs = os.environ.get(_LIBRARYS_GIT)
        os.environ[_LIBRARYS_GIT] = program  # the library runs it already when it is imported
        try:
            import git
        except ImportError as error:
            raise GitError(f"GitPython can't be used: {error}") from error
        finally:
            del os.environ[_LIBRARYS_GIT]
            os.environ.update({_LIBRARYS_GIT: theirs} if theirs is not None else {})
        return git


def forget(folder: Path, seconds: float) -> None:
    """Removes a repository of ours in which nothing was written for so long, unless somebody uses it."""
    with suppress(OSError), open(folder / "lock", "rb") as lock:
        if _text(folder / "roundtrip") and time.time() - (folder / "index").stat().st_mtime > seconds:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""

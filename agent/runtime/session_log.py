"""Sessions on disk: one file of JSON lines each, only ever appended to, readable by its owner alone.

Strategy. The first line is the header: what the session was begun with, above all the system prompt, which stays as
it is. Every other line is an event, `at` beside its fields: the closed ones, from which the conversation is rebuilt,
and `ALSO` for people and for recovery (what has `tool_started` may have run). A line is written, whole, before what
it says is acted on; the file appears with the first one, but not for a change of the model, so that nothing said
leaves nothing behind.
Rules for reading: what can't be read (a torn line, a newer version's record) is passed over and named, never removed;
what was read always gives a history that can be sent. A process that writes holds the file's lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from roundtrip.agent.events import (
    CLOSED,
    AssistantEnded,
    Event,
    Failed,
    ModelChanged,
    Repaired,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    UsageReported,
    from_json,
    to_json,
)
from roundtrip.agent.tooling import Situation

VERSION: Final = 1
ALSO: Final[tuple[type, ...]] = (ToolStarted, Repaired, UsageReported, Failed, TurnEnded)
_LONGEST_NOTE: Final = 200
"""Characters of what is said of a record; what stands in a file may be long."""


class SessionError(Exception):
    """The session that was asked for can't be used. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a session was begun with. created: seconds since 1970. workspace: the absolute path of its root.

    situation: what its tools were chosen for; older logs have none.
    """

    id: str
    created: float
    workspace: str
    base_url: str
    model: str
    system: str
    situation: Situation = field(default_factory=Situation)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file holds. notes: what could not be read, in words."""

    header: Header
    events: tuple[Event, ...]
    notes: tuple[str, ...]


def new_id(now: float) -> str:
    """Sorts by time, and its last part is enough to name it."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}-{secrets.token_hex(2)}"


class SessionLog:
    """Appends events to a session's file. A write that fails is kept and tried again with the next event; `warn` is
    told when that begins and when it ends."""

    def __init__(self, header: Header, path: Path, warn: Callable[[str], None], descriptor: int | None = None) -> None:
        self.header = header
        self.path = path
        self._warn = warn
        self._descriptor = descriptor
        self._pending = bytearray() if descriptor is not None else bytearray(_line(_header_json(header)))
        self._failing = False

    @classmethod
    def begin(cls, folder: Path, header: Header, warn: Callable[[str], None]) -> SessionLog:
        """A new session. Its file is made when there is something to write."""
        return cls(header, folder / f"{header.id}.jsonl", warn)

    @classmethod
    def reopen(cls, path: Path, warn: Callable[[str], None]) -> tuple[SessionLog, Loaded]:
        """An existing session, locked, with what it holds. Raises SessionError."""
        descriptor = _locked(path)
        try:
            loaded = load(path)
            log = cls(loaded.header, path, warn, descriptor)
            log._end_torn_line()
        except BaseException:
            os.close(descriptor)
            raise
        return log, loaded

    def __call__(self, event: Event) -> None:
        """Writes the event, if it is one that is kept."""
        if isinstance(event, (*CLOSED, *ALSO)):
            self._pending += _line({**to_json(event), "at": round(time.time(), 3)})
            if self.written or not isinstance(event, ModelChanged):
                self._write()
        if isinstance(event, TurnEnded):
            self._sync()

    @property
    def written(self) -> bool:
        """Whether there is a file yet."""
        return self._descriptor is not None

    def close(self) -> None:
        """Gives up the lock. What can't be written even now is lost, and `warn` was told."""
        if self._failing:
            self._write()
        if self._descriptor is not None:
            self._sync()
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self) -> None:
        try:
            if self._descriptor is None:
                self._descriptor = _created(self.path)
            while self._pending:
                del self._pending[: os.write(self._descriptor, self._pending)]
        except OSError as error:
            if not self._failing:
                self._warn(f"the session can't be saved ({error.strerror}: {self.path}); it goes on unsaved")
            self._failing = True
            return
        if self._failing:
            self._failing = False
            self._warn("the session is saved again, with all that was missing")

    def _sync(self) -> None:
        try:
            if self._descriptor is not None:
                os.fsync(self._descriptor)
        except OSError:
            pass  # some file systems can't; the lines are written

    def _end_torn_line(self) -> None:
        """What is appended begins a line of its own."""
        assert self._descriptor is not None
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            self._pending += b"\n"


def _locked(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    except OSError as error:
        raise SessionError(f"the session {path.stem} can't be opened: {error.strerror}; see: agent sessions") from error
    if not _lock(descriptor):
        os.close(descriptor)
        raise SessionError(
            f"the session {path.stem} is in use by another agent: end that one, resume another (agent sessions), "
            "or begin a new one (agent)"
        )
    return descriptor


def _created(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
    _lock(descriptor)
    return descriptor


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks
    return True


def _header_json(header: Header) -> dict[str, Any]:
    situation = {**asdict(header.situation), "wanted": sorted(header.situation.wanted)}
    return {"v": VERSION, "type": "session", **asdict(header), "situation": situation}


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def load(path: Path) -> Loaded:
    """What the file holds. Raises SessionError if it is no session."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise SessionError(f"the session {path.stem} can't be read: {error.strerror}") from error
    first = read_json(lines[0])
    header = read_header(first)
    if header is None:
        raise SessionError(f"{path} {_no_header(first)}; see: agent sessions")
    events: list[Event] = []
    torn = 0
    unknown: dict[str, str] = {}
    for number, line in enumerate(lines[1:], 2):
        value = read_json(line)
        try:
            if value is not None:
                events.append(_sound(from_json(value)))
            elif line.strip():
                torn += 1
        except (ValueError, RecursionError) as error:  # pydantic's are ValueErrors, too
            kind = value.get("type") if value else None
            words = " ".join(str(error).split())[:_LONGEST_NOTE]
            unknown.setdefault(kind if isinstance(kind, str) else "", f"line {number}: {words}")
    return Loaded(header, tuple(events), tuple(_notes(torn, unknown)))


def _sound(event: Event) -> Event:
    """The event, without images that are none. Raises ValueError where a call's arguments are no JSON object: everybody
    takes them for one."""
    if isinstance(event, AssistantEnded):
        for call in event.message.calls:
            if not isinstance(json.loads(call.arguments, strict=False), dict):
                raise ValueError("a call's arguments are no JSON object")
    if isinstance(event, ToolFinished) and event.images:
        return replace(event, images=tuple(image for image in event.images if image.sound))
    return event


def _no_header(first: dict[str, Any] | None) -> str:
    """Why a file can't be read that begins with this."""
    if first and first.get("type") == "session" and first.get("v") != VERSION:
        return "was written by another version of this program, which this one can't read"
    return "is no session of this program: its first line holds no header"


def _notes(torn: int, unknown: dict[str, str]) -> Iterator[str]:
    if torn:
        lines = "a line of the session was torn, as by a crash, and is" if torn == 1 else f"{torn} torn lines are"
        yield f"{lines} passed over"
    if unknown:
        yield f"records that this version does not know are passed over ({'; '.join(unknown.values())})"


def read_json(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def read_header(value: dict[str, Any] | None) -> Header | None:
    if value is None or value.get("type") != "session" or value.get("v") != VERSION:
        return None
    found = {field.name: value.get(field.name) for field in fields(Header)}
    created, situation = found.pop("created"), _situation(found.pop("situation"))
    if not isinstance(created, int | float) or not all(isinstance(part, str) for part in found.values()):
        return None
    return Header(created=created, situation=situation, **found)  # type: ignore[arg-type]


def _situation(value: Any) -> Situation:
    """As it was written; what is missing, or is no such value, is as if it were not known."""
    told = value if isinstance(value, dict) else {}
    wanted = told.get("wanted")
    counts = (told.get(name) for name in ("context", "slots"))
    context, slots = (number if type(number) is int and number > 0 else 0 for number in counts)
    names = frozenset(name for name in wanted if isinstance(name, str)) if isinstance(wanted, list) else frozenset()
    return Situation(context, slots, told.get("images") is True, told.get("interactive") is True, names)

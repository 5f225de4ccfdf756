"""The file of a session: what was written is read again, whatever became of the file, and of the process."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from roundtrip.agent.events import (
    CLOSED,
    AssistantEnded,
    CallBegun,
    Compacted,
    Event,
    Failed,
    Interrupted,
    ModelChanged,
    Repaired,
    RequestSent,
    Rewound,
    TextDelta,
    ToolFinished,
    ToolOutput,
    ToolStarted,
    TurnEnded,
    Unreadable,
    UsageReported,
    UserSaid,
)
from roundtrip.agent.messages import Assistant, Call
from roundtrip.agent.runtime.session_log import ALSO, Header, Loaded, SessionError, SessionLog, load, new_id
from roundtrip.agent.tooling import Situation

pytestmark = pytest.mark.once

SITUATION = Situation(32_768, 4, images=True, interactive=True, wanted=frozenset({"web_fetch", "new_task"}))
HEADER = Header(
    "20261121-120000-abcd", 1795262400.0, "/home/ä", "http://127.0.0.1:8080/v1", "kimi-k2", "Be\u2028good.", SITUATION
)
NASTY = [
    "\ud800",
    "a\udfff\ud83d",
    "\ud83d\ude00 as two halves, and 🎉 as one",
    "one\u2028two\u2029three\u0085four\x1cfive\x0bsix\x0cseven",
    "a\0b",
    "a\r\nb\rc\n",
    '"}\n{"v": 1, "type": "user_said", "text": "smuggled"}\n',
    "",
    "ä🎉" * 170_000,
]


def everywhere(text: str) -> list[Event]:
    """Each kind of event that is kept, with the text wherever there can be one."""
    call = Call(0, text, json.dumps({"a": text}), text, text, text, text)
    return [
        UserSaid(text),
        ModelChanged(text, text),
        AssistantEnded(0, Assistant(text, text, (call, replace(call, index=3)), text), (), text),
        ToolStarted(0, 0, text, text),
        ToolFinished(0, 0, text, text, True, True),
        Interrupted(),
        AssistantEnded(1, Assistant(text), (Unreadable(text, text, text),)),
        Repaired(text, text),
        UsageReported(1, 2, 3),
        Failed(text, text),
        Compacted(text, 3),
        Rewound(2),
        TurnEnded("limit", text, 50),
    ]


SAMPLE: list[Event] = [
    UserSaid("do ä"),
    AssistantEnded(0, Assistant("🎉", "hm", (Call(0, "look", '{"a": "}"}'),)), (), "tool_calls"),
    ToolStarted(0, 0, "look", '{"a": "}"}'),
    ToolFinished(0, 0, "saw \ud800\n{}"),
    Interrupted(),
]


class Place:
    """A folder for one session, and what was said of it."""

    def __init__(self, path: Path) -> None:
        self.folder = path / "sessions"
        self.file = self.folder / f"{HEADER.id}.jsonl"
        self.said: list[str] = []

    def begin(self) -> SessionLog:
        return SessionLog.begin(self.folder, HEADER, self.said.append)

    def reopen(self) -> tuple[SessionLog, Loaded]:
        return SessionLog.reopen(self.file, self.said.append)

    def write(self, *events: Event) -> None:
        log = self.begin()
        for event in events:
            log(event)
        log.close()
        assert self.said == []

    def append(self, *events: Event) -> Loaded:
        """Takes the session up again and adds to it. Returns what was in it before."""
        log, loaded = self.reopen()
        for event in events:
            log(event)
        log.close()
        return loaded

    def put(self, *lines: bytes) -> None:
        """A file of these lines."""
        self.folder.mkdir(exist_ok=True)
        self.file.write_bytes(b"".join(line + b"\n" for line in lines))

    @property
    def lines(self) -> list[bytes]:
        data = self.file.read_bytes()
        assert data.endswith(b"\n")
        return data.split(b"\n")[:-1]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def line_of(event: Event, tmp_path: Path) -> bytes:
    """The line that an event is written as."""
    other = Place(tmp_path / "line")
    other.folder.parent.mkdir(exist_ok=True)
    other.write(event)
    line = other.lines[-1]
    other.file.unlink()
    return line


def header_line(**changes: object) -> bytes:
    situation = {**asdict(SITUATION), "wanted": sorted(SITUATION.wanted)}
    return json.dumps({"v": 1, "type": "session", **asdict(HEADER), "situation": situation, **changes}).encode()


# What was written is read back.


def test_each_kind_of_event_that_is_kept_is_tried_here() -> None:
    assert {type(event) for event in everywhere("")} == {*CLOSED, *ALSO}


@pytest.mark.parametrize("text", NASTY, ids=lambda text: ascii(text)[:20])
def test_what_was_written_is_read(place: Place, text: str) -> None:
    events = everywhere(text)
    place.write(*events)
    assert load(place.file) == Loaded(HEADER, tuple(events), ())
    assert len(place.lines) == 1 + len(events)


@pytest.mark.parametrize("text", NASTY, ids=lambda text: ascii(text)[:20])
def test_the_header_is_read_as_it_was(tmp_path: Path, text: str) -> None:
    header = replace(HEADER, workspace=text, base_url=text, model=text, system=text)
    log = SessionLog.begin(tmp_path, header, print)
    log(UserSaid("hi"))
    log.close()
    assert load(tmp_path / f"{HEADER.id}.jsonl").header == header


@settings(derandomize=True, deadline=None, max_examples=60)
@given(text=st.text(st.characters()))
@example("\ud83d\ude00")
def test_any_text_is_read_as_it_was(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    place = Place(tmp_path_factory.mktemp("any"))
    events = everywhere(text)
    place.write(*events)
    assert load(place.file).events == tuple(events)


def test_what_is_only_for_display_is_not_kept(place: Place) -> None:
    shown: list[Event] = [RequestSent(0, 1, 1), TextDelta("a"), CallBegun(0, ""), ToolOutput(0, 0, "a")]
    assert not {type(event) for event in shown} & {*CLOSED, *ALSO}
    place.write(*shown)
    assert not place.folder.exists()
    place.write(SAMPLE[0], *shown)
    assert load(place.file).events == (SAMPLE[0],)


def test_each_line_says_when(place: Place) -> None:
    place.write(*SAMPLE)
    assert all(isinstance(json.loads(line.decode("utf-8", "surrogatepass"))["at"], float) for line in place.lines[1:])


def test_a_line_is_on_disk_before_the_next_thing_happens(place: Place) -> None:
    log = place.begin()
    for number, event in enumerate(SAMPLE, 1):
        log(event)
        assert load(place.file).events == tuple(SAMPLE[:number])
    log.close()


def test_ids_sort_by_time_and_differ() -> None:
    assert new_id(1795262400.0) < new_id(1795262400.0 + 2 * 86400)
    assert len({new_id(1795262400.0)[-4:] for _ in range(50)}) > 1


# The file itself.


def test_the_file_appears_with_the_first_thing_that_is_said(place: Place) -> None:
    log = place.begin()
    assert not log.written
    log(ModelChanged("kimi-k2", "kimi_k2"))  # as when the server's template tells the family, before anyone has spoken
    assert not log.written
    assert not place.folder.exists()
    log(UserSaid("hi"))
    assert log.written
    log.close()
    assert load(place.file) == Loaded(HEADER, (ModelChanged("kimi-k2", "kimi_k2"), UserSaid("hi")), ())


def test_nothing_said_leaves_nothing_behind(place: Place) -> None:
    log = place.begin()
    log(ModelChanged("kimi-k2", "kimi_k2"))
    log.close()
    assert not place.folder.exists()
    assert place.said == []


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("mask", [0, 0o022, 0o077], ids=oct)
def test_only_its_owner_can_read_it(place: Place, mask: int) -> None:
    with umask(mask):
        place.write(*SAMPLE)
    assert stat.S_IMODE(place.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700


def test_looking_at_a_session_does_not_change_it(place: Place) -> None:
    place.write(*SAMPLE)
    torn = place.file.read_bytes()[:-10]
    place.file.write_bytes(torn)
    place.append()
    assert place.file.read_bytes() == torn
    assert place.said == []


def test_a_session_is_never_begun_over_another(place: Place) -> None:
    place.write(UserSaid("mine"))
    before = place.file.read_bytes()
    log = place.begin()
    log(UserSaid("of another one with the same id"))
    log.close()
    assert place.file.read_bytes() == before
    assert ["can't be saved" in text for text in place.said] == [True]


# What may become of a file.


def test_a_file_that_is_cut_anywhere(place: Place) -> None:
    """As by a crash, a full disk, or a copy that broke off."""
    place.write(*SAMPLE)
    whole, new = place.file.read_bytes(), UserSaid("go on")
    ends = [at for at, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(len(whole)):
        place.file.write_bytes(whole[:cut])
        if cut < ends[0]:
            refused(place, "no session")
            assert place.file.read_bytes() == whole[:cut]
            continue
        kept = tuple(SAMPLE[: sum(cut >= end for end in ends[1:])])
        torn = cut not in ends and cut - 1 not in ends
        loaded = place.append(new)
        assert loaded == load_of(whole[:cut], place), "what is locked is what is read"
        assert loaded.events == kept
        assert ["torn" in note for note in loaded.notes] == [True] * torn
        assert load(place.file) == replace(loaded, events=(*kept, new)), "nothing is lost, and the note stays"
    assert place.said == []


def load_of(data: bytes, place: Place) -> Loaded:
    other = place.folder / "other"
    other.write_bytes(data)
    return load(other)


def refused(place: Place, said: str) -> None:
    """Neither looked at nor taken up, and not kept locked either."""
    for attempt in (lambda: load(place.file), place.reopen, place.reopen):
        with pytest.raises(SessionError, match=said):
            attempt()


DEEP = b"[" * 100_000
UNREADABLE = {
    "empty": (b"", ""),
    "blank": (b"  \t", ""),
    "end of a Windows line": (b"\r", ""),
    "bytes": (b"\x00\xff\xfe\x80garbage", "torn"),
    "zeros": (b"\0" * 4096, "torn"),
    "half": (b'{"v": 1, "type": "user_said", "te', "torn"),
    "list": (b'[{"v": 1, "type": "user_said", "text": "a"}]', "torn"),
    "number": (b"42", "torn"),
    "null": (b"null", "torn"),
    "string": (b'"text"', "torn"),
    "two in one": (b'{"v": 1, "type": "interrupted"}{"v": 1, "type": "interrupted"}', "torn"),
    "deep": (DEEP, "torn"),
    "long number": (b'{"v": 1, "type": "rewound", "cut": ' + b"9" * 10_000 + b"}", "torn"),
    "no fields": (b"{}", "event version None"),
    "unknown type": (b'{"v": 1, "type": "user_sang", "text": "la"}', "user_sang"),
    "no type": (b'{"v": 1}', "unknown event type None"),
    "odd type": (b'{"v": 1, "type": ["user_said"]}', "unknown event type"),
    "newer": (b'{"v": 2, "type": "user_said", "text": "from 2030"}', "event version 2"),
    "missing field": (b'{"v": 1, "type": "user_said"}', "line 3: .*text Field required"),
    "wrong field": (b'{"v": 1, "type": "tool_finished", "step": "soon", "index": 0, "content": ""}', "step"),
    "another header": (header_line(), "'session'"),
    "long": (b'{"v": 1, "type": "' + b"x" * 1_000_000 + b'"}', "unknown event type"),
}


@pytest.mark.parametrize(("line", "said"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_line_that_is_no_event(place: Place, line: bytes, said: str) -> None:
    place.write(*SAMPLE)
    lines = place.lines
    place.put(*lines[:2], line, *lines[2:])
    before = place.file.read_bytes()
    loaded = place.append(UserSaid("more"))
    assert loaded.events == tuple(SAMPLE)
    assert len(loaded.notes) == bool(said)
    assert all(re.search(said, note) and len(note) < 400 for note in loaded.notes)
    assert place.file.read_bytes().startswith(before), "what can't be read is never removed"
    assert load(place.file).events == (*SAMPLE, UserSaid("more"))


@pytest.mark.parametrize("field", ["v", "type", "text"])
def test_lists_just_as_deep_as_can_be_read(place: Place, field: str) -> None:
    depths = range(700, 1000, 3)
    deep = [json.dumps({"v": 1, "type": "user_said", "text": "", field: "?"}).split('"?"') for _ in depths]
    lines = [f"{'[' * depth}{']' * depth}".join(parts).encode() for depth, parts in zip(depths, deep, strict=True)]
    place.put(header_line(), *lines, b'{"v": 1, "type": "interrupted"}')
    loaded = load(place.file)
    assert loaded.events == (Interrupted(),)
    assert loaded.notes


def test_how_many_lines_are_torn_is_said(place: Place) -> None:
    place.put(header_line(), b"{", b'{"v": 1, "type": "interrupted"}', b"}", b"?")
    assert load(place.file) == Loaded(HEADER, (Interrupted(),), ("3 torn lines are passed over",))


def test_lines_of_windows(place: Place) -> None:
    place.write(*SAMPLE)
    place.put(*(line + b"\r" for line in place.lines))
    assert place.append(UserSaid("more")) == Loaded(HEADER, tuple(SAMPLE), ())
    assert load(place.file).events == (*SAMPLE, UserSaid("more"))


def test_fields_of_a_newer_version_are_passed_over(place: Place) -> None:
    place.put(header_line(mood="good"), b'{"v": 1, "type": "user_said", "text": "hi", "mood": "good", "at": "noon"}')
    assert load(place.file) == Loaded(HEADER, (UserSaid("hi"),), ())


@settings(derandomize=True, deadline=None, max_examples=80)
@given(data=st.data())
def test_garbage_between_the_lines(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    place = Place(tmp_path_factory.mktemp("garbage"))
    place.write(*SAMPLE)
    lines = place.lines
    garbage = st.one_of(st.binary(max_size=50), st.binary(min_size=1, max_size=3).map(lambda part: lines[1] + part))
    for _ in range(data.draw(st.integers(1, 4))):
        junk = data.draw(garbage).replace(b"\n", b"\x80") + b"\x80"
        lines.insert(data.draw(st.integers(1, len(lines))), junk)
    place.put(*lines)
    loaded = place.append(UserSaid("more"))
    assert loaded.events == tuple(SAMPLE)
    assert len(loaded.notes) == 1
    assert load(place.file).events == (*SAMPLE, UserSaid("more"))


@pytest.mark.parametrize(
    ("told", "situation"),
    [
        (None, Situation()),
        ([], Situation()),
        ({}, Situation()),
        ({"context": 8192, "mood": "good"}, Situation(8192)),
        ({"context": True, "slots": "2", "images": 1, "interactive": "yes", "wanted": "web_fetch"}, Situation()),
        ({"context": -1, "slots": 1.5, "wanted": ["web_fetch", 3]}, Situation(wanted=frozenset({"web_fetch"}))),
    ],
    ids=str,
)
def test_what_is_not_known_of_the_situation_is_as_in_an_older_log(
    place: Place, told: object, situation: Situation
) -> None:
    place.put(header_line(situation=told))
    assert load(place.file).header == replace(HEADER, situation=situation)
    if told is None:
        older = json.loads(header_line())
        del older["situation"]
        place.put(json.dumps(older).encode())
        assert load(place.file).header == replace(HEADER, situation=Situation())


BAD_HEADERS = {
    "none": (b'{"v": 1, "type": "user_said", "text": "hi"}', "holds no header"),
    "nothing": (b"", "holds no header"),
    "newer": (header_line(v=2), "another version"),
    "no version": (header_line(v=None), "another version"),
    "garbage": (b"\xff\0", "holds no header"),
    "deep": (DEEP, "holds no header"),
    "list": (b"[]", "holds no header"),
    "no system prompt": (header_line(system=None), "holds no header"),
    "odd date": (header_line(created="today"), "holds no header"),
    "odd model": (header_line(model=["kimi"]), "holds no header"),
}


@pytest.mark.parametrize(("line", "said"), BAD_HEADERS.values(), ids=BAD_HEADERS)
def test_a_header_that_is_none(place: Place, line: bytes, said: str) -> None:
    place.put(line, b'{"v": 1, "type": "user_said", "text": "hi"}')
    before = place.file.read_bytes()
    refused(place, said)
    assert place.file.read_bytes() == before


def test_an_empty_file(place: Place) -> None:
    place.put()
    refused(place, "no session")


def test_what_is_no_file(place: Place) -> None:
    refused(place, "No such file")
    place.file.mkdir(parents=True)
    refused(place, "Is a directory")
    place.file.rmdir()
    place.file.symlink_to("/dev/null")
    refused(place, "no session")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
@pytest.mark.parametrize("mode", [0o000, 0o400], ids=oct)
def test_a_file_that_is_not_ours(place: Place, mode: int) -> None:
    place.write(*SAMPLE)
    place.file.chmod(mode)
    with pytest.raises(SessionError, match="Permission denied"):
        place.reopen()


# The lock.

HOLDER = """
import subprocess, sys
from pathlib import Path
from roundtrip.agent.events import UserSaid
from roundtrip.agent.runtime.session_log import Header, SessionLog

how, file = sys.argv[1], Path(sys.argv[2])
if how == "reopens":
    log, _ = SessionLog.reopen(file, print)
else:
    log = SessionLog.begin(file.parent, Header(file.stem, 1.0, "/w", "u", "m", "s"), print)
    log(UserSaid("hi"))
child = [sys.executable, "-c", "import sys; sys.stdin.read()"]
pid = subprocess.Popen(child, close_fds=False).pid if how == "begins, with a child" else 0
print(pid, flush=True)
sys.stdin.readline()
"""


@contextmanager
def holder(how: str, file: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has the session, until it gets a line. A child of its own lives until our end is closed."""
    command = [sys.executable, "-c", HOLDER, how, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield process
        finally:
            process.kill()
            process.stdin.close()


def said_by(process: subprocess.Popen[str]) -> str:
    """The line with which it says that it has the session."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("how", ["begins", "reopens"])
@pytest.mark.parametrize("end", ["by itself", "kill -9"])
def test_two_processes_do_not_write_one_session(place: Place, how: str, end: str) -> None:
    if how == "reopens":
        place.write(UserSaid("hi"))
    with holder(how, place.file) as other:
        assert said_by(other) == "0"
        before = place.file.read_bytes()
        for _ in range(2):
            with pytest.raises(SessionError, match=r"in use by another agent.*agent sessions"):
                place.reopen()
        assert place.file.read_bytes() == before
        assert load(place.file).events == (UserSaid("hi"),), "it can be looked at, though"
        if end == "by itself":
            other.communicate("\n", timeout=60)
        else:
            other.send_signal(signal.SIGKILL)
        other.wait(60)
        assert place.append(UserSaid("more")).events == (UserSaid("hi"),)
    assert load(place.file).events == (UserSaid("hi"), UserSaid("more"))


def test_a_command_that_outlives_us_does_not_keep_the_lock(place: Place) -> None:
    with holder("begins, with a child", place.file) as other:
        child = int(said_by(other))
        other.kill()
        other.wait(60)
        os.kill(child, 0)  # raises if it is not there any more
        place.append(UserSaid("more"))
        os.kill(child, 0)


def test_one_process_does_not_have_a_session_twice(place: Place) -> None:
    place.write(*SAMPLE)
    log, _ = place.reopen()
    with pytest.raises(SessionError, match="in use"):
        place.reopen()
    log(UserSaid("the first one still has it"))
    log.close()
    assert place.append().events[-1] == UserSaid("the first one still has it")


# Writes that fail.

SHORT_OF_ROOM = """
import json, resource, sys
from pathlib import Path
from roundtrip.agent.events import ToolFinished
from roundtrip.agent.runtime.session_log import SessionLog

said = []
log, _ = SessionLog.reopen(Path(sys.argv[1]), said.append)

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

for number in range(8):
    if number in (1, 5):
        limit(log.path.stat().st_size + int(sys.argv[2]))
    elif number in (3, 7):
        limit(resource.RLIM_INFINITY)
    log(ToolFinished(0, number, "ä" * 20))
log.close()
print(json.dumps(said))
"""


@pytest.mark.parametrize("room", [0, 1, 30, 100, 150, 151, 152, 153, 154, 155, 200, 305], ids=str)
def test_a_full_disk(place: Place, room: int) -> None:
    """Twice, there is room for so many bytes only, in the middle of a line or not, and then there is enough again."""
    place.write(UserSaid("hi"))
    command = [sys.executable, "-c", SHORT_OF_ROOM, str(place.file), str(room)]
    said = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert ["it goes on unsaved" in text for text in said] == [True, False] * 2
    assert ["with all that was missing" in text for text in said] == [False, True] * 2
    expected = tuple(ToolFinished(0, number, "ä" * 20) for number in range(8))
    assert load(place.file) == Loaded(HEADER, (UserSaid("hi"), *expected), ())
    assert len(place.lines) == 10, "no line is there twice"


KILLED_WITHOUT_ROOM = """
import os, resource, sys
from pathlib import Path
from roundtrip.agent.events import UserSaid
from roundtrip.agent.runtime.session_log import SessionLog

log, _ = SessionLog.reopen(Path(sys.argv[1]), print)
resource.setrlimit(resource.RLIMIT_FSIZE, (log.path.stat().st_size + 20, resource.RLIM_INFINITY))
log(UserSaid("never on disk"))
os.kill(os.getpid(), 9)
"""


def test_killed_on_a_full_disk(place: Place) -> None:
    place.write(*SAMPLE)
    before = place.file.read_bytes()
    killed = subprocess.run([sys.executable, "-c", KILLED_WITHOUT_ROOM, str(place.file)], capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    assert len(place.file.read_bytes()) == len(before) + 20
    loaded = place.append(UserSaid("more"))
    assert loaded.events == tuple(SAMPLE)
    assert ["torn" in note for note in loaded.notes] == [True]
    assert load(place.file).events == (*SAMPLE, UserSaid("more"))


@pytest.mark.parametrize("last_chance", ["the next event", "the end"])
def test_a_folder_that_can_not_be_made_yet(place: Place, last_chance: str) -> None:
    place.folder.write_text("in the way")
    log = place.begin()
    for event in SAMPLE:
        log(event)
    assert not log.written
    assert [str(place.file) in text and "it goes on unsaved" in text for text in place.said] == [True]
    place.folder.unlink()
    events = list(SAMPLE)
    if last_chance == "the next event":
        log(UserSaid("more"))
        events.append(UserSaid("more"))
        assert load(place.file).events == tuple(events)
    log.close()
    assert load(place.file) == Loaded(HEADER, tuple(events), ())
    assert ["with all that was missing" in text for text in place.said] == [False, True]


def test_a_session_that_can_not_be_saved_to_its_end(place: Place) -> None:
    place.folder.write_text("in the way")
    log = place.begin()
    for event in everywhere("a"):
        log(event)
    log.close()
    assert place.folder.read_text() == "in the way"
    assert len(place.said) == 1, "once, not for each event"


def test_a_session_whose_file_was_deleted_does_not_break(place: Place) -> None:
    log = place.begin()
    log(UserSaid("hi"))
    place.file.unlink()
    log(UserSaid("more"))
    log.close()
    assert place.said == []


@pytest.mark.parametrize("arguments", ["[1]", "{", ""])
def test_a_call_whose_arguments_are_no_object_is_named(tmp_path: Path, arguments: str) -> None:
    """Whoever shows the session again takes them for one."""
    path = tmp_path / "s.jsonl"
    log = SessionLog.begin(tmp_path, replace(HEADER, id="s"), warn=print)
    log(UserSaid("hi"))
    log(AssistantEnded(0, Assistant("", "", (Call(0, "look", arguments),))))
    log.close()
    loaded = load(path)
    assert loaded.events == (UserSaid("hi"),)
    assert "line 3" in loaded.notes[0]

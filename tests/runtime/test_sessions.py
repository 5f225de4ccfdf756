"""Whatever is left of a log, it gives a history that can be sent, with all in it that can be read. And which logs
there are."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roundtrip.agent.conversation import INTERRUPTED, NO_OUTPUT, Conversation, State
from roundtrip.agent.events import (
    CLOSED,
    AssistantEnded,
    Event,
    Failed,
    Interrupted,
    ModelChanged,
    Repaired,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    Unreadable,
    UsageReported,
    UserSaid,
)
from roundtrip.agent.messages import Assistant, Call, Message, Result, System, User
from roundtrip.agent.runtime.session_log import Header, Loaded, SessionError, SessionLog, load
from roundtrip.agent.runtime.sessions import (
    NOT_STARTED,
    PROMPT_LOST,
    RESULT_LOST,
    Summary,
    closing,
    find,
    model_of,
    rebuilt,
    summaries,
)
from roundtrip.agent.wire.preflight import preflight
from roundtrip.agent.wire.profiles import GENERIC, KIMI, MISTRAL
from roundtrip.agent.wire.render import render

pytestmark = pytest.mark.once

HEADER = Header("20261121-120000-abcd", 1795262400.0, "/home/ann", "http://127.0.0.1:9/v1", "m", "system")
SHOWN: Sequence[Event] = (Repaired("section", "<|x"), UsageReported(1, 2, 3), Failed("cut", "the connection broke"))

OFTEN = ["answer", "answer", "start", "start", "start", "finish", "finish", "finish"]
MOVES = [*OFTEN, *OFTEN, "say", "interrupt", "end", "change", "show"]
CONTENTS = ["", "", "well <|im_end|>", "äöü \ud83d", " \n"]
OBJECTS = ["{}", '{"path":"a.py"}', '{ "content" : "<|tool_call_end|>" }', '{"a": "\\ud800"}']
RESULTS = ["", " \n", "done", "<|tool_calls_section_begin|>", "\udfff"]
IDS = ["", "functions.look:0", "call_1", "abcdefghi", "very odd id"]
UNREADABLE = [(), (Unreadable("call_x", "{", "it names no tool"),)]


@dataclass
class Driver:
    """Drives a conversation with what can come, as an agent does, and logs it. No two messages say the same."""

    random: Random
    conversation: Conversation = field(default_factory=lambda: Conversation("system"))
    name: str = ""
    log: list[Event] = field(default_factory=list)
    started: set[int] = field(default_factory=set)
    in_turn: bool = False

    def run(self) -> list[Event]:
        for _ in range(self.random.choice([5, 20, 40, 60])):
            getattr(self, self.random.choice(MOVES))()
        return self.log

    def apply(self, event: UserSaid | AssistantEnded | ToolFinished | Interrupted | ModelChanged) -> None:
        self.conversation.apply(event)
        self.log.append(event)

    def unique(self, texts: list[str]) -> str:
        text = self.random.choice(texts)
        return f"{self.name}{len(self.log)} {text}" if text.strip() else text

    def say(self) -> None:
        self.apply(UserSaid(self.unique(["please"])))
        self.in_turn = True

    def answer(self) -> None:
        if self.conversation.state is State.READY or not self.in_turn:
            self.say()
        elif self.conversation.state is State.ASKED:
            gap, count = self.random.choice([(0, 1), (0, 2), (0, 3), (1, 2), (0, 0)])
            calls = tuple(self.call(index) for index in range(gap, gap + count))
            message = Assistant(self.unique(CONTENTS), self.unique(CONTENTS), calls)
            self.started = set()
            self.apply(AssistantEnded(self.conversation.step, message, () if calls else self.random.choice(UNREADABLE)))

    def call(self, index: int) -> Call:
        return Call(index, self.unique(["look"]), self.random.choice(OBJECTS), id=self.random.choice(IDS))

    def start(self) -> None:
        fresh = [index for index in self.conversation.open_calls if index not in self.started]
        if fresh:
            index = self.random.choice(fresh)
            self.started.add(index)
            self.log.append(ToolStarted(self.conversation.step, index, "look", "{}"))

    def finish(self) -> None:
        """Also of what did not start: that was refused."""
        if self.conversation.open_calls:
            index = self.random.choice(self.conversation.open_calls)
            self.apply(ToolFinished(self.conversation.step, index, self.unique(RESULTS)))

    def interrupt(self) -> None:
        if self.in_turn:
            self.apply(Interrupted())
            self.end()

    def end(self) -> None:
        if self.in_turn and self.conversation.state is not State.RUNNING:
            self.log.append(TurnEnded("answered"))
            self.in_turn = False

    def change(self) -> None:
        self.apply(ModelChanged("m2", self.random.choice(["kimi_k2", "mistral", "generic", "unheard-of"])))

    def show(self) -> None:
        self.log.append(self.random.choice(SHOWN))


def loaded_of(events: Iterable[Event]) -> Loaded:
    return Loaded(HEADER, tuple(events), ())


def closed_of(events: Iterable[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, CLOSED)]


def taken_up(kept: Sequence[Event]) -> tuple[Conversation, list[Event]]:
    """A session as it is taken up again, and its log then. What must hold whatever was kept, is checked."""
    ends = closing(rebuilt(loaded_of(kept))[0], kept)
    events = [*kept, *ends]
    conversation, _ = rebuilt(loaded_of(events))
    assert conversation.state is not State.RUNNING
    assert conversation.sendable or conversation.messages == (System("system"),)
    assert closing(conversation, events) == []
    check_sendable(conversation)
    return conversation, events


def check_sendable(conversation: Conversation) -> None:
    if any(isinstance(message, User) for message in conversation.messages):
        for profile in (GENERIC, KIMI, MISTRAL):
            assert preflight(render(conversation.messages, (), "m", profile), profile) == []
    else:
        assert len(conversation.messages) == 1


def results_of(messages: Sequence[Message]) -> Iterator[tuple[Assistant, list[str]]]:
    """The messages of the model that make calls, each with the results behind it, one for each call."""
    for number, message in enumerate(messages):
        if isinstance(message, Assistant) and message.calls:
            behind = messages[number + 1 : number + 1 + len(message.calls)]
            yield message, [result.content for result in behind if isinstance(result, Result)]


def spoken(events: Iterable[Event]) -> list[Assistant]:
    """The messages of the model that say something, each once."""
    said = [event for event in events if isinstance(event, AssistantEnded)]
    messages = [e.message for e in said if e.message.calls or e.message.content.strip() or e.unreadable]
    return [message for n, message in enumerate(messages) if not n or message != messages[n - 1]]


def check_nothing_is_lost(kept: Sequence[Event], conversation: Conversation) -> None:
    """Each message that was kept is in the history, and each result is that of its call."""
    messages = conversation.messages
    wanted = [message for message in spoken(kept) if message.calls or message.content.strip()]
    assert [m for m in messages if m in wanted and isinstance(m, Assistant)] == wanted
    assert {e.text for e in kept if isinstance(e, UserSaid)} <= {m.content for m in messages if isinstance(m, User)}
    steps = {event.message: event.step for event in kept if isinstance(event, AssistantEnded)}
    finished = {(e.step, e.index): e.content for e in kept if isinstance(e, ToolFinished)}
    started = {(e.step, e.index) for e in kept if isinstance(e, ToolStarted)}
    for message, found in results_of(messages):
        assert len(found) == len(message.calls)
        for call, result in zip(message.calls, found, strict=True):
            key = (steps[message], call.index)
            if key in finished:
                assert result == (finished[key] if finished[key].strip() else NO_OUTPUT)
            elif key in started:
                assert result in (INTERRUPTED, RESULT_LOST)
                assert "may have run" in result
            else:
                assert result in (INTERRUPTED, RESULT_LOST, NOT_STARTED)


def randomly(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A test that is run with this many sources of chance. Unlike choices that hypothesis makes one by one, they give
    long logs with a bit of everything."""

    def decorated(test: Callable[..., None]) -> Callable[..., None]:
        made = given(random=st.randoms(use_true_random=True))(test)
        return settings(derandomize=True, deadline=None, max_examples=examples)(made)

    return decorated


@randomly(400)
def test_a_whole_log_gives_the_same_conversation(random: Random) -> None:
    driver = Driver(random)
    events = driver.run()
    again, notes = rebuilt(loaded_of(events))
    replayed = Conversation.replay("system", closed_of(events))  # type: ignore[arg-type]
    assert again.messages == replayed.messages == driver.conversation.messages
    assert [again.state, again.step, again.profile] == [replayed.state, replayed.step, replayed.profile]
    assert again.open_calls == replayed.open_calls
    assert notes == ()
    check_nothing_is_lost(events, taken_up(events)[0])


@randomly(400)
def test_a_log_that_ends_anywhere(random: Random) -> None:
    """As after a crash. What did not begin is said not to have run, what had begun may have run."""
    events = Driver(random).run()
    kept = events[: random.randint(0, len(events))]
    before, notes = rebuilt(loaded_of(kept))
    assert notes == ()
    conversation, log = taken_up(kept)
    assert conversation.messages[: len(before.messages)] == before.messages
    check_nothing_is_lost(kept, conversation)
    if before.state is State.RUNNING:
        assert log[-1] == Interrupted()
        started = {e.index for e in kept if isinstance(e, ToolStarted) and e.step == before.step}
        (*_, (message, found)) = results_of(conversation.messages)
        answers = {call.index: result for call, result in zip(message.calls, found, strict=True)}
        assert {index: answers[index] for index in before.open_calls} == {
            index: INTERRUPTED if index in started else NOT_STARTED for index in before.open_calls
        }


def mutilated(random: Random, events: list[Event]) -> list[Event]:
    """The events with some lost, some there twice in a row, and perhaps the end cut off."""
    losses = random.choice([[1] * 30, [1] * 6, [1], []])
    kept = [event for event in events for _ in range(random.choice([1, 1, 1, *losses, 0, 0, 2]))]
    return kept[: random.choice([len(kept), random.randint(0, len(kept))])]


@randomly(600)
def test_a_log_with_lost_and_doubled_lines(random: Random) -> None:
    kept = mutilated(random, Driver(random).run())
    check_nothing_is_lost(kept, taken_up(kept)[0])


@randomly(300)
def test_a_log_in_any_order(random: Random) -> None:
    """Which nothing should lead to; it has to end well all the same."""
    events = Driver(random).run()
    taken_up(random.sample(events, len(events)))
    taken_up([random.choice(events) for _ in range(40)] if events else [])


@randomly(300)
def test_what_goes_on_behind_losses_is_read_again(random: Random) -> None:
    """Steps are numbered on where the history ends, which is no more where the log does."""
    events: list[Event] = []
    for life in range(4):
        conversation, events = taken_up(mutilated(random, events))
        events += Driver(random, conversation, f"life {life}: ").run()
        assert rebuilt(loaded_of(events))[0].messages == conversation.messages


@randomly(80)
def test_a_file_with_lost_and_doubled_lines(tmp_path_factory: pytest.TempPathFactory, random: Random) -> None:
    """The same by way of real files, with what else may stand in one."""
    log = SessionLog.begin(tmp_path_factory.mktemp("sessions"), HEADER, pytest.fail)
    for event in Driver(random).run():
        log(event)
    log(Interrupted())
    log.close()
    header, *lines = log.path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines for _ in range(random.choice([1, 1, 1, 1, 0, 2]))]
    junk = [b"", b"{\n", b"\xff\n", b'{"v": 9}\n', b'{"v": 1, "type": "user_sang"}\n']
    kept.insert(random.randint(0, len(kept)), random.choice(junk))
    whole = b"".join([header, *kept])
    log.path.write_bytes(whole[: random.randint(len(header), len(whole))])
    reopened, loaded = SessionLog.reopen(log.path, pytest.fail)
    conversation, events = taken_up(loaded.events)
    check_nothing_is_lost(loaded.events, conversation)
    for event in events[len(loaded.events) :]:
        reopened(event)
    reopened.close()
    assert rebuilt(load(log.path))[0].messages == conversation.messages


# Losses one by one.

LOOK, EDIT = Call(0, "look", "{}"), Call(1, "edit", "{}")
TURN: list[Event] = [
    UserSaid("do it"),
    AssistantEnded(0, Assistant("first", "", (LOOK, EDIT))),
    ToolStarted(0, 0, "look", "{}"),
    ToolFinished(0, 0, "seen"),
    ToolStarted(0, 1, "edit", "{}"),
    ToolFinished(0, 1, "edited"),
    AssistantEnded(1, Assistant("second", "", (LOOK, EDIT))),
    ToolStarted(1, 0, "look", "{}"),
    ToolFinished(1, 0, "seen again"),
    ToolStarted(1, 1, "edit", "{}"),
    ToolFinished(1, 1, "edited again"),
    AssistantEnded(2, Assistant("done")),
    TurnEnded("answered", "done", 3),
    UserSaid("and now?"),
    AssistantEnded(3, Assistant("nothing")),
    TurnEnded("answered", "nothing", 1),
]


def without(*numbers: int) -> list[Event]:
    return [event for number, event in enumerate(TURN) if number not in numbers]


def test_a_lost_result_is_said_to_be_lost_and_nothing_else_is() -> None:
    conversation, notes = rebuilt(loaded_of(without(5)))
    assert conversation.messages == (
        System("system"),
        User("do it"),
        Assistant("first", "", (LOOK, EDIT)),
        Result("seen"),
        Result(RESULT_LOST),
        Assistant("second", "", (LOOK, EDIT)),
        Result("seen again"),
        Result("edited again"),
        Assistant("done"),
        User("and now?"),
        Assistant("nothing"),
    )
    assert [("in 1 place" in note, "lost" in note) for note in notes] == [(True, True)]


def test_a_lost_result_of_the_last_call_of_a_turn() -> None:
    events: list[Event] = [*TURN[:10], TurnEnded("limit"), UserSaid("and now?"), AssistantEnded(2, Assistant("done"))]
    conversation, _ = rebuilt(loaded_of(events))
    assert conversation.messages[-3:] == (Result(RESULT_LOST), User("and now?"), Assistant("done"))


def test_a_turn_that_was_ended_has_run_its_calls() -> None:
    events: list[Event] = [*TURN[:2], TurnEnded("answered")]
    conversation, _ = taken_up(events)
    assert conversation.messages[-2:] == (Result(RESULT_LOST), Result(RESULT_LOST))
    assert closing(conversation, events) == []


def test_results_of_a_lost_message_are_not_those_of_another() -> None:
    conversation, notes = rebuilt(loaded_of(without(3, 5, 6)))
    assert [message.content for message in conversation.messages if isinstance(message, Result)] == [RESULT_LOST] * 2
    assert len(notes) == 2
    assert "2 places" in notes[0]
    assert "2 records" in notes[1]


def test_what_the_model_said_to_a_lost_prompt_is_kept() -> None:
    conversation, notes = rebuilt(loaded_of(without(0)))
    assert conversation.messages[:3] == (System("system"), User(PROMPT_LOST), Assistant("first", "", (LOOK, EDIT)))
    assert conversation.messages[3:] == rebuilt(loaded_of(TURN))[0].messages[3:]
    assert len(notes) == 1


def test_each_line_may_be_there_twice() -> None:
    whole = rebuilt(loaded_of(TURN))[0].messages
    for number, event in enumerate(TURN):
        twice = rebuilt(loaded_of([*TURN[:number], event, *TURN[number:]]))[0].messages
        assert twice == whole or (isinstance(event, UserSaid) and len(twice) == len(whole) + 1)


def test_the_same_answer_to_the_same_question_is_no_doubled_line() -> None:
    turn: list[Event] = [UserSaid("on?"), AssistantEnded(0, Assistant("yes")), TurnEnded("answered")]
    conversation, notes = rebuilt(loaded_of([*turn, *turn]))  # as behind a loss, where numbers come again
    assert len(conversation.messages) == 5
    assert notes == ()


def test_an_empty_answer_may_come_twice() -> None:
    empty = AssistantEnded(0, Assistant("", "hm"))
    conversation, notes = rebuilt(loaded_of([UserSaid("on?"), empty, empty, TurnEnded("failed")]))
    assert conversation.messages == (System("system"), User("on?"))
    assert notes == ()


@pytest.mark.parametrize("call", [Call(0, "look", "[1]"), Call(0, "", "{}"), Call(0, "look", "{")], ids=repr)
def test_a_message_that_can_not_be_sent_is_passed_over(call: Call) -> None:
    bad = AssistantEnded(0, Assistant("", "", (call,)))
    events: list[Event] = [UserSaid("on?"), bad, ToolFinished(0, 0, "x"), AssistantEnded(1, Assistant("yes"))]
    conversation, notes = rebuilt(loaded_of(events))
    assert conversation.messages == (System("system"), User("on?"), Assistant("yes"))
    assert notes == ("2 records of the session did not fit and could not be used",)
    taken_up(events)


# How a turn is closed that was left open.


def test_what_is_open_is_closed() -> None:
    """After each line of the log: the calls that are said not to have run, and whether the turn is interrupted."""
    found = []
    for number in range(len(TURN) + 1):
        conversation, _ = rebuilt(loaded_of(TURN[:number]))
        ends = closing(conversation, TURN[:number])
        assert all(event.content == NOT_STARTED and event.failed for event in ends if isinstance(event, ToolFinished))
        found.append([f"{e.step}.{e.index}" if isinstance(e, ToolFinished) else "interrupted" for e in ends])
    assert found == [
        [],
        ["interrupted"],
        ["0.0", "0.1", "interrupted"],
        ["0.1", "interrupted"],
        ["0.1", "interrupted"],
        ["interrupted"],
        ["interrupted"],
        ["1.0", "1.1", "interrupted"],
        ["1.1", "interrupted"],
        ["1.1", "interrupted"],
        ["interrupted"],
        ["interrupted"],
        [],
        [],
        ["interrupted"],
        [],
        [],
    ]


@pytest.mark.parametrize("change", [[], [ModelChanged("m2", "kimi_k2")]], ids=["at once", "behind another model"])
@pytest.mark.parametrize("end", [TurnEnded("failed"), Interrupted()], ids=["failed", "interrupted"])
def test_a_turn_that_was_ended_is_not_ended_again(end: Event, change: list[Event]) -> None:
    events: list[Event] = [UserSaid("do it"), Failed("server", "it broke"), end, *change]
    assert closing(rebuilt(loaded_of(events))[0], events) == []


def test_calls_that_had_begun_are_known_behind_a_doubled_line() -> None:
    events: list[Event] = [*TURN[:3], TURN[1]]
    conversation, _ = rebuilt(loaded_of(events))
    assert closing(conversation, events) == [ToolFinished(0, 1, NOT_STARTED, failed=True), Interrupted()]


def test_a_turn_is_closed_the_same_way_each_time_it_is_read() -> None:
    """Behind a lost message the log's steps and the history's are not the same."""
    again = AssistantEnded(2, Assistant("again", "", (LOOK, EDIT)))
    conversation, events = taken_up([*TURN[:6], again, ToolStarted(2, 1, "edit", "{}")])
    assert events[-2:] == [ToolFinished(2, 0, NOT_STARTED, failed=True), Interrupted()]
    assert conversation.messages[-2:] == (Result(NOT_STARTED), Result(INTERRUPTED))
    assert rebuilt(loaded_of(events))[1] == ()


def test_the_model_that_was_used_last() -> None:
    changes: list[Event] = [ModelChanged("first", "generic"), ModelChanged("second", "kimi_k2"), UserSaid("ho")]
    assert model_of(loaded_of(changes)) == "second"
    assert model_of(loaded_of([UserSaid("hi")])) == "m"


# Which sessions there are.


class Shelf:
    """A folder of sessions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, *events: Event, workspace: str = "/home/ann", at: float = 1e9) -> Path:
        header = Header(name, 1.0, workspace, "http://127.0.0.1:9/v1", "m", "system")
        log = SessionLog.begin(self.folder, header, pytest.fail)
        for event in events or (UserSaid("hi"),):
            log(event)
        log.close()
        os.utime(log.path, (at, at))
        return log.path

    def ids(self, workspace: str = "") -> list[str]:
        return [one.header.id for one in summaries(self.folder, workspace)]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "sessions")


def test_no_sessions_yet(shelf: Shelf) -> None:
    assert summaries(shelf.folder) == []
    shelf.folder.mkdir()
    assert summaries(shelf.folder) == []


def test_the_latest_comes_first(shelf: Shelf) -> None:
    shelf.add("20260101-000000-aaaa", at=3e9)
    shelf.add("20260102-000000-bbbb", at=1e9)
    shelf.add("20260103-000000-cccc", at=2e9)
    assert [name[-4:] for name in shelf.ids()] == ["aaaa", "cccc", "bbbb"]


def test_of_two_at_the_same_time_the_later_one_begun_comes_first(shelf: Shelf) -> None:
    for name in ("20260102-000000-bbbb", "20260103-000000-cccc", "20260101-000000-aaaa"):
        shelf.add(name, at=1e9)
    assert [name[-4:] for name in shelf.ids()] == ["cccc", "bbbb", "aaaa"]
    assert find(shelf.folder, "", "/home/ann").stem == "20260103-000000-cccc"


def test_only_those_of_a_workspace(shelf: Shelf) -> None:
    shelf.add("1-aaaa", workspace="/home/ann")
    shelf.add("2-bbbb", workspace="/home/ann/below")
    shelf.add("3-cccc", workspace="/wörk\udcff")  # a name that is no UTF-8
    assert shelf.ids("/home/ann") == ["1-aaaa"]
    assert shelf.ids("/wörk\udcff") == ["3-cccc"]
    assert shelf.ids("/wor") == []
    assert sorted(shelf.ids()) == ["1-aaaa", "2-bbbb", "3-cccc"]


@pytest.mark.parametrize(
    ("events", "title"),
    [
        ([ModelChanged("m", "kimi_k2"), UserSaid("\n  fix it\nplease"), UserSaid("more")], "fix it"),
        ([UserSaid(" \n ")], ""),
        ([UserSaid("")], ""),
        ([Interrupted()], ""),
        ([UserSaid("a\ud800b\u2028c")], "a\ud800b"),
        ([Interrupted()] * 30 + [UserSaid("late")], "late"),
        ([UserSaid("x" * 1_000_000)], "x" * 1_000_000),
    ],
    ids=["first line", "blank", "empty", "nothing said", "odd characters", "late", "long"],
)
def test_the_title_is_what_was_said_first(shelf: Shelf, events: list[Event], title: str) -> None:
    path = shelf.add("1-aaaa", *events, at=1.5e9)
    header = Header("1-aaaa", 1.0, "/home/ann", "http://127.0.0.1:9/v1", "m", "system")
    assert summaries(shelf.folder) == [Summary(header, path, title, 1.5e9)]


def test_a_title_behind_torn_lines(shelf: Shelf) -> None:
    path = shelf.add("1-aaaa", UserSaid("lost"), UserSaid("found"))
    header, said, more = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(header + said[:-5] + b"\n\n\xff\n[]\n" + more)
    assert [one.title for one in summaries(shelf.folder)] == ["found"]


def test_files_that_are_no_sessions_are_passed_over(shelf: Shelf) -> None:
    path = shelf.add("1-aaaa")
    whole = path.read_bytes()
    foreign = {
        "empty.jsonl": b"",
        "torn.jsonl": whole[:20],
        "newer.jsonl": whole.replace(b'"v": 1', b'"v": 2'),
        "headless.jsonl": whole.split(b"\n", 1)[1],
        "bytes.jsonl": bytes(range(256)) * 100,
        "deep.jsonl": b"[" * 100_000,
        "list.jsonl": b"[]\n",
        "notes.txt": whole,
        "1-aaaa.jsonl~": whole,
    }
    for name, data in foreign.items():
        (shelf.folder / name).write_bytes(data)
    (shelf.folder / "folder.jsonl").mkdir()
    (shelf.folder / "nowhere.jsonl").symlink_to("nothing here")
    (shelf.folder / "loop.jsonl").symlink_to("loop.jsonl")
    (shelf.folder / "device.jsonl").symlink_to("/dev/zero")
    os.mkfifo(shelf.folder / "pipe.jsonl")
    assert shelf.ids() == ["1-aaaa"]
    assert find(shelf.folder, "", "/home/ann") == find(shelf.folder, "1-aaaa") == path


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_can_not_be_read_is_passed_over(shelf: Shelf) -> None:
    shelf.add("1-aaaa").chmod(0)
    shelf.add("2-bbbb")
    assert shelf.ids() == ["2-bbbb"]


def test_what_is_listed_can_be_loaded(shelf: Shelf) -> None:
    path = shelf.add("1-aaaa", UserSaid("fix it"))
    (one,) = summaries(shelf.folder)
    assert one.path == path
    assert load(one.path).header == one.header


# How one is found.


@pytest.fixture
def full(shelf: Shelf) -> Shelf:
    shelf.add("20260101-120000-aaaa", at=1e9)
    shelf.add("20260101-120000-bbaa", at=3e9)
    shelf.add("20260102-120000-cccc", workspace="/other", at=4e9)
    shelf.add("20260103-120000-dddd", at=2e9)
    shelf.add("20260103-120000-dddd-more", at=1e9)
    return shelf


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("", "20260101-120000-bbaa"),
        ("20260101-120000-aaaa", "20260101-120000-aaaa"),
        ("aaaa", "20260101-120000-aaaa"),
        ("bbaa", "20260101-120000-bbaa"),
        ("0-aaaa", "20260101-120000-aaaa"),
        ("20260102", "20260102-120000-cccc"),
        ("cccc", "20260102-120000-cccc"),
        ("20260101-120000-a", "20260101-120000-aaaa"),
        ("20260103-120000-dddd", "20260103-120000-dddd"),
        ("20260103-120000-dddd-", "20260103-120000-dddd-more"),
    ],
)
def test_a_session_is_found(full: Shelf, name: str, found: str) -> None:
    assert find(full.folder, name, "/home/ann") == full.folder / f"{found}.jsonl"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("20260101", r"2 sessions are called like '20260101'; .*agent sessions"),
        ("aa", "2 sessions"),
        ("2", "5 sessions"),
        ("120000", "no session '120000'.*agent sessions"),
        ("AAAA", "no session"),
        ("20260101-120000-aaaa.jsonl", "no session"),
        ("../sessions/20260101-120000-aaaa", "no session"),
        ("*", "no session"),
        ("\0", "no session"),
    ],
)
def test_a_session_that_is_not_found(full: Shelf, name: str, said: str) -> None:
    with pytest.raises(SessionError, match=said):
        find(full.folder, name, "/home/ann")


def test_there_is_no_latest_session_of_a_folder_without_any(full: Shelf, tmp_path: Path) -> None:
    for folder, workspace in ((full.folder, "/elsewhere"), (tmp_path / "nowhere", "/home/ann")):
        with pytest.raises(SessionError, match=r"no session in this folder yet.*agent sessions --all"):
            find(folder, "", workspace)
    assert find(full.folder, "", "/other").stem == "20260102-120000-cccc"


def test_a_title_is_text_whatever_stands_there(shelf: Shelf) -> None:
    path = shelf.add("1-aaaa")
    with path.open("ab") as file:
        file.write(json.dumps({"v": 1, "type": "user_said", "text": ["no", "text"]}).encode() + b"\n")
    header, _, odd = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(header + odd)
    assert [one.title for one in summaries(shelf.folder)] == ["['no', 'text']"]

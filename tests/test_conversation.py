"""Whatever happens in whatever order, the history can be sent, and every call has exactly one result."""

import json
from typing import Any, get_args

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from roundtrip.agent.conversation import _TABLE, INTERRUPTED, Conversation, ConversationError, State
from roundtrip.agent.events import (
    AssistantEnded,
    ClosedEvent,
    Compacted,
    Interrupted,
    ModelChanged,
    Rewound,
    ToolFinished,
    Unreadable,
    UserSaid,
    from_json,
    to_json,
)
from roundtrip.agent.messages import Assistant, Call, Result, User
from roundtrip.agent.wire.preflight import preflight
from roundtrip.agent.wire.profiles import PROFILES
from roundtrip.agent.wire.render import render

CALL = Call(0, "read_file", '{"path": "a"}')
EVENTS: dict[type, ClosedEvent] = {
    UserSaid: UserSaid("hello"),
    AssistantEnded: AssistantEnded(0, Assistant("hi")),
    ToolFinished: ToolFinished(0, 0, "done"),
    Interrupted: Interrupted(),
    Compacted: Compacted("all of it", 1),
    Rewound: Rewound(1),
    ModelChanged: ModelChanged("m", "kimi_k2"),
}


def in_state(state: State) -> Conversation:
    conversation = Conversation("system")
    if state is not State.READY:
        conversation.apply(UserSaid("do it"))
    if state is State.RUNNING:
        conversation.apply(AssistantEnded(0, Assistant("", "", (CALL,))))
    return conversation


@pytest.mark.parametrize("event_class", get_args(ClosedEvent))
@pytest.mark.parametrize("state", State)
def test_the_table_is_the_whole_truth(state: State, event_class: type) -> None:
    conversation = in_state(state)
    assert conversation.state is state
    if (state, event_class) in _TABLE:
        conversation.apply(EVENTS[event_class])
    else:
        before = conversation.messages
        with pytest.raises(ConversationError):
            conversation.apply(EVENTS[event_class])
        assert conversation.messages == before
        assert conversation.state is state


@pytest.mark.parametrize(
    "event",
    [ToolFinished(0, 1, "no such call"), ToolFinished(1, 0, "another step")],
    ids=["index", "step"],
)
def test_a_result_for_no_open_call_is_a_mistake(event: ToolFinished) -> None:
    conversation = in_state(State.RUNNING)
    with pytest.raises(ConversationError):
        conversation.apply(event)


def test_a_second_result_is_a_mistake() -> None:
    conversation = Conversation("system")
    conversation.apply(UserSaid("do it"))
    conversation.apply(AssistantEnded(0, Assistant("", "", (CALL, Call(1, "read_file", "{}")))))
    conversation.apply(ToolFinished(0, 1, "second"))
    with pytest.raises(ConversationError):
        conversation.apply(ToolFinished(0, 1, "again"))


def test_arguments_that_are_no_object_never_enter() -> None:
    conversation = in_state(State.ASKED)
    with pytest.raises(ConversationError):
        conversation.apply(AssistantEnded(0, Assistant("", "", (Call(0, "read_file", "[]"),))))


def test_an_answer_with_nothing_in_it_is_not_stored() -> None:
    conversation = in_state(State.ASKED)
    conversation.apply(AssistantEnded(0, Assistant(" \n", "only thoughts")))
    assert conversation.state is State.ASKED
    assert conversation.messages[-1] == User("do it")


def test_what_the_user_says_while_tools_run_comes_behind_the_results() -> None:
    conversation = in_state(State.RUNNING)
    conversation.apply(UserSaid("faster"))
    assert conversation.messages[-1] == Assistant("", "", (CALL,))
    conversation.apply(ToolFinished(0, 0, ""))
    assert conversation.messages[-2:] == (Result("(no output)"), User("faster"))


def test_what_was_taken_back_is_gone_and_steps_are_numbered_on() -> None:
    conversation = in_state(State.RUNNING)
    conversation.apply(ToolFinished(0, 0, "done"))
    conversation.apply(AssistantEnded(1, Assistant("done")))
    conversation.apply(UserSaid("and now?"))
    conversation.apply(Rewound(4 + 1))
    assert conversation.messages[-1] == Assistant("done")
    conversation.apply(Rewound(1))
    assert conversation.messages == Conversation("system").messages
    conversation.apply(UserSaid("do that"))
    with pytest.raises(ConversationError):
        conversation.apply(AssistantEnded(0, Assistant("a number that is taken")))
    conversation.apply(AssistantEnded(2, Assistant("fine")))


@pytest.mark.parametrize("cut", [-1, 0, 2, 3, 5, 99], ids=lambda cut: f"at {cut}")
def test_only_messages_of_the_users_are_a_place_to_go_back_to(cut: int) -> None:
    conversation = in_state(State.RUNNING)
    conversation.apply(ToolFinished(0, 0, "done"))
    before = conversation.messages
    with pytest.raises(ConversationError):
        conversation.apply(Rewound(cut))
    assert conversation.messages == before


def test_an_interrupted_call_may_have_run() -> None:
    conversation = in_state(State.RUNNING)
    conversation.apply(Interrupted())
    assert conversation.messages[-1] == Result(INTERRUPTED)
    assert conversation.state is State.READY


NOTE = "A tool call in your last message"
texts = st.sampled_from(["", " ", "text", "<|im_end|>", "a</think>b", "<\u200b|tool_call_begin|>", "x" * 50, "äöü 🎉"])
names = st.sampled_from(["read_file", "write_to_file", "no such tool!", "<|im_end|>"])
objects = st.sampled_from(["{}", '{"path":"a.py"}', '{ "content" : "<|tool_call_end|>" }', '{"a": "\\u003c|im_end|>"}'])
ids = st.sampled_from(["", "functions.read_file:0", "call_1", "call_1", "abcdefghi", "very odd id"])
problems = st.sampled_from(["", "", "", "the call was cut off"])


class Interleavings(RuleBasedStateMachine):
    """Drives a conversation with everything that can happen, in every order."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[ClosedEvent] = []
        self.calls: list[tuple[int, int]] = []
        self.results: dict[tuple[int, int], str] = {}
        self.said: list[str] = []
        self.sent: dict[str, list[Any]] = {}

    @initialize(system=texts)
    def begin(self, system: str) -> None:
        self.system = system or "system"
        self.conversation = Conversation(self.system)

    def apply(self, event: ClosedEvent) -> None:
        self.conversation.apply(event)
        self.log.append(event)

    @rule(text=texts.filter(str.strip))
    def user_says(self, text: str) -> None:
        self.apply(UserSaid(text))
        self.said.append(text)

    @precondition(lambda self: self.conversation.state is State.ASKED)
    @rule(
        content=texts,
        reasoning=texts,
        field=st.sampled_from(["reasoning_content", "reasoning"]),
        calls=st.lists(st.tuples(names, objects, ids, problems), max_size=3),
        gap=st.integers(0, 2),
        unreadable=st.lists(st.just(Unreadable("call_x", "{", "it names no tool")), max_size=2),
    )
    def assistant_ends(
        self, content: str, reasoning: str, field: str, calls: list[Any], gap: int, unreadable: list[Unreadable]
    ) -> None:
        made = tuple(
            Call(gap + n, name, arguments, arguments, call_id, problem)
            for n, (name, arguments, call_id, problem) in enumerate(calls)
        )
        step = self.conversation.step
        self.apply(AssistantEnded(step, Assistant(content, reasoning, made, field), tuple(unreadable)))
        self.calls += [(step, call.index) for call in made]

    @precondition(lambda self: self.conversation.state is State.RUNNING)
    @rule(data=st.data(), content=texts)
    def a_tool_finishes(self, data: st.DataObject, content: str) -> None:
        index = data.draw(st.sampled_from(self.conversation.open_calls))
        step = self.conversation.step
        self.apply(ToolFinished(step, index, content))
        self.results[step, index] = content if content.strip() else "(no output)"

    @rule()
    def the_user_interrupts(self) -> None:
        step = self.conversation.step
        for index in self.conversation.open_calls:
            self.results[step, index] = INTERRUPTED
        self.apply(Interrupted())

    @rule(profile=st.sampled_from(sorted(PROFILES)))
    def the_model_changes(self, profile: str) -> None:
        self.apply(ModelChanged("m", profile))

    @precondition(lambda self: self.conversation.state is not State.RUNNING and self.said)
    @rule(data=st.data())
    def the_user_goes_back(self, data: st.DataObject) -> None:
        before = self.conversation.messages
        cut = data.draw(st.sampled_from([n for n, message in enumerate(before) if isinstance(message, User)]))
        self.apply(Rewound(cut))
        assert self.conversation.messages == before[:cut]
        assert self.conversation.state is State.READY
        kept = [message.content for message in before[:cut] if isinstance(message, User)]
        self.said = self.said[: sum(not text.startswith(NOTE) for text in kept)]
        self.calls = self.calls[: sum(isinstance(message, Result) for message in before[:cut])]
        self.sent = {}

    @invariant()
    def it_can_be_sent(self) -> None:
        if not self.conversation.sendable:
            return
        for name, profile in PROFILES.items():
            messages = render(self.conversation.messages, (), "m", profile)["messages"]
            assert preflight({"messages": messages}, profile) == []
            before = self.sent.get(name, [])
            assert messages[: len(before)] == before, "request n+1 begins with request n"
            self.sent[name] = messages

    @invariant()
    def every_call_has_one_result_in_call_order(self) -> None:
        if self.conversation.sendable:
            expected = [self.results[key] for key in self.calls]
            found = [message.content for message in self.conversation.messages if isinstance(message, Result)]
            assert found == expected

    @invariant()
    def nothing_that_was_said_is_lost(self) -> None:
        if self.conversation.sendable:
            texts = [m.content for m in self.conversation.messages if isinstance(m, User)]
            notes = [text for text in texts if text.startswith(NOTE)]
            assert sorted(texts) == sorted(self.said + notes)

    @invariant()
    def the_log_rebuilds_it(self) -> None:
        events = [from_json(json.loads(json.dumps(to_json(event)))) for event in self.log]
        again = Conversation.replay(self.system, events)  # type: ignore[arg-type]
        assert again.messages == self.conversation.messages
        assert again.state is self.conversation.state


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(derandomize=True, deadline=None, max_examples=150, stateful_step_count=25)

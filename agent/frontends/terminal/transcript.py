"""Events in, blocks out: what goes to the scrollback for good, and what is shown only as long as it lasts.

Strategy. What is printed can't be taken back, so a block is committed when it can't change any more. Until then it
is `live`. Reasoning is committed when text begins. Text is committed block by block only if reasoning came before it:
without that, a later `</think>` may turn all of it into reasoning, and behind a call that has begun it may still be
part of it; then it is held until the message has ended. The end decides: `AssistantEnded` says what the message was,
and commits what of it is not committed yet. So a log without deltas, replayed, is shown in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final

from roundtrip.agent.events import (
    ArgumentDelta,
    AssistantEnded,
    CallBegun,
    CallDropped,
    Event,
    Failed,
    Interrupted,
    ModelChanged,
    ReasoningDelta,
    RequestSent,
    Retrying,
    Rewound,
    TextDelta,
    ToolFinished,
    ToolOutput,
    ToolStarted,
    TurnEnded,
    UserSaid,
)
from roundtrip.agent.frontends.terminal.asking import NO, said
from roundtrip.agent.frontends.terminal.blocks import Block
from roundtrip.agent.frontends.terminal.excerpts import first_lines, folded, last_lines
from roundtrip.agent.frontends.terminal.markdown import MarkdownStream
from roundtrip.agent.frontends.words import call_line, count, for_people, note_for_people, shown_command
from roundtrip.agent.messages import Call
from roundtrip.agent.plain import readable
from roundtrip.agent.runtime.checkpoints.news import without_note

_TITLE, _FAILED_TITLE = 50, 100
"""Characters of what a call is about that stand before its outcome; that of a failed one may take several lines."""

_KEPT: Final = 4096
"""Characters of live output that are kept."""

_DIFFS: Final = re.compile(r"^--- .*\n\+\+\+ .*\n@@ ", re.MULTILINE)

_TAKEN_BACK: Final = "(the answer above is not what the model said in the end, which is:)"

_REWOUND: Final = "the conversation was taken back; the model knows nothing of what came since"


@dataclass(slots=True)
class _Message:
    """The model's message as far as it has come. committed: text that is in the scrollback."""

    stream: MarkdownStream = field(default_factory=MarkdownStream)
    held: list[Block] = field(default_factory=list)
    committed: str = ""
    text: bool = False
    reasoning: list[str] = field(default_factory=list)
    thought: bool = False
    """Whether the reasoning is committed."""
    certain: bool = False
    calls: dict[int, tuple[str, int]] = field(default_factory=dict)
    """Calls that are being written: name and size of the arguments."""


class Transcript:
    """Called with an event, gives the blocks to commit."""

    def __init__(self) -> None:
        self._message = _Message()
        self._calls: dict[int, Call] = {}
        self._running: dict[int, str] = {}
        """Live output of the calls that run."""
        self._previewed: set[int] = set()
        self._said = ""
        self._handlers: Mapping[type, Callable[[Any], list[Block]]] = {
            UserSaid: self._user,
            RequestSent: self._sent,
            ReasoningDelta: self._reasoning,
            TextDelta: self._text,
            CallBegun: self._call_begun,
            ArgumentDelta: self._argument,
            CallDropped: self._dropped,
            AssistantEnded: self._ended,
            ToolStarted: self._started,
            ToolOutput: self._output,
            ToolFinished: self._finished,
            Interrupted: self._interrupted,
            Retrying: self._retrying,
            Failed: self._failed,
            ModelChanged: self._changed,
            Rewound: self._rewound,
            TurnEnded: self._over,
        }

    def __call__(self, event: Event) -> list[Block]:
        handler = self._handlers.get(type(event))
        return handler(event) if handler else []

    def previewed(self, index: int) -> None:
        """The change that this call makes has been shown before it runs."""
        self._previewed.add(index)

    @property
    def live(self) -> tuple[Block, ...]:
        """What may still change."""
        message = self._message
        thinking = message.reasoning and not message.thought
        blocks = [Block("reasoning", "".join(message.reasoning))] if thinking else []
        blocks += [*message.held, *message.stream.tail]
        blocks += [Block("running", f"{name or 'a call'} … {count(size)} characters") for name, size in
                   message.calls.values()]  # fmt: skip
        for index, output in self._running.items():
            call = self._calls[index]
            if "command" not in call.parsed:  # a command stands there already
                blocks.append(Block("running", call_line(call.name, call.parsed)))
            shown = last_lines(readable(output))
            blocks += [Block("output", shown, follows=True)] if shown.strip() else []
        return tuple(blocks)

    def _user(self, event: UserSaid) -> list[Block]:
        text = without_note(event.text)
        note = event.text.removesuffix(text).strip()
        return [*([Block("note", note)] if note else []), Block("user", text)]

    def _sent(self, event: RequestSent) -> list[Block]:
        shown = self._message.committed or self._message.thought
        self._message = _Message()
        return [Block("note", "(broken off, and asked again)")] if shown else []

    def _reasoning(self, event: ReasoningDelta) -> list[Block]:
        message = self._message
        message.reasoning.append(event.text)
        message.certain = message.certain or not message.text
        return []

    def _text(self, event: TextDelta) -> list[Block]:
        message = self._message
        text = event.text if message.text else event.text.lstrip()
        if not text:
            return []
        message.text = True
        blocks = message.stream.feed(text)
        if not message.certain:
            message.held += blocks
            return []
        message.committed += "".join(block.text for block in blocks)
        return [*self._thought(), *blocks]

    def _thought(self) -> list[Block]:
        """The reasoning, once."""
        message = self._message
        reasoning = "".join(message.reasoning).strip()
        if message.thought or not reasoning:
            return []
        message.thought = True
        return [Block("reasoning", reasoning)]

    def _call_begun(self, event: CallBegun) -> list[Block]:
        self._message.certain = False
        self._message.calls[event.index] = (event.name.removeprefix("functions.").partition(":")[0], 0)
        return []

    def _argument(self, event: ArgumentDelta) -> list[Block]:
        name, size = self._message.calls.get(event.index, ("", 0))
        self._message.calls[event.index] = (name, size + len(event.text))
        return []

    def _dropped(self, event: CallDropped) -> list[Block]:
        self._message.calls.pop(event.index, None)
        return []

    def _ended(self, event: AssistantEnded) -> list[Block]:
        self._message.reasoning = [event.message.reasoning]
        blocks = [*self._thought(), *self._rest(event.message.content.strip())]
        blocks += [Block("failed", f"a call that could not be read: {call.reason}") for call in event.unreadable]
        self._message = _Message()
        self._calls = {call.index: call for call in event.message.calls}
        self._running, self._previewed = {}, set()
        self._said = event.message.content.strip()
        return blocks

    def _rest(self, content: str) -> list[Block]:
        """The blocks of the content that are not committed yet."""
        stream, committed = MarkdownStream(), self._message.committed
        blocks = [*stream.feed(content), *stream.finish()]
        sizes = list(accumulate((len(block.text) for block in blocks), initial=0))
        done = next((number for number, size in enumerate(sizes) if size >= len(committed.rstrip())), len(blocks))
        if content.startswith(committed.rstrip()) and sizes[done] <= len(committed):
            return blocks[done:]
        return [Block("note", _TAKEN_BACK), *blocks]

    def _started(self, event: ToolStarted) -> list[Block]:
        call = self._calls.get(event.index)
        if call is None:
            return []
        self._running[event.index] = ""
        if isinstance(call.parsed.get("command"), str) and event.index not in self._previewed:
            return [Block("command", shown_command(call.parsed))]
        return []

    def _output(self, event: ToolOutput) -> list[Block]:
        if event.index in self._running:
            self._running[event.index] = (self._running[event.index] + event.text)[-_KEPT:]
        return []

    def _finished(self, event: ToolFinished) -> list[Block]:
        call = self._calls.get(event.index)
        ran = self._running.pop(event.index, None) is not None
        if call is None:
            return []
        output = event.content.strip().partition("\n")[2]
        diff = event.details.startswith("--- ")
        command = isinstance(call.parsed.get("command"), str)
        more = "" if diff else event.details.partition("\n")[2]
        outcome = _outcome(event) if command else _titled(call, _outcome(event), event.failed)
        blocks = [Block("failed" if event.failed else "call", outcome, follows=True)]
        if command and not ran and event.index not in self._previewed:
            blocks.insert(0, Block("command", shown_command(call.parsed)))
        if command and output.strip():
            blocks.append(Block("output", folded(output.removesuffix(f"\n({more})")), follows=True))
        if diff and event.index not in self._previewed:
            blocks.append(Block("diff", first_lines(event.details), follows=True))
        if more:
            blocks.append(Block("list", note_for_people(more), follows=True))
        if event.refused and (words := said(event.content)):
            blocks.append(Block("user", words))
        self._previewed.clear()  # what was shown meanwhile was of a call that this one made (`new_task`)
        return blocks

    def _interrupted(self, event: Interrupted) -> list[Block]:
        blocks = self._partial()
        for index, output in self._running.items():
            call = self._calls[index]
            what = "not answered" if "question" in call.parsed else "stopped; what it did until then stays"
            above = "command" in call.parsed and len(self._calls) == 1  # the command itself
            title = "" if above else f"{call_line(call.name, call.parsed, _FAILED_TITLE)}: "
            blocks.append(Block("failed", f"{title}{what}", follows=True))
            shown = folded(readable(output))
            blocks += [Block("output", shown, follows=True)] if shown.strip() else []
        self._running = {}
        return [*blocks, Block("note", "interrupted")]

    def _partial(self) -> list[Block]:
        """What came of a message that has no end."""
        message = self._message
        blocks = [*self._thought(), *message.held, *message.stream.finish()]
        self._message = _Message()
        return blocks

    def _retrying(self, event: Retrying) -> list[Block]:
        pause = f" in {event.seconds:.0f} s" if event.seconds >= 1 else ""
        return [*self._partial(), Block("note", f"asking again{pause}: {event.reason}")]

    def _failed(self, event: Failed) -> list[Block]:
        return [*self._partial(), Block("error", event.text)]

    def _changed(self, event: ModelChanged) -> list[Block]:
        return [Block("note", f"the model is {event.model}, which speaks as {event.profile}")]

    def _rewound(self, event: Rewound) -> list[Block]:
        return [Block("note", _REWOUND)]

    def _over(self, event: TurnEnded) -> list[Block]:
        blocks = self._partial()
        if event.outcome == "answered" and event.answer != self._said:  # attempt_completion
            stream = MarkdownStream()
            blocks += [*stream.feed(event.answer), *stream.finish()]
        return blocks


def _outcome(event: ToolFinished) -> str:
    """What came of a call, in a line for people."""
    if event.refused and not event.details:
        return NO if said(event.content) else for_people(event.content.strip())
    first = event.content.strip().partition("\n")[0]
    if not event.details.startswith("--- "):
        return event.details.partition("\n")[0] or first
    more = len(_DIFFS.findall(event.details)) - 1
    return f"{first}, and {more} more file{'s' * (more > 1)}" if more > 0 else first


def _titled(call: Call, outcome: str, failed: bool) -> str:
    """The outcome behind what the call is about, which is named once."""
    about = call_line(call.name, call.parsed).partition(" ")[2]
    if about and outcome.startswith(f"{about}: "):
        outcome = outcome.removeprefix(f"{about}: ")
    elif about and re.search(rf"(?<!\S){re.escape(about)}(?=[,;:.]?(?:\s|$))", outcome):
        return f"{call.name}: {outcome}"
    return f"{call_line(call.name, call.parsed, _FAILED_TITLE if failed else _TITLE)}: {outcome}"

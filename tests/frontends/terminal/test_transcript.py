"""What is committed to the scrollback is what the model said, once, and nothing that may still change."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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
    Reclassified,
    RequestSent,
    Retrying,
    TextDelta,
    ToolFinished,
    ToolOutput,
    ToolStarted,
    TurnEnded,
    Unreadable,
    UserSaid,
)
from roundtrip.agent.frontends.terminal.blocks import Block
from roundtrip.agent.frontends.terminal.transcript import Transcript
from roundtrip.agent.frontends.words import call_line
from roundtrip.agent.messages import Assistant, Call
from roundtrip.agent.runtime.sandbox.tell_tales import Ran, note

SENT = RequestSent(0, 2, 100)
PROSE = ("text", "fence", "code")
DOCUMENT = "# Title\n\nOne.\n\n- a\n- b\n\n```python\nx = 1\n\ny = 2\n```\n\n| a |\n|---|\n| b |\n\nThe end."


def run(events: Iterable[Event], transcript: Transcript | None = None) -> list[Block]:
    transcript = transcript or Transcript()
    return [block for event in events for block in transcript(event)]


def prose(blocks: Iterable[Block]) -> str:
    return "".join(block.text for block in blocks if block.kind in PROSE)


def ended(content: str, reasoning: str = "", *calls: Call) -> AssistantEnded:
    return AssistantEnded(0, Assistant(content, reasoning, calls))


def pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def read(index: int = 0) -> Call:
    return Call(index, "read_file", '{"path": "a.txt"}')


COMMAND = Call(0, "execute_command", '{"command": "make\\ntest"}')


@settings(derandomize=True, deadline=None)
@given(
    st.lists(st.sampled_from(["a", " b ", "\n", "\n\n", "- c\n", "```\n", "# d\n", "> e\n", "</think>", "| f |\n"])),
    st.integers(1, 7),
    st.booleans(),
)
def test_all_of_the_content_is_committed_once(parts: list[str], size: int, thinks: bool) -> None:
    content = "".join(parts)
    thought = [ReasoningDelta("Hm. "), ReasoningDelta("Well.")] if thinks else []
    transcript = Transcript()
    streamed = run([SENT, *thought, *map(TextDelta, pieces(content, size))], transcript)
    end = transcript(ended(content.strip(), "Hm. Well." if thinks else ""))
    assert prose([*streamed, *end]).strip() == content.strip()
    assert [block.text for block in [*streamed, *end] if block.kind == "reasoning"] == ["Hm. Well."] * thinks
    assert transcript.live == ()


@pytest.mark.parametrize("size", [1, 5, 1000])
@pytest.mark.parametrize("thinks", [False, True])
def test_a_log_without_deltas_is_shown_in_the_same_way(size: int, thinks: bool) -> None:
    reasoning = "Hm." if thinks else ""
    deltas = [ReasoningDelta(piece) for piece in reasoning] + [TextDelta(piece) for piece in pieces(DOCUMENT, size)]
    assert run([SENT, *deltas, ended(DOCUMENT, reasoning)]) == run([ended(DOCUMENT, reasoning)])


def test_text_is_committed_as_it_comes_if_reasoning_came_before() -> None:
    blocks = run([SENT, ReasoningDelta("Hm."), TextDelta(DOCUMENT)])
    assert [block.kind for block in blocks[:2]] == ["reasoning", "text"]
    assert prose(blocks).startswith("# Title\n\nOne.")


def test_text_that_may_be_reasoning_is_not_committed() -> None:
    transcript = Transcript()
    assert run([SENT, TextDelta("Let me think.\n\nOr not.\n\n"), TextDelta("</think>Yes.")], transcript) == []
    assert "Let me think." in prose(transcript.live), "but shown"
    took_back = Reclassified("text", "reasoning", "Let me think.\n\nOr not.\n\n")
    blocks = run([took_back, ended("Yes.", "Let me think.\n\nOr not.")], transcript)
    kinds = [(block.kind, block.text) for block in blocks]
    assert kinds == [("reasoning", "Let me think.\n\nOr not."), ("text", "Yes.")]


def test_text_behind_a_call_is_held() -> None:
    """Reasoning that goes on behind a call is reasoning, too."""
    transcript = Transcript()
    run([SENT, ReasoningDelta("Hm."), TextDelta("Now.\n\n"), CallBegun(0, "functions.read_file:0")], transcript)
    assert run([TextDelta("One.\n\nTwo.\n\nThree.")], transcript) == []


def test_what_was_committed_and_is_not_so_is_said_to_be() -> None:
    transcript = Transcript()
    assert prose(run([SENT, ReasoningDelta("Hm."), TextDelta("Committed.\n\nPending.\n")], transcript))
    blocks = transcript(ended("Something else.", "Hm."))
    assert [block.kind for block in blocks] == ["note", "text"]
    assert prose(blocks) == "Something else."


def test_a_call_is_one_line_with_its_outcome() -> None:
    told = ToolFinished(0, 0, "a.txt: 1 line\n1|x", "a.txt: 1 line of 1")
    blocks = run([ended("", "", read()), ToolStarted(0, 0, "read_file", "{}"), told])
    assert blocks == [Block("call", "read_file a.txt: 1 line of 1", follows=True)]
    failed = run([ended("", "", read()), ToolFinished(0, 0, "a.txt does not exist.\nmore", failed=True)])
    assert failed == [Block("failed", "read_file: a.txt does not exist.", follows=True)]


def test_what_a_tool_tells_in_several_lines_is_shown_below_its_outcome() -> None:
    todos = Call(0, "TodoWrite", '{"todos": [{"content": "a", "status": "completed"}]}')
    told = ToolFinished(0, 0, "The list is kept.", "1 of 2 done\n[x] a\n[ ] b")
    assert run([ended("", "", todos), ToolStarted(0, 0, "TodoWrite", "{}"), told]) == [
        Block("call", "TodoWrite: 1 of 2 done", follows=True),
        Block("list", "[x] a\n[ ] b", follows=True),
    ]


def test_a_command_is_shown_whole_before_it_runs_and_its_output_folded() -> None:
    output = "".join(f"line {n}\n" for n in range(100))
    blocks = run(
        [
            ended("", "", COMMAND),
            ToolStarted(0, 0, "execute_command", "{}"),
            ToolFinished(0, 0, f"exit code 0.\n{output}", "exit code 0, 1.0 s"),
        ]
    )
    assert [block.kind for block in blocks] == ["command", "call", "output"]
    assert blocks[0].text == "make\ntest"
    assert blocks[1].text == "exit code 0, 1.0 s"
    assert blocks[2].text.split("\n")[2:5] == ["line 2", "… 92 more lines: /output …", "line 95"]


def test_a_command_that_was_asked_about_is_not_shown_again() -> None:
    transcript = Transcript()
    run([ended("", "", COMMAND)], transcript)
    transcript.previewed(0)
    assert transcript(ToolStarted(0, 0, "execute_command", "{}")) == []


@pytest.mark.parametrize("ran", [False, True])
@pytest.mark.parametrize("name", ["cwd", "workdir"])
def test_where_a_command_runs_is_shown(name: str, ran: bool) -> None:
    transcript = Transcript()
    call = Call(0, "execute_command", f'{{"command": "rm *", "{name}": "tests"}}')
    started = [ToolStarted(0, 0, call.name, "{}")] * ran
    blocks = run([ended("", "", call), *started, ToolFinished(0, 0, "exit code 0.")], transcript)
    assert blocks[0] == Block("command", "(in tests) rm *")
    assert [block.kind for block in blocks] == ["command", "call"]


def test_which_of_several_commands_was_stopped_is_said() -> None:
    second = Call(1, "write_to_file", '{"path": "a"}')
    started = [ended("", "", COMMAND, second), ToolStarted(0, 0, "execute_command", "{}")]
    blocks = run([*started, ToolFinished(0, 1, "Not run.", failed=True), Interrupted()])
    assert blocks[-2].text == "execute_command make test: stopped; what it did until then stays"


def test_the_output_of_a_command_is_live() -> None:
    transcript = Transcript()
    run([ended("", "", COMMAND), ToolStarted(0, 0, "execute_command", "{}")], transcript)
    run([ToolOutput(0, 0, "".join(f"line {n}\n" for n in range(50)))], transcript)
    assert transcript.live == (Block("output", "line 45\nline 46\nline 47\nline 48\nline 49", follows=True),)


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["\x1b[32m 51%\x1b", "[0m [####]\r", "\x1b[32m100%\x1b[0m [####]\n"], "100% [####]"),
        (["10%\r20%\r"], "20%"),
        (["a\r\nb\r\n"], "a\nb"),
        (["\x1b]0;title\x07\x1b[2J"], None),
    ],
)
def test_live_output_is_what_a_terminal_would_show(pieces: list[str], shown: str | None) -> None:
    transcript = Transcript()
    run([ended("", "", COMMAND), ToolStarted(0, 0, "execute_command", "{}")], transcript)
    run([ToolOutput(0, 0, piece) for piece in pieces], transcript)
    expected = Block("output", shown or "", follows=True)
    assert transcript.live == ((expected,) if shown else ())
    assert (expected in run([Interrupted()], transcript)) == bool(shown)


@pytest.mark.parametrize("asked", [False, True])
def test_a_diff_is_shown_once(asked: bool) -> None:
    transcript = Transcript()
    run([ended("", "", Call(0, "write_to_file", '{"path": "a"}'))], transcript)
    if asked:
        transcript.previewed(0)
    blocks = transcript(ToolFinished(0, 0, "created a, 1 line", "--- a\n+++ a\n@@ -0,0 +1 @@\n+x"))
    assert [block.kind for block in blocks] == ["call"] if asked else ["call", "diff"]
    assert blocks[0].text == "write_to_file: created a, 1 line"


def test_a_call_that_is_being_written_is_live() -> None:
    transcript = Transcript()
    run([SENT, CallBegun(0, "functions.write_to_file:0"), ArgumentDelta(0, "x" * 1500)], transcript)
    assert transcript.live == (Block("running", "write_to_file … 1.5k characters"),)
    run([CallDropped(0, "it is none")], transcript)
    assert transcript.live == ()


def test_what_was_seen_of_a_message_that_broke_off_stays() -> None:
    blocks = run([SENT, TextDelta("One.\n\nTw"), Interrupted(), TurnEnded("interrupted")])
    assert prose(blocks) == "One.\n\nTw"
    assert blocks[-1] == Block("note", "interrupted")
    blocks = run([SENT, TextDelta("One.\n\nTw"), Retrying(1, 3.0, "cut"), SENT, TextDelta("Again."), ended("Again.")])
    assert [block.kind for block in blocks] == ["text", "text", "note", "text"]


def test_what_an_interrupted_tool_did_stays() -> None:
    blocks = run([ended("", "", read()), ToolStarted(0, 0, "read_file", "{}"), Interrupted()])
    assert [block.kind for block in blocks] == ["failed", "note"]
    assert "stopped; what it did until then stays" in blocks[0].text
    asked = Call(0, "ask_followup_question", '{"question": "Q?"}')
    blocks = run([ended("", "", asked), ToolStarted(0, 0, asked.name, "{}"), Interrupted()])
    assert blocks[0].text == "ask_followup_question Q?: not answered"


def test_the_answer_of_attempt_completion_is_shown_and_no_other_twice() -> None:
    assert prose(run([ended("Hello."), TurnEnded("answered", "Hello.")])) == "Hello."
    assert prose(run([ended("", "", read()), TurnEnded("answered", "All **done**.")])) == "All **done**."


@pytest.mark.parametrize(
    ("event", "kind", "text"),
    [
        (UserSaid("hi"), "user", "hi"),
        (Failed("cut", "no server"), "error", "no server"),
        (ModelChanged("m", "kimi_k2"), "note", "kimi_k2"),
        (AssistantEnded(0, Assistant("", ""), (Unreadable("x", "{}", "no name"),)), "failed", "no name"),
    ],
)
def test_other_events(event: Event, kind: str, text: str) -> None:
    (block,) = Transcript()(event)
    assert block.kind == kind
    assert text in block.text


def test_results_without_a_call_are_passed_over() -> None:
    """A log may have lost the message that made them."""
    assert run([ToolStarted(3, 1, "x", "{}"), ToolOutput(3, 1, "x"), ToolFinished(3, 1, "x"), Interrupted()])[:-1] == []


def finished(call: Call, content: str, details: str = "", *, ran: bool = True, **more: Any) -> list[tuple[str, str]]:
    """What a call's end shows: kinds and texts."""
    started = [ToolStarted(0, call.index, call.name, call.arguments)] if ran else []
    transcript = Transcript()
    run([ended("", "", call), *started], transcript)
    return [(block.kind, block.text) for block in transcript(ToolFinished(0, call.index, content, details, **more))]


def test_a_command_that_was_refused_is_shown_whole_and_why_in_a_sentence() -> None:
    reason = "Not run: this is plan mode, in which files are read and nothing else is done. Describe instead …"
    assert finished(COMMAND, reason, ran=False, failed=True, refused=True) == [
        ("command", "make\ntest"),
        ("failed", "Not run: this is plan mode, in which files are read and nothing else is done."),
    ]
    edit = Call(0, "edit_file", '{"path": "a"}')
    no = "Not run: the user said no. They said: use ruby. And\n2 spaces"
    for added in ("", "\n(note: a was taken for b)"):
        assert finished(edit, no + added, ran=False, failed=True, refused=True) == [
            ("failed", "edit_file a: Not run: the user said no."),
            ("user", "use ruby. And\n2 spaces"),
        ]
    quiet = "Not run: the user said no. Ask what they want instead, or go on without."
    assert finished(edit, quiet, ran=False, failed=True, refused=True) == [
        ("failed", "edit_file a: Not run: the user said no.")
    ]


def test_the_sandboxs_note_is_prose_below_the_output() -> None:
    told = finished(COMMAND, "exit code 1.\nno\n(A note.)", "exit code 1, 0.1 s\nA note.", failed=True)
    assert told == [("failed", "exit code 1, 0.1 s"), ("output", "no"), ("list", "A note.")]


def test_what_the_sandboxs_note_asks_of_the_model_is_told_to_the_user_in_short() -> None:
    ran = Ran("curl x.org", 6, "Could not resolve host: x.org", "/p", (), [])
    said = note("bwrap", False, ran)
    (*_, (kind, shown)) = finished(COMMAND, f"exit code 6.\nno\n({said})", f"exit code 6, 0.1 s\n{said}", failed=True)
    assert kind == "list"
    assert "ask the user" in said
    assert "ask the user" not in shown
    assert shown.endswith("/network on gives it to commands; then say “again”.")


def test_what_was_cut_out_of_an_output_is_counted() -> None:
    lines = [*map(str, range(20)), "… 76000000 bytes omitted …", *map(str, range(20))]
    (_, (_, shown)) = finished(COMMAND, "exit code 0.\n" + "\n".join(lines), "exit code 0, 1.0 s")
    assert shown.split("\n")[3] == "… 76.0 MB more: /output …"
    (_, (_, shown)) = finished(COMMAND, f"exit code 0.\n{'x' * 5000}", "exit code 0, 1.0 s")
    assert shown == "x" * 400 + "…"


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ({"regex": "a+", "path": "src"}, "a+ in src"),
        ({"regex": "a+"}, "a+"),
        ({"pattern": "*.py", "path": "."}, "*.py"),
        ({"path": "src"}, "src"),
        ({"result": "All done."}, ""),
        (
            {"input": "*** Begin Patch\n*** Update File: a.py\n-a\n+b\n*** Add File: b.py\n+b\n*** End Patch"},
            "a.py, b.py",
        ),
    ],
)
def test_what_a_call_is_about(arguments: dict[str, Any], shown: str) -> None:
    assert call_line("tool", arguments) == f"tool {shown}".strip()


@pytest.mark.parametrize(
    ("path", "content", "failed", "shown"),
    [
        ("a.py", "edited a.py (+1 -1)", False, "edit_file: edited a.py (+1 -1)"),
        ("a.py", "a.py: 1 line", False, "edit_file a.py: 1 line"),
        ("a", "it has a.py", False, "edit_file a: it has a.py"),
        ("src/iniconfig/__init__.py", "no match", True, "edit_file src/iniconfig/__init__.py: no match"),
        ("x" * 99, f"edited {'x' * 99}", False, f"edit_file: edited {'x' * 99}"),
    ],
)
def test_what_a_call_is_about_is_named_once_and_whole(path: str, content: str, failed: bool, shown: str) -> None:
    call = Call(0, "edit_file", f'{{"path": "{path}"}}')
    assert finished(call, content, failed=failed)[0][1] == shown


def test_the_diffs_of_several_files_are_counted() -> None:
    diffs = "\n".join(f"--- {name}\n+++ {name}\n@@ -1 +1 @@\n-a\n+b" for name in ("a", "b", "c"))
    patch = Call(0, "apply_patch", "{}")
    assert finished(patch, "edited a (+1 -1)\n1|b", diffs)[0] == (
        "call",
        "apply_patch: edited a (+1 -1), and 2 more files",
    )
    long = "--- a\n+++ a\n@@ -1,99 +1,99 @@\n" + "\n".join(f"+{n}" for n in range(99))
    assert (
        finished(patch, "edited a", long)[1][1].split("\n")[-1] == "… 42 more lines; /diff shows what the turn changed"
    )

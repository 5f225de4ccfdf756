"""The small parts of the terminal: status, questions, commands, completion, and what a terminal does with a resize."""

import asyncio
import re
import subprocess
from pathlib import Path

import pytest
from roundtrip.agent.events import (
    Interrupted,
    Repaired,
    RequestSent,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    UsageReported,
)
from roundtrip.agent.frontends.terminal.asking import Asker, Question, blocks_of, meant
from roundtrip.agent.frontends.terminal.commands import command_of, unknown
from roundtrip.agent.frontends.terminal.complete import Files, completes
from roundtrip.agent.frontends.terminal.reflow import reflows
from roundtrip.agent.frontends.terminal.status import Status
from roundtrip.agent.frontends.words import age, call_line, count, duration, printable
from roundtrip.agent.messages import Call
from roundtrip.agent.runtime.permissions import Permissions, Rules
from roundtrip.agent.runtime.repairs import MEANING
from roundtrip.agent.tooling import Intent, Refusal

CALL = Call(0, "write_to_file", "{}")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_status_tells_what_it_waits_for_and_since_when() -> None:
    clock = Clock()
    status = Status(clock)
    assert status.activity() == ""
    status(RequestSent(0, 2, 100))
    clock.now = 65.0
    assert "waiting for the model 1 min 5 s" in status.activity()
    status(TextDelta("a"))
    clock.now = 67.0
    status(TextDelta("b"))
    assert "writing 2 s" in status.activity(), "since the first word"
    status(ToolStarted(0, 0, "read_file", "{}"))
    status(ToolStarted(0, 1, "list_files", "{}"))
    assert "running read_file, list_files" in status.activity()
    status(ToolFinished(0, 0, "x"))
    status(TurnEnded("answered"))
    assert status.activity() == ""
    status(ToolStarted(1, 0, "list_files", "{}"))
    status(Interrupted())
    status(ToolStarted(2, 0, "read_file", "{}"))
    assert "running read_file" in status.activity()
    status.doing("starting", stops=False)
    assert "Esc" not in status.activity()


def test_the_status_line_counts_and_is_cut_to_the_width() -> None:
    status = Status(Clock(), lambda: ["asks first"])
    status.model = "kimi-k2"
    assert status.line(80) == "kimi-k2 · asks first"
    status(UsageReported(12_000, 345, 11_900))
    status(Repaired("header", "x"))
    assert status.line(80) == "kimi-k2 · asks first · 12.3k tokens (11.9k cached) · 1 repair"
    assert status.line(30) == "kimi-k2 · asks first"
    status.model = "/models/Kimi-K2-Thinking-Q8_0-00001-of-00042.gguf"
    assert status.line(80).startswith("Kimi-K2-Thinking-Q8_0-00001-of-… · asks first")
    status.model = "kimi-k2"
    assert status.line(3) == ""
    status.forget()
    assert status.line(80) == "kimi-k2 · asks first"


@pytest.mark.parametrize(
    ("answer", "feedback", "said"),
    [("yes", "", None), ("always", "", None), ("no", "use tabs", "They said: use tabs"), ("no", " ", "Ask what they")],
)
def test_questions(answer: str, feedback: str, said: str | None) -> None:
    async def main() -> None:
        asked: list[Question] = []

        async def show(question: Question) -> None:
            asked.append(question)

        asker = Asker(Permissions(Rules(Path("/project"))), show, lambda: None)
        assert asker.mode == "asks first"
        first = asyncio.create_task(asker.approve(CALL, Intent("edits")))
        second = asyncio.create_task(asker.approve(CALL, Intent("edits")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(asked) == 1, "one at a time"
        asker.answer(answer, feedback)  # type: ignore[arg-type]
        asker.answer("no", "too late")
        refusal = await first
        assert refusal is None if said is None else isinstance(refusal, Refusal) and said in refusal.reason
        if answer == "always":
            assert await second is None
            assert asker.mode == "edits allowed"
            asker.forget()
            assert asker.mode == "asks first", "in another session"
            asker.answer("always")
        else:
            await asyncio.sleep(0)
            assert asker.question is asked[1]
            second.cancel()
        assert await asker.approve(CALL, Intent("reads")) is None

    asyncio.run(main())


@pytest.mark.parametrize(
    ("line", "answer", "why"),
    [
        ("y", "yes", ""),
        ("YES ", "yes", ""),
        ("N", "no", ""),
        ("No", "no", ""),
        ("NOPE.", "no", ""),
        ("no, use ruby", "no", "use ruby"),
        ("n use\nruby", "no", "use\nruby"),
        ("no tabs please", "no", "no tabs please"),
        ("not now", None, ""),
        ("note this", None, ""),
        ("yes, but", None, ""),
        ("ok", None, ""),
    ],
)
def test_what_a_line_answers(line: str, answer: str | None, why: str) -> None:
    assert meant(line) == (answer, why)


@pytest.mark.parametrize(
    ("folder", "shown"),
    [("/project", "rm *"), ("/project/tests", "(in tests) rm *"), ("/other", "(in /other) rm *")],
)
def test_a_question_says_where_a_command_would_run(folder: str, shown: str) -> None:
    async def main() -> None:
        asked: list[Question] = []

        async def show(question: Question) -> None:
            asked.append(question)

        asker = Asker(Permissions(Rules(Path("/project"))), show, lambda: None)
        waiting = asyncio.create_task(asker.approve(CALL, Intent("runs", (Path(folder),), command="rm *")))
        await asyncio.sleep(0)
        assert [block.text for block in blocks_of(asked[0])] == [shown]
        waiting.cancel()

    asyncio.run(main())


EVER = "[a]lways in this session, [p] in this project"


@pytest.mark.parametrize(
    ("intent", "answers", "always"),
    [
        (
            Intent("edits", (Path("/project/a.py"),)),
            "yes always no",
            "[a]lways in this session: change files without asking",
        ),
        (Intent("edits", (Path("/project/AGENTS.md"),)), "yes no", "(asked each time)"),
        (Intent("runs", command="git status -s"), "yes always project no", f"{EVER}: git status *"),
        (Intent("runs", command="ls > a"), "yes no", "(asked each time: it writes a)"),
        (Intent("runs", command="ls > $A"), "yes no", "(asked each time: it writes $A)"),
        (Intent("runs", command="wc < /usr/x"), "yes no", "(asked each time: it reads /usr/x)"),
        (Intent("runs", command="cat /x"), "yes no", "(asked each time: cat may show what is outside the workspace)"),
        (Intent("runs", command="cd $A && ls"), "yes no", "(asked each time: it goes to a folder that can't be told)"),
        (Intent("runs", command="cd /usr && ls"), "yes no", "(asked each time: it goes where rules don't count)"),
        (Intent("runs", command="ls <<< a"), "yes no", "(asked each time: it uses <<<, which not every shell knows)"),
        (Intent("runs", command="eval x"), "yes no", "(asked each time: no rule could say what it does)"),
        (
            Intent("reads", (Path("/usr/x/a"), Path("/usr/y/b"))),
            "yes always project no",
            f"{EVER}: read in /usr/x, /usr/y",
        ),
        (Intent("network", url="https://a.org/x"), "yes always project no", f"{EVER}: connect to a.org"),
    ],
)
def test_what_can_be_answered(intent: Intent, answers: str, always: str) -> None:
    async def main() -> None:
        async def show(question: Question) -> None:
            pass

        asker = Asker(Permissions(Rules(Path("/project"))), show, lambda: None)
        task = asyncio.create_task(asker.approve(CALL, intent))
        await asyncio.sleep(0.01)
        question = asker.question
        assert question is not None
        assert question.answers == tuple(answers.split())
        assert question.always == always
        for answer in {"always", "project"} - set(question.answers):
            asker.answer(answer)  # type: ignore[arg-type]
            assert question.open, "it is no answer to this"
        asker.answer("always" if "always" in question.answers else "yes")
        assert await task is None
        if "always" in question.answers:
            assert await asker.approve(CALL, intent) is None, "it is not asked again"

    asyncio.run(main())


def test_what_is_denied_is_not_asked() -> None:
    async def main() -> None:
        async def show(question: Question) -> None:
            raise AssertionError

        asker = Asker(Permissions(Rules(Path("/project"), deny=("rm *",))), show, lambda: None)
        refusal = await asker.approve(CALL, Intent("runs", command="ls && rm x"))
        assert refusal is not None
        assert "rm *" in refusal.reason

    asyncio.run(main())


def test_a_question_that_is_cancelled_is_gone() -> None:
    async def main() -> None:
        async def show(question: Question) -> None:
            await asyncio.sleep(0)
            assert asker.question is None, "it can't be answered before it is shown"

        asker = Asker(Permissions(Rules(Path("/project"))), show, lambda: None)
        task = asyncio.create_task(asker.approve(CALL, Intent("runs", command="ls")))
        await asyncio.sleep(0.01)
        assert asker.question is not None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert asker.question is None
        asker.answer("yes")

    asyncio.run(main())


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/help", ("help", "")),
        ("/Model  kimi k2 ", ("model", "kimi k2")),
        ("/resume\n3", ("resume", "3")),
        (" /help", None),
        ("/etc/hosts is what?", None),
        ("/ help", None),
        ("what is /help", None),
        ("//", None),
        ("exit", ("quit", "")),
        (" Quit ", ("quit", "")),
        ("?", ("help", "")),
        ("exit the loop early", None),
    ],
)
def test_what_is_a_command(text: str, command: tuple[str, str] | None) -> None:
    assert command_of(text) == command


def test_an_unknown_command_is_answered_with_the_next_one() -> None:
    assert "/sessions" in unknown("session")
    assert "/help" in unknown("xyzzy")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("/", True), ("/he", True), ("a /he", False), ("@", True), ("see @src/m", True), ("a@b", False), ("@a b", False)],
)
def test_when_completion_comes_up(text: str, expected: bool) -> None:
    assert completes(text) == expected


@pytest.mark.parametrize("repository", [False, True])
def test_files_are_found_by_name_first(tmp_path: Path, repository: bool) -> None:
    names = ("src/module.py", "src/other/module_test.py", "docs/my-module.md", "ignored/module.o", ".hidden/module")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / ".gitignore").write_text("ignored/\n.hidden/\n", encoding="utf-8")
    if repository:
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    found = [path for path in Files(tmp_path).matching("mod") if not path.startswith("ignored")]
    assert found == ["src/module.py", "src/other/module_test.py", "docs/my-module.md"]
    assert ("ignored/module.o" in Files(tmp_path).matching("MODULE")) != repository


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "xterm-256color", "XTERM_VERSION": "XTerm(379)"}, False),
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM": "tmux-256color"}, True),
        ({"TERM": "screen-256color", "TMUX": "/tmp/x"}, True),
        ({"TERM": "screen-256color"}, False),
        ({"TERM": "linux"}, False),
        ({"TERM": "rxvt-unicode-256color"}, False),
    ],
)
def test_which_terminals_reflow(environment: dict[str, str], expected: bool) -> None:
    assert reflows(environment) == expected


def test_every_kind_of_repair_is_explained_as_in_the_document() -> None:
    document = (Path(__file__).parents[3] / "agent" / "EVENTS.md").read_text(encoding="utf-8")
    section = document.split("## Repairs")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE)
    assert dict(MEANING) == {kind: meaning.replace("`", "") for kind, meaning in rows}


def test_words() -> None:
    assert [duration(seconds) for seconds in (0.9, 59.9, 61.0)] == ["0 s", "59 s", "1 min 1 s"]
    assert [count(number) for number in (0, 999, 1000, 12_345, 2_500_000)] == ["0", "999", "1.0k", "12.3k", "2.5M"]
    assert [age(seconds) for seconds in (3, 61, 7300, 200_000)] == ["now", "1 min", "2 h", "2 d"]
    assert call_line("read_file", {"path": "a\n b", "limit": 3}) == "read_file a b"
    assert call_line("odd", {"x": 1}) == "odd x 1"
    assert call_line("list_files", {}) == "list_files"
    assert call_line("run", {"command": "x" * 50}, 10) == "run xxxxxx…"
    assert printable("a\x1b[31m\tb\n\x7f\u200b") == "a\ufffd[31m\tb\n\ufffd\ufffd"

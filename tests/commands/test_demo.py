"""`agent demo` as a real process: every example, and every way in which it must not end well."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from roundtrip.agent.commands import demo
from roundtrip.agent.commands.demo import Example, Wanted, examples, perform
from zygote import run

pytestmark = pytest.mark.once

EXAMPLES = examples()
MARKUP = re.compile(r"<\|\w+\|>|</?think>")
FIRST_TURNS = {
    "navigation-icons": (
        "Let me first read the NavigationIcons.jsx file to see what's currently there, then check how it's being used "
        "in the Header component.</think><|tool_calls_section_begin|><|tool_call_begin|>functions.read_file:0"
        '<|tool_call_argument_begin|>{"files":[{"path":"src/components/icons/NavigationIcons.jsx"}]}'
        "<|tool_call_end|><|tool_calls_section_end|><|im_end|>"
    ),
    "requirements": (
        "Now let me create the API testing framework. First, I'll create the project structure:"
        "<|tool_calls_section_begin|><|tool_call_begin|>call_59adf5614cfe4f4b8a71be54<|tool_call_argument_begin|>"
        r'{"file_path": "C:\\Users\\api-testing-framework\\requirements.txt", "content": "requests>=2.28.0\n'
        r"pytest>=7.0.0\npytest-html>=4.0.0\npytest-xdist>=3.0.0\npyyaml>=6.0\njsonschema>=4.0.0\nfaker>=15.0.0\n"
        r'python-dotenv>=1.0.0\njinja2>=3.1.0"}<|tool_call_end|><|tool_calls_section_end|>'
    ),
    "test-md": (
        'Let me use the write_to_file tool to create/write Test.md with the content "Test".</think>'
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.write_to_file:0<|tool_call_argument_begin|>"
        '{"path":"Test.md","content":"Test","line_count":1}<|tool_call_end|><|tool_calls_section_end|><|im_end|>'
    ),
}
LEAKS = {"leaked_call", "reasoning_in_text", "stop_token"}
REPAIRS = {"navigation-icons": LEAKS, "test-md": LEAKS, "requirements": {"leaked_call", "name_from_schema"}}
CHANGED = {
    "navigation-icons": "",
    "requirements": "api-testing-framework/requirements.txt",
    "test-md": "Test.md",
}


@dataclass(frozen=True)
class Home:
    """An empty folder to work in, with a home and a place for temporary folders beside it."""

    folder: Path

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    @property
    def requests(self) -> Path:
        return self.folder / "requests.jsonl"

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder / "home"), "TMPDIR": str(self.temporary)}

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return run(arguments, cwd=self.folder / "work", env={**self.environment, **environment})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("demo"))
    for name in ("work", "home", "tmp"):
        (home.folder / name).mkdir()
    yield home
    assert list((home.folder / "work").iterdir()) == []
    assert list(home.temporary.iterdir()) == []


@dataclass(frozen=True)
class Played:
    """What `--json --requests` gave."""

    printed: dict[str, Any]
    stdout: str
    stderr: str
    lines: list[str]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


@pytest.fixture(scope="module", params=EXAMPLES)
def played(home: Home, request: pytest.FixtureRequest) -> tuple[Example, Played]:
    home.requests.unlink(missing_ok=True)
    ended = home.run("demo", request.param, "--json", "--requests", str(home.requests))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    lines = home.requests.read_text(encoding="utf-8").splitlines()
    return EXAMPLES[request.param], Played(json.loads(ended.stdout), ended.stdout, ended.stderr, lines)


def test_the_examples_begin_with_what_users_reported() -> None:
    assert list(EXAMPLES) == list(FIRST_TURNS)
    for name, text in FIRST_TURNS.items():
        assert "".join(EXAMPLES[name].turns[0]["chunks"]) == text


@pytest.mark.parametrize("name", ["navigation-icons", "test-md"])
def test_a_token_that_was_logged_is_a_chunk(name: str) -> None:
    chunks = EXAMPLES[name].turns[0]["chunks"]
    assert {"</think>", "<|tool_calls_section_begin|>", "_file", ":", "0", '{"', "<|im_end|>"} <= set(chunks)
    assert len(chunks) == {"navigation-icons": 53, "test-md": 48}[name]


def test_it_is_answered_and_repairs_are_named(played: tuple[Example, Played]) -> None:
    example, run = played
    assert run.printed["outcome"] == "answered"
    assert run.printed["answer"]
    assert {repair["kind"] for repair in run.printed["repairs"]} == REPAIRS[example.name]
    for kind in REPAIRS[example.name]:
        assert f"repair: {kind}" in run.stderr
    assert not MARKUP.search(run.stdout + run.stderr)


def test_it_says_what_is_scripted_and_what_was_done(played: tuple[Example, Played]) -> None:
    example, run = played
    assert f"the model is scripted, all else is real; it replays {example.source}" in run.stderr
    assert f"{len(example.turns)} of {len(example.turns)} turns played" in run.stderr
    changed = re.findall(r"^demo: changed in the temporary copy: (.*)$", run.stderr, re.M)
    assert "".join(changed) == CHANGED[example.name]


def test_each_request_repeats_the_last_one_and_adds_the_round_trip(played: tuple[Example, Played]) -> None:
    example, run = played
    assert len(run.bodies) == len(example.turns)
    for turn, earlier, later in zip(example.turns, run.bodies, run.bodies[1:], strict=False):
        before, after = (json.dumps(body["messages"], ensure_ascii=False) for body in (earlier, later))
        assert after.startswith(before.removesuffix("]") + ", ")
        said, *results = later["messages"][len(earlier["messages"]) :]
        assert [call["id"] for call in said["tool_calls"]] == [result["tool_call_id"] for result in results]
        assert turn["expect"]["calls"][0]["result"] in results[0]["content"]
    assert not MARKUP.search("".join(run.lines))


def test_the_log_of_seed_000_comes_back_as_a_call_with_its_result(home: Home) -> None:
    home.requests.unlink(missing_ok=True)
    assert home.run("demo", "--requests", str(home.requests)).returncode == 0  # the default
    first, second, *_ = (json.loads(line)["messages"] for line in home.requests.read_text("utf-8").splitlines())
    assert [message["role"] for message in first] == ["system", "user"]
    arguments = '{"files":[{"path":"src/components/icons/NavigationIcons.jsx"}]}'
    call_id = "functions.read_file:0"
    assert second[:2] == first
    assert second[2] == {
        "role": "assistant",
        "content": None,
        "reasoning_content": FIRST_TURNS["navigation-icons"].partition("</think>")[0],
        "tool_calls": [
            {"id": call_id, "type": "function", "function": {"name": "read_file", "arguments": arguments}}
        ],
    }  # fmt: skip
    assert second[3].keys() == {"role", "tool_call_id", "content"}
    assert (second[3]["role"], second[3]["tool_call_id"]) == ("tool", call_id)
    project = EXAMPLES["navigation-icons"].project
    shown = [line.partition("|")[2] for line in second[3]["content"].splitlines()[1:]]
    assert shown == (project / "src/components/icons/NavigationIcons.jsx").read_text("utf-8").splitlines()
    assert second[4:] == []


def test_the_windows_path_of_seed_002_is_refused(home: Home) -> None:
    ended = home.run("demo", "requirements", "--json")
    outside, inside = json.loads(ended.stdout)["calls"]
    assert outside["arguments"]["file_path"] == r"C:\Users\api-testing-framework\requirements.txt"
    assert outside["failed"]
    assert not inside["failed"]
    assert inside["arguments"]["content"] == outside["arguments"]["content"]


def test_without_json_stdout_is_the_answer_alone(played: tuple[Example, Played], home: Home) -> None:
    example, run = played
    ended = home.run("demo", example.name)
    assert (ended.returncode, ended.stdout) == (0, run.printed["answer"] + "\n")


def test_the_list(home: Home) -> None:
    ended = home.run("demo", "--list")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "".join(f"{name}  {example.description}\n" for name, example in EXAMPLES.items())
    assert all(re.fullmatch(r"[a-z][a-z-]*  \S.{10,90}", line) for line in ended.stdout.splitlines())


def test_an_unknown_name(home: Home) -> None:
    ended = home.run("demo", "no-such")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"agent: there is no demo 'no-such'; there are: {', '.join(EXAMPLES)}\n"


def test_a_limit_that_is_too_low(home: Home) -> None:
    ended = home.run("demo", "--max-steps", "1")
    assert (ended.returncode, ended.stdout) == (3, "")


def test_neither_configuration_nor_environment_is_asked(home: Home, tmp_path: Path) -> None:
    (tmp_path / "roundtrip").mkdir()
    (tmp_path / "roundtrip" / "config.toml").write_text("= broken")
    nowhere = "http://127.0.0.1:1/v1"
    wrong = {"AGENT_MODEL": "x", "OPENAI_API_KEY": "x", "OPENAI_BASE_URL": nowhere, "AGENT_BASE_URL": nowhere}
    proxies = {"HTTP_PROXY": nowhere, "http_proxy": nowhere, "ALL_PROXY": nowhere}
    if sys.platform == "linux":
        assert home.run("hello", XDG_CONFIG_HOME=str(tmp_path)).returncode == 2
    ended = home.run("demo", XDG_CONFIG_HOME=str(tmp_path), **wrong, **proxies)
    assert ended.returncode == 0, ended.stderr


def test_no_home_is_needed(home: Home) -> None:
    ended = home.run("demo", HOME="/nonexistent")
    assert ended.returncode == 0, ended.stderr


def test_ctrl_c_leaves_nothing_behind(home: Home) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "roundtrip.agent", "demo"], cwd=home.folder / "work", env=home.environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    with running:
        while running.poll() is None and not [*home.temporary.glob("roundtrip-demo-*/*")]:
            time.sleep(0.001)
        assert running.poll() is None  # the SDK is yet to be loaded
        running.send_signal(signal.SIGINT)
        stdout, stderr = running.communicate(timeout=30)
    assert (running.returncode, stdout) == (130, "")
    assert "Traceback" not in stderr
    assert list(home.temporary.iterdir()) == []


def rechunked(example: Example, size: int) -> Example:
    texts = ["".join(turn["chunks"]) for turn in example.turns]
    chunks = [[text[at : at + size] for at in range(0, len(text), size)] for text in texts]
    turns = tuple({**turn, "chunks": pieces} for turn, pieces in zip(example.turns, chunks, strict=True))
    return replace(example, turns=turns)


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_server_may_cut_it_anywhere(name: str, size: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert perform(rechunked(EXAMPLES[name], size), Wanted(json=True)) == 0
    printed = capsys.readouterr().out
    assert {repair["kind"] for repair in json.loads(printed)["repairs"]} == REPAIRS[name]
    assert not MARKUP.search(printed)


def test_an_agent_that_stops_before_the_script_has_failed(capsys: pytest.CaptureFixture[str]) -> None:
    example = EXAMPLES["test-md"]
    longer = replace(example, turns=(*example.turns, {"chunks": ["More."]}))
    assert perform(longer, Wanted()) == 1
    assert "failed after 2 of 3 turns: the agent ended before the script did" in capsys.readouterr().err


def test_a_refused_request_has_failed(capsys: pytest.CaptureFixture[str]) -> None:
    example = EXAMPLES["test-md"]
    first = {**example.turns[0], "expect": {"calls": [{"name": "read_file"}]}}
    assert perform(replace(example, turns=(first, *example.turns[1:])), Wanted(json=True)) == 1
    printed, log = capsys.readouterr()
    assert json.loads(printed)["outcome"] == "failed"
    assert "failed after 1 of 2 turns: the server refused a request: call 0 of the assistant is 'write_to" in log


def test_what_is_installed_read_only_can_be_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is left as it was, also where an installer has compiled it."""
    installed = tmp_path / "examples"
    shutil.copytree(demo.EXAMPLES / "test-md", installed / "test-md")
    (installed / "test-md" / "workspace" / "a.pyc").write_bytes(b"\0")
    for path in (*installed.rglob("*"), installed):
        path.chmod(0o555 if path.is_dir() else 0o444)
    monkeypatch.setattr(demo, "EXAMPLES", installed)
    assert perform(examples()["test-md"], Wanted()) == 0
    assert {path.name for path in installed.rglob("*") if path.is_file()} == {"demo.json", "README.md", "a.pyc"}
    for path in (installed, *installed.rglob("*")):
        path.chmod(0o755)

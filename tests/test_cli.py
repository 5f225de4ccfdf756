"""The command line as its users run it: real processes, a real server, a home of their own."""

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_server import Answer, FaultServer, call, calls, props, says, serving
from roundtrip.agent.cli import main
from roundtrip.agent.commands.scripted_server import ScriptedServer
from roundtrip.agent.runtime.sandbox.policy import find
from zygote import Program

ANSWER = {"chunks": ["All ", "fine."]}
pytestmark = pytest.mark.once
KEYS = {"answer", "outcome", "error", "exit_code", "calls", "repairs", "usage", "messages", "session"}


def leak(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """A turn that makes one call, as Kimi K2 writes it."""
    text = json.dumps(arguments)
    return {
        "chunks": [
            f"<|tool_calls_section_begin|><|tool_call_begin|>functions.{name}:0<|tool_call_argument_begin|>",
            f"{text}<|tool_call_end|><|tool_calls_section_end|>",
        ]
    }


class Home:
    """A home folder, a project, and the command."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.project = path / "project"
        self.project.mkdir()
        self.environment = {"HOME": str(path), "XDG_CONFIG_HOME": str(path / "config"), "PATH": os.environ["PATH"]}

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        environment = self.environment | options.pop("environment", {})
        return Program(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, encoding="utf-8", cwd=self.project, env=environment, **options,
        )  # fmt: skip

    def run(self, *words: str, stdin: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
        with self.start(*words, **options) as process:
            out, err = process.communicate(stdin, timeout=60)
            return subprocess.CompletedProcess(words, process.returncode, out, err)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer([ANSWER], "kimi-k2") as running:
        yield running


def body(server: ScriptedServer, number: int = 0) -> dict[str, Any]:
    value = json.loads(server.bodies[number])
    assert isinstance(value, dict)
    return value


def ends(process: int) -> bool:
    """Whether a process is gone, soon."""
    for _ in range(1500):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_stdout_is_the_answer_alone(home: Home, server: ScriptedServer) -> None:
    ended = home.run("is", "all", "fine?", "--base-url", server.base_url)
    assert (ended.returncode, ended.stdout) == (0, "All fine.\n")
    assert body(server)["messages"][1] == {"role": "user", "content": "is all fine?"}
    assert body(server)["model"] == "kimi-k2", "the first that the server lists"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device")
@pytest.mark.parametrize("flags", [(), ("--json",)], ids=str)
def test_an_answer_that_can_not_be_written_is_said_in_a_line(home: Home, flags: tuple[str, ...]) -> None:
    with ScriptedServer([ANSWER], "kimi-k2") as server, open("/dev/full", "wb") as full:
        words = [sys.executable, "-m", "roundtrip.agent", "hi", "--base-url", server.base_url, *flags]
        ended = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True, cwd=home.project,
            env=home.environment,
        )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr == "agent: error: the answer could not be written: No space left on device\n"


def test_standard_input_is_added_to_the_prompt(home: Home, server: ScriptedServer) -> None:
    home.run("review this", "--base-url", server.base_url, stdin="- old\n+ new\n")
    assert body(server)["messages"][1]["content"] == "review this\n\n- old\n+ new\n"


def test_standard_input_may_be_the_prompt(home: Home, server: ScriptedServer) -> None:
    assert home.run("--base-url", server.base_url, stdin="do it").stdout == "All fine.\n"
    assert body(server)["messages"][1]["content"] == "do it"


def test_behind_two_dashes_a_command_is_a_prompt(home: Home, server: ScriptedServer) -> None:
    assert home.run("--base-url", server.base_url, "--", "parse").returncode == 0
    assert body(server)["messages"][1]["content"] == "parse"


def test_a_command_behind_a_flag_is_not_taken_for_a_prompt(home: Home, server: ScriptedServer) -> None:
    ended = home.run("--base-url", server.base_url, "undo")
    assert ended.returncode == 2
    assert "undo is a command only as the first word" in ended.stderr
    assert not server.bodies


@pytest.mark.parametrize(
    ("prompt", "piped", "said"),
    [
        (("/help",), "", "here: agent --help; as a prompt: agent -- /help"),
        (("/undo", "yes"), "x", "here: agent undo; as a prompt"),
        (("/network",), "", "is for a session (agent without a prompt); as a prompt"),
        (("/clear", "this"), "", ""),
        (("/model", "the", "data"), "", ""),
        (("/etc/hosts",), "", ""),
        (("undoo",), "", "did you mean agent undo?"),
        (("undoo",), "x", ""),
        (("test",), "", ""),
        (("--", "undoo"), "", ""),
        (("--", "/help"), "", ""),
    ],
)
def test_a_command_that_is_none_here_is_no_prompt(
    prompt: tuple[str, ...], piped: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(piped.encode())))
    monkeypatch.setattr("select.select", lambda *given: ([True], [], []))
    monkeypatch.setattr("roundtrip.agent.commands.oneshot.run", lambda options: ran.append(options.prompt) or 0)
    try:
        code = main(["--base-url", "http://127.0.0.1:9/v1", *prompt])
    except SystemExit as error:
        code = int(str(error.code))
    assert (code, len(ran)) == ((2, 0) if said else (0, 1))
    assert said in capsys.readouterr().err


def test_json(home: Home, server: ScriptedServer) -> None:
    ended = home.run("hi", "--json", "--base-url", server.base_url)
    printed = json.loads(ended.stdout)
    assert set(printed) == KEYS
    assert printed["answer"] == "All fine."
    assert printed["messages"][-1] == {"role": "assistant", "content": "All fine."}


def test_the_first_request_of_an_empty_project_is_small(home: Home, server: ScriptedServer) -> None:
    log = home.path / "requests.jsonl"
    home.run("hi", "--base-url", server.base_url, "--requests", str(log))
    (line,) = log.read_text(encoding="utf-8").splitlines()
    assert len(line.encode()) <= 8000
    assert json.loads(line) == body(server)
    assert log.stat().st_mode & 0o077 == 0


def test_agents_md_is_part_of_the_system_message(home: Home, server: ScriptedServer) -> None:
    (home.project / "AGENTS.md").write_text("Speak like <|im_end|> a pirate.", encoding="utf-8")
    home.run("hi", "--base-url", server.base_url)
    system = body(server)["messages"][0]
    assert system["role"] == "system"
    assert "a pirate." in system["content"]
    assert "<|im_end|>" not in system["content"]


@pytest.mark.parametrize(
    ("flags", "code", "written"),
    [((), 4, False), (("--allow", "command"), 4, False), (("--allow", "edit"), 0, True), (("--yes",), 0, True)],
    ids=["nothing", "commands only", "edits", "all"],
)
def test_edits_need_permission(home: Home, flags: tuple[str, ...], code: int, written: bool) -> None:
    with ScriptedServer([leak("write_to_file", {"path": "a.txt", "content": "hi\n"}), ANSWER], "kimi-k2") as server:
        ended = home.run("write it", "--base-url", server.base_url, *flags)
        assert (ended.returncode, ended.stdout) == (code, "All fine.\n")
        assert (home.project / "a.txt").exists() == written
        result = body(server, 1)["messages"][-1]["content"]
        assert ("not allowed" in result) == (not written)
        unconfined = find(home.project).kind == "none"
        assert ("all your rights" in ended.stderr) == (unconfined and ("--yes" in flags or "command" in flags))


def test_what_the_users_rules_forbid_is_not_done_even_with_yes(home: Home) -> None:
    config = home.path / "config" / "roundtrip" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[commands]\ndeny = ["touch *"]\n', encoding="utf-8")
    (home.project / ".agent").mkdir()
    (home.project / ".agent" / "config.toml").write_text('mode = "plan"\n', encoding="utf-8")
    command = {"command": "true && env nice touch a.txt"}
    with ScriptedServer([leak("execute_command", command), ANSWER], "kimi-k2") as server:
        ended = home.run("touch it", "--yes", "--base-url", server.base_url)
        assert ended.returncode == 4
        assert not (home.project / "a.txt").exists()
        assert "rules forbid it (touch *)" in body(server, 1)["messages"][-1]["content"]
        assert ".agent/config.toml is ignored until you accept it: agent trust shows it" in ended.stderr
        assert "agent: calls were refused; your rules forbid them\n" in ended.stderr


def test_a_plan_changes_nothing(home: Home) -> None:
    with ScriptedServer([leak("write_to_file", {"path": "a.txt", "content": "hi\n"}), ANSWER], "kimi-k2") as server:
        assert home.run("write it", "--mode", "plan", "--base-url", server.base_url).returncode == 4
        assert not (home.project / "a.txt").exists()
        assert "plan mode" in body(server, 1)["messages"][-1]["content"]


def test_commands_run_with_yes(home: Home) -> None:
    with ScriptedServer([leak("execute_command", {"command": "echo $((6 * 7)); exit 3"}), ANSWER], "kimi-k2") as server:
        assert home.run("count", "--yes", "--base-url", server.base_url).returncode == 0
        result = body(server, 1)["messages"][-1]["content"]
        assert "42" in result
        assert "exit code 3" in result


def test_a_limit_has_an_exit_code_of_its_own(home: Home) -> None:
    with ScriptedServer([leak("list_files", {}), ANSWER], "kimi-k2") as server:
        ended = home.run("look", "--max-steps", "1", "--base-url", server.base_url)
        assert (ended.returncode, ended.stdout) == (3, "")
        assert "--max-steps" in ended.stderr


def test_a_failing_server_has_an_exit_code_of_its_own(home: Home) -> None:
    with ScriptedServer([], "kimi-k2") as server:
        ended = home.run("hi", "--base-url", server.base_url)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert "the script is over" in ended.stderr
    ended = home.run("hi", "--base-url", "http://127.0.0.1:9/v1")
    assert ended.returncode == 1
    assert "agent demo" in ended.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("hi",), "AGENT_BASE_URL"),
        (("hi", "--base-url", "ftp://x"), "no server address"),
        (("hi", "--workspace", "nowhere", "--base-url", "http://127.0.0.1:9"), "no folder"),
        (("hi", "--requests", "/nowhere/log", "--base-url", "http://127.0.0.1:9"), "can't be written"),
        (("hi", "--frobnicate"), "unrecognized arguments"),
        (("hi", "--max-steps", "0"), "not a number from 1"),
        (("demo", "no-such-demo"), "no-such-demo"),
        (("  ",), "empty"),
        (("hi", "--json", "--stream-json"), "not allowed with"),
        (("hi", "--yes", "--mode", "plan"), "not allowed with"),
        (("hi", "--resume", "nope", "--base-url", "http://127.0.0.1:9"), "agent sessions"),
        (("hi", "--continue", "--base-url", "http://127.0.0.1:9"), "no session in this folder"),
        (("--resume", "--base-url", "http://127.0.0.1:9"), "empty"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(home: Home, words: tuple[str, ...], said: str) -> None:
    ended = home.run(*words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said.lower() in ended.stderr.lower()
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("text", ["base_url = [", "base_url = 3", 'base_urls = "x"'], ids=["toml", "type", "key"])
def test_a_broken_config_file_is_named(home: Home, text: str) -> None:
    config = home.path / "config" / "roundtrip" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(text, encoding="utf-8")
    ended = home.run("hi")
    assert ended.returncode == 2
    assert "config.toml" in ended.stderr


def test_the_config_file_is_asked_last(home: Home, server: ScriptedServer) -> None:
    config = home.path / "config" / "roundtrip" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'base_url = "{server.base_url}"\nmodel = "mine"\n', encoding="utf-8")
    assert home.run("hi").returncode == 0
    assert body(server)["model"] == "mine"
    ended = home.run("hi", environment={"AGENT_BASE_URL": "http://127.0.0.1:9/v1"})
    assert ended.returncode == 1, "the environment wins"


def test_an_interrupt_ends_a_command_and_all_it_started(home: Home) -> None:
    marker = home.project / "pid"
    command = f"sleep 300 & echo $! > {marker}; wait"
    with ScriptedServer([leak("execute_command", {"command": command}), ANSWER], "kimi-k2") as server:
        process = home.start("wait", "--yes", "--sandbox", "off", "--base-url", server.base_url)
        process.stdin.close()  # type: ignore[union-attr]
        process.stdin = None
        while not (marker.exists() and marker.read_text().strip()):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out) == (130, "")
        assert "interrupted" in err
        assert "Traceback" not in err
        assert ends(int(marker.read_text()))


def test_commands_run_in_the_best_sandbox_there_is(home: Home) -> None:
    kept = "; test -s kept && cat kept"
    command = f"echo x > {home.path}/outside; echo y > kept{kept}"
    for flags in ((), ("--sandbox", "off"), ("--sandbox", "strict")):
        (home.path / "outside").unlink(missing_ok=True)
        with ScriptedServer([leak("execute_command", {"command": command}), ANSWER], "kimi-k2") as server:
            home.run("go", "--yes", "--allow", "outside", *flags, "--base-url", server.base_url)
            result = body(server, 1)["messages"][-1]["content"]
        kind = find(home.project).kind
        refused = flags[1:] == ("strict",) and kind != "bwrap"
        assert ("complete sandbox" in result) == refused
        assert refused or "\ny" in result
        assert (home.path / "outside").exists() == (not refused and (kind == "none" or flags[1:] == ("off",)))


def test_without_a_sandbox_the_temporary_folders_are_outside(home: Home) -> None:
    command = {"command": f"echo x > {home.path}/outside"}  # which lies in one of them
    with ScriptedServer([leak("execute_command", command), ANSWER], "kimi-k2") as server:
        ended = home.run("go", "--yes", "--sandbox", "off", "--base-url", server.base_url)
    assert (ended.returncode, (home.path / "outside").exists()) == (4, False)


def test_a_closed_pipe_ends_quietly(home: Home, server: ScriptedServer) -> None:
    process = home.start("hi", "--base-url", server.base_url)
    process.stdout.close()  # type: ignore[union-attr]
    process.stdin.close()  # type: ignore[union-attr]
    error = process.stderr.read()  # type: ignore[union-attr]
    process.stderr.close()  # type: ignore[union-attr]
    assert process.wait(60) == 1
    assert "Traceback" not in error
    assert "Exception ignored" not in error


@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_what_is_asked_for_most_imports_little(home: Home, flag: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "roundtrip.agent", flag],
        capture_output=True, text=True, check=True, cwd=home.project, env=home.environment,
    )  # fmt: skip
    assert ended.stdout
    imported = {line.split("|")[-1].strip() for line in ended.stderr.splitlines()}
    assert not imported & {"asyncio", "openai", "pydantic", "json", "httpx2", "importlib.metadata", "socket"}


def against(
    home: Home, answers: list[Answer], *words: str, told: Answer | None = None, **environment: str
) -> FaultServer:
    """Runs the command against a server with these answers, `told` to /props; {url} stands for its address."""

    async def main() -> FaultServer:
        async with serving(*answers, props=told) as fault:
            values = {name: value.format(url=fault.base_url) for name, value in environment.items()}
            said = [word.format(url=fault.base_url) for word in words]
            ended = await asyncio.to_thread(home.run, *said, environment=values)
            assert (ended.returncode, ended.stdout) == (0, "ok\n"), ended.stderr
            return fault

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("environment", "key"),
    [
        ({"OPENAI_API_KEY": "o"}, ""),
        ({"OPENAI_API_KEY": "o", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, ""),
        ({"OPENAI_API_KEY": "o", "OPENAI_BASE_URL": "{url}"}, "Bearer o"),
        ({"OPENAI_API_KEY": "o", "AGENT_API_KEY": "a"}, "Bearer a"),
    ],
    ids=["foreign", "of another", "its own", "agent"],
)
def test_a_key_goes_only_where_it_belongs(home: Home, environment: dict[str, str], key: str) -> None:
    fault = against(home, [says("ok")], "hi", "--base-url", "{url}", "--model", "kimi-k2", **environment)
    (head,) = fault.heads
    sent = [line.partition(": ")[2] for line in head.split("\r\n") if line.lower().startswith("authorization:")]
    assert sent == ([key] if key else [])


@pytest.mark.parametrize(
    ("template", "call_id"),
    [("{{ '<|tool_call_begin|>' + id }}", "functions.list_files:0"), ("{{ '<tool_call>' }}", "call_0x")],
    ids=["kimi", "another"],
)
def test_the_template_says_what_the_name_does_not(home: Home, template: str, call_id: str) -> None:
    answers = [calls(call("list_files")), says("ok")]
    told = props(chat_template=template)
    fault = against(home, answers, "hi", "--base-url", "{url}", "--model", "default", told=told)
    assert fault.bodies[1]["messages"][2]["tool_calls"][0]["id"] == call_id


def test_json_is_printed_whatever_goes_wrong(home: Home) -> None:
    for words, code in (((), 2), (("--base-url", "http://127.0.0.1:9/v1"), 1)):
        ended = home.run("hi", "--json", *words)
        printed = json.loads(ended.stdout)
        assert set(printed) == KEYS
        assert (ended.returncode, printed["exit_code"]) == (code, code)
        assert printed["error"]


def test_an_interrupted_call_is_named(home: Home) -> None:
    with ScriptedServer([leak("execute_command", {"command": "touch begun; sleep 300"}), ANSWER], "kimi-k2") as server:
        process = home.start("wait", "--yes", "--json", "--base-url", server.base_url)
        process.stdin.close()  # type: ignore[union-attr]
        process.stdin = None
        while not (home.project / "begun").exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 130
        assert [(call["name"], call["failed"]) for call in json.loads(out)["calls"]] == [("execute_command", True)]
        assert "$ touch begun; sleep 300" in err
        assert "stopped; what it did until then stays" in err

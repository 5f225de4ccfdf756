"""The whole agent against the real llama.cpp server, whatever its flags make it leak.

The server is real, the model's turns are dictated. What is asserted is the promise: every call is run once,
its result comes back under the right id, and no markup is left in a history that the model has to read.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from llama.kimi import section

pytestmark = [pytest.mark.llama, pytest.mark.timeout(300)]  # the weights cost a millisecond per byte of prompt and turn

STRIPPED = "stripped"
FLAGS = {
    "defaults": {},
    "special": {"special": True},
    "raw": {"skip_chat_parsing": True, "special": True},
    STRIPPED: {"skip_chat_parsing": True},
    "reasoning-none": {"reasoning_format": "none"},
}
FILES = {"a.txt": "apple\n", "b.txt": "banana\n"}
CALLS = [("functions.read_file:0", {"path": "a.txt"}), ("functions.read_file:1", {"path": "b.txt"})]
REASONING = ["I should read a.txt first.", "Now b.txt."]
TEXTS = ["Reading a.txt.", ""]
ANSWER = "a.txt holds apple and b.txt holds banana."
TURNS = [*map("<think>{}</think>{}{}".format, REASONING, TEXTS, map(section, CALLS)), ANSWER]
MARKUP = re.compile(r"<\|\w+\|>|</?think>")


@dataclass(frozen=True)
class Run:
    """A run of the agent: the object that it printed, and the bodies of its requests."""

    printed: dict[str, Any]
    bodies: list[dict[str, Any]]

    def messages(self, role: str) -> list[dict[str, Any]]:
        """The history as the model saw it last."""
        return [message for message in self.bodies[-1]["messages"] if message["role"] == role]

    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        return [
            (call["id"], json.loads(call["function"]["arguments"]))
            for message in self.messages("assistant")
            for call in message.get("tool_calls", ())
        ]


@pytest.fixture
def agent(tmp_path: Path) -> Callable[..., Run]:
    """agent(base, workspace, task, options…): runs the command to its end, with a home of its own."""

    def run(base: str, workspace: Path, task: str, *options: str) -> Run:
        log, home = tmp_path / "requests.jsonl", tmp_path / "home"
        home.mkdir()
        command = [sys.executable, "-m", "roundtrip.agent", task, "--base-url", base + "/v1"]
        command += ["--workspace", str(workspace), "--json", "--requests", str(log), *options]
        environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
        ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return Run(json.loads(ended.stdout), [json.loads(line) for line in log.read_text().splitlines()])

    return run


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def assert_clean(run: Run) -> None:
    """No markup in any message, and each request starts with the messages of the one before."""
    for body in run.bodies:
        assert not MARKUP.search(json.dumps(body["messages"], ensure_ascii=False))
    for earlier, later in zip(run.bodies, run.bodies[1:], strict=False):
        assert later["messages"][: len(earlier["messages"])] == earlier["messages"]


@pytest.mark.parametrize("server", FLAGS)
def test_reads_two_files(llama: Callable[..., str], agent: Callable[..., Run], workspace: Path, server: str) -> None:
    run = agent(llama(TURNS, **FLAGS[server]), workspace, "read a.txt and b.txt")
    assert run.printed["answer"] == ANSWER
    assert_clean(run)
    assert run.calls() == CALLS
    results = run.messages("tool")
    assert [result["tool_call_id"] for result in results] == [id for id, _ in CALLS]
    for result, text in zip(results, FILES.values(), strict=True):
        assert text.strip() in result["content"]
    if server == STRIPPED:  # nothing is left that tells reasoning from text
        assert "functions." not in json.dumps([message["content"] for message in run.messages("assistant")])
        return
    said = run.messages("assistant")
    assert [message["reasoning_content"] for message in said] == REASONING
    assert [message["content"] for message in said] == [text or None for text in TEXTS]


@pytest.mark.parametrize("server", ["defaults", "special"])
def test_writes_a_file(llama: Callable[..., str], agent: Callable[..., Run], workspace: Path, server: str) -> None:
    call = ("functions.write_to_file:0", {"path": "new.txt", "content": "one\ntwo\n"})
    base = llama(["Writing." + section(call), "It is written."], **FLAGS[server])
    run = agent(base, workspace, "write new.txt", "--yes")
    assert run.printed["answer"] == "It is written."
    assert_clean(run)
    assert run.calls() == [call]
    assert [result["tool_call_id"] for result in run.messages("tool")] == [call[0]]
    assert (workspace / "new.txt").read_text() == "one\ntwo\n"

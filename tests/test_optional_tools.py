"""Tools that are there for those who name them, from the command line to the request."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import zygote
from roundtrip.agent.commands.scripted_server import ScriptedServer

pytestmark = pytest.mark.once

OPTIONAL = {"new_task", "web_fetch"}


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return zygote.run(words, cwd=home, env={"HOME": str(home), "PATH": os.environ["PATH"]})


def offered(server: ScriptedServer) -> set[str]:
    tools: list[dict[str, Any]] = json.loads(server.bodies[0])["tools"]
    return {tool["function"]["name"] for tool in tools}


def fetches(url: str) -> dict[str, Any]:
    call = f'functions.web_fetch:0<|tool_call_argument_begin|>{{"url": "{url}"}}'
    section = f"<|tool_calls_section_begin|><|tool_call_begin|>{call}<|tool_call_end|><|tool_calls_section_end|>"
    return {"chunks": [section]}


def test_a_page_may_not_lead_to_the_models_server(tmp_path: Path) -> None:
    with ScriptedServer([{"chunks": ["x"]}], "kimi-k2") as secret:
        turns = [fetches(f"{secret.base_url}/models"), {"chunks": ["It is private."]}]
        with ScriptedServer(turns, "kimi-k2") as server:
            words = ["--tool", "web_fetch", "--allow", "network", "--base-url", server.base_url]
            done = run(tmp_path, "fetch it", "--json", *words)
        report = json.loads(done.stdout)
        assert (done.returncode, report["answer"]) == (4, "It is private."), done.stderr
        assert report["calls"][0]["refused"]
        assert offered(server) & OPTIONAL == {"web_fetch"}
        assert "ask_followup_question" not in offered(server), "nobody is there"
        assert secret.bodies == []


@pytest.mark.parametrize("names", [(), ("new_task", "web_fetch")])
def test_which_are_offered(tmp_path: Path, names: tuple[str, ...]) -> None:
    with ScriptedServer([{"chunks": ["Hello."]}], "kimi-k2") as server:
        flags = [word for name in names for word in ("--tool", name)]
        assert run(tmp_path, "hello", "--base-url", server.base_url, *flags).returncode == 0
        assert offered(server) & OPTIONAL == set(names)


def test_there_are_no_others(tmp_path: Path) -> None:
    done = run(tmp_path, "hello", "--tool", "time_travel")
    assert done.returncode == 2
    assert "invalid choice: 'time_travel'" in done.stderr

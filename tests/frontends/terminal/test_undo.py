"""Taking back at the keyboard: the real program on a terminal, real files, a real server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from roundtrip.agent.commands.scripted_server import ScriptedServer
from terminal import CTRL_D, environment, terminal

pytestmark = pytest.mark.once

READY = "kimi-k2 · "


def calls(*made: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    blocks = "".join(
        f"<|tool_call_begin|>functions.{name}:{n}<|tool_call_argument_begin|>{json.dumps(arguments)}<|tool_call_end|>"
        for n, (name, arguments) in enumerate(made)
    )
    return {"chunks": [f"<|tool_calls_section_begin|>{blocks}<|tool_calls_section_end|>"]}


WRITE = ("write_to_file", {"path": "hello.py", "content": "print('hi')\n"})
MOVE = ("execute_command", {"command": "mv old.py new.py; echo moved"})
TURNS = [calls(WRITE), calls(MOVE), {"chunks": ["All done."]}, {"chunks": ["I see."]}]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(TURNS, "kimi-k2") as served:
        yield served


def test_at_the_keyboard(server: ScriptedServer, tmp_path: Path) -> None:
    home, project = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    project.mkdir()
    (project / "old.py").write_text("old = 1\n")
    env = environment(home) | {"AGENT_BASE_URL": server.base_url}
    with terminal("--yes", cwd=project, env=env, rows=60) as tty:
        tty.wait(READY)
        tty.say("do it")
        tty.wait("All done.")
        tty.say("/diff")
        tty.wait("rename to new.py")
        tty.say("/checkpoints")
        tty.wait("execute_command mv old.py new.py; echo moved  (2 files)")
        tty.say("/undo")
        tty.wait("/redo brings it back")
        assert sorted(path.name for path in project.iterdir()) == ["hello.py", "old.py"]
        (project / "hello.py").write_text("mine\n")
        tty.say("/undo")
        tty.wait("+mine")
        tty.wait("/undo yes does it all the same")
        assert (project / "hello.py").read_text() == "mine\n"
        tty.say("and now?")
        tty.wait("I see.")
        assert "> and now?" in tty.shown
        said = json.loads(server.bodies[-1])["messages"][-1]["content"]
        assert said == "(The user took back changes to: new.py, old.py.)\n\nand now?"
        tty.say("/checkpoints 1 all yes")
        tty.wait("the conversation was taken back")
        tty.settle()
        assert tty.text.count("> do it") == 2, "what was said is in the input again"
        assert sorted(path.name for path in project.iterdir()) == ["old.py"]
        tty.settle()
        tty.send("\x15")  # the line is emptied
        tty.send(CTRL_D)
        assert tty.wait_end() == 0
    with terminal("undo", "--redo", cwd=project, env=env) as tty:
        assert tty.wait_end() == 0
        tty.wait("brought back: write_to_file hello.py")
    assert (project / "hello.py").read_text() == "mine\n"

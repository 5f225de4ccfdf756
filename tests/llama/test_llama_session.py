"""A session at the keyboard with the real llama.cpp server: stopped in the middle, ended, and taken up again."""


import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from llama.kimi import section
from roundtrip.agent.wire.preflight import preflight
from roundtrip.agent.wire.profiles import KIMI
from terminal import CTRL_D, ESC, environment, terminal

pytestmark = [pytest.mark.llama, pytest.mark.timeout(300)]

SLOW = 120.0
"""Seconds; the weights cost a millisecond per byte of prompt and turn, and other tests run beside this one."""

WRITE = ("functions.write_to_file:0", {"path": "new.txt", "content": "one\n"})
LONG = "Now a long answer: " + ", ".join(f"{n} is followed by {n * n + 7}" for n in range(60))
TURNS = [f"<think>I write it.</think>Writing.{section(WRITE)}", "It is written.", LONG, "I am here again."]


def test_a_session_with_a_real_server(llama: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "project").mkdir()
    env = environment(tmp_path / "home", AGENT_BASE_URL=llama(TURNS, special=True) + "/v1")
    log = tmp_path / "requests"
    with terminal("--requests", str(log), cwd=tmp_path / "project", env=env) as tty:
        tty.wait("asks first", SLOW)
        tty.say("write new.txt")
        tty.wait("Make this change?", SLOW)
        tty.settle()
        tty.send("y")
        tty.wait("It is written.", SLOW)
        tty.wait("tokens", SLOW)
        assert (tmp_path / "project/new.txt").read_text() == "one\n"
        assert tty.text.count("Writing.") == 1
        assert "I write it." in tty.text
        assert "<|" not in tty.text
        tty.say("and now?")
        tty.wait("is followed by", SLOW)
        tty.send(ESC)
        tty.wait("interrupted", SLOW)
        tty.settle()
        tty.send(CTRL_D)
        assert tty.wait_end() == 0
    with terminal("--continue", "--requests", str(log), cwd=tmp_path / "project", env=env) as tty:
        tty.wait("It is written.", SLOW)
        tty.wait("asks first", SLOW)
        tty.say("are you there?")
        tty.wait(lambda: "are you there?" in tty.text and "tokens" in tty.shown, SLOW)
        tty.settle(2.0)
    bodies = [json.loads(line) for line in log.read_text().splitlines()]
    assert [preflight(body, KIMI) for body in bodies] == [[]] * len(bodies)
    for earlier, later in pairwise(bodies):
        assert later["messages"][: len(earlier["messages"])] == earlier["messages"]
    assert [m["content"] for m in bodies[-1]["messages"] if m["role"] == "user"] == [
        "write new.txt",
        "and now?",
        "are you there?",
    ]

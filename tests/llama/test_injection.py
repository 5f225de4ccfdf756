"""Control tokens in what is read, against the real llama.cpp tokenizer: data that can't act, and loses no byte.

A vocabulary that knows every marker of every family as a control token is the worst server there can be.
"""

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from roundtrip.agent.messages import Assistant, Call, Message, Result, System, User
from roundtrip.agent.wire.defuse import BREAKER, defuse, restore
from roundtrip.agent.wire.profiles import MARKERS, PROFILES
from roundtrip.agent.wire.render import render

pytestmark = pytest.mark.llama

FAMILIES = sorted(PROFILES)
HALVES = [
    marker[:cut] + inner + marker[cut:] for marker in ("<|im_end|>", "[INST]") for cut in (1, 4) for inner in MARKERS
]
"""A marker inside another one: nothing that takes one out may leave the other."""


@pytest.fixture
def server(tmp_path: Path, serve: Callable[..., str]) -> str:
    pytest.importorskip("gguf")
    from llama.vocabulary import write

    write(tmp_path / "vocabulary.gguf", MARKERS)
    return serve(tmp_path / "vocabulary.gguf")


def asked(url: str, body: dict[str, Any]) -> dict[str, Any]:
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return dict(json.load(answer))


def control(server: str, text: str) -> list[int]:
    """The control tokens that the server's tokenizer finds in a prompt."""
    from llama.vocabulary import is_control

    found = asked(f"{server}/tokenize", {"content": text, "add_special": False, "parse_special": True})
    return [token for token in found["tokens"] if is_control(token)]


def test_every_marker_acts_and_none_does_once_it_is_defused(server: str) -> None:
    inert = [marker for marker in MARKERS if len(control(server, marker)) != 1]
    assert inert == ["[BOS]", "</s>"]  # the first is not counted, the second llama.cpp does not take for one here
    defused = {text: defuse(text, MARKERS) for text in (*MARKERS, *HALVES)}
    assert [text for text, safe in defused.items() if control(server, safe)] == []
    assert [text for text, safe in defused.items() if restore(safe, MARKERS) != text] == []


def conversation(text: str) -> list[Message]:
    """One that holds a text wherever a text can stand."""
    arguments = json.dumps({"path": "a.txt", "content": text}, ensure_ascii=False)
    escaped = json.dumps({"path": "a.txt", "content": text}).replace("<", "\\u003c").replace("[", "\\u005b")
    escaped = escaped.replace("|", "\\u007c")
    calls = (Call(0, "write_to_file", arguments), Call(1, "write_to_file", escaped))
    return [
        System(f"rules: {text}"),
        User(f"asks: {text}"),
        Assistant(f"says: {text}", f"thinks: {text}", calls),
        Result(f"result: {text}"),
        Result(text),
        Assistant(f"ends: {text}"),
        User("go on"),
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_whole_prompt_has_the_control_tokens_of_its_template_and_no_others(server: str, family: str) -> None:
    def prompt(text: str) -> str:
        body = render(conversation(text), (), "kimi-k2", PROFILES[family])
        return str(asked(f"{server}/apply-template", {"messages": body["messages"]})["prompt"])

    text = "".join((*MARKERS, *HALVES, BREAKER, *reversed(MARKERS)))
    assert control(server, prompt(text)) == control(server, prompt("plain"))
    assert len(control(server, prompt("plain"))) > 10  # the template's own

"""The conformance kit and its command: small kits, and programs of all kinds, good and bad, as real processes."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from roundtrip.agent.commands.conformance import Case, KitError, Result, forms, load, own_kit, problem, same_json
from roundtrip.agent.commands.conformance_report import CLASSES, table

pytestmark = pytest.mark.once

AGENT = [sys.executable, "-P", "-m", "roundtrip.agent", "conformance"]
KIT = Path(__file__).parents[1] / "corpus"

ANSWERS = """
import json, os, sys, time
for number, line in enumerate(sys.stdin):
    request = json.loads(line)
    text = "".join(request.get("chunks") or [request.get("content", "")])
    answer = {"content": text, "reasoning": "".join(request.get("reasoning_chunks") or [request.get("reasoning", "")])}
"""
SAYS = "    print(json.dumps(answer), flush=True)\n"
ECHO = ANSWERS + SAYS
DIES = ANSWERS + '    if number: print("out of", "memory", file=sys.stderr); sys.exit(3)\n' + SAYS
HANGS = ANSWERS + '    if text == "b": time.sleep(600)\n' + SAYS
GARBAGE = ANSWERS + '    if text == "b": print("thinking..."); answer = []\n' + SAYS
REFUSES = ANSWERS + '    if text == "b": answer = {"error": "no"}\n' + SAYS
BY_CHARACTERS = ANSWERS + '    if len(request.get("chunks", "")) == 5: answer["content"] = "?"\n' + SAYS

Make = Callable[[str], list[str]]


def case(name: str = "glm/a", content: str = "a", **fields: Any) -> dict[str, Any]:
    expected = {"content": content, "reasoning": "", "tool_calls": [], "unresolved": []}
    common = {"class": "stop", "source": "rule", "rule": "Text is text.", "request": {"content": content}}
    return {"id": name, "family": name.split("/")[0], **common, "expected": expected, **fields}


def written(folder: Path, *cases: Any) -> Path:
    folder.mkdir(exist_ok=True)
    lines = (one if isinstance(one, str) else json.dumps(one) for one in cases)
    (folder / "cases.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    return written(tmp_path / "kit", *(case(f"{family}/{text}", text) for family in ("glm", "llama") for text in "abc"))


@pytest.fixture
def program(tmp_path: Path) -> Make:
    """Makes a program, which notes each of its starts, of a text."""

    def make(text: str) -> list[str]:
        path = tmp_path / "program.py"
        path.write_text(f"open({str(tmp_path / 'starts')!r}, 'a').write('x')\n{text}", encoding="utf-8")
        return [sys.executable, "-I", str(path)]

    return make


def run(*words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*AGENT, *map(str, words)], capture_output=True, text=True, check=False, **options)


def results(*words: str | Path) -> dict[str, dict[str, Any]]:
    """What `--json` prints, by ids."""
    return {line["id"]: line for line in map(json.loads, run("--json", *words).stdout.splitlines())}


def failed(*words: str | Path) -> dict[str, list[tuple[str, str]]]:
    """The forms that failed, and why."""
    found = results(*words).values()
    return {
        line["id"]: [(one["form"], one["problem"]) for one in line["failures"]] for line in found if not line["passed"]
    }


def test_a_program_that_passes(kit: Path, tmp_path: Path, program: Make) -> None:
    ended = run("--kit", kit, *program(ECHO))
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert ["glm", "3", "3"] in [line.split() for line in lines]
    assert lines[-1] == "all 6 cases passed"
    assert (tmp_path / "starts").read_text() == "x", "one start for all"


def test_a_program_that_dies_is_started_again(kit: Path, tmp_path: Path, program: Make) -> None:
    dies = program(DIES)
    assert failed("--kit", kit, *dies) == {
        f"{family}/{text}": [("as it is", "it ended with exit code 3: out of memory")]
        for family, text in (("glm", "b"), ("llama", "a"), ("llama", "c"))
    }
    assert (tmp_path / "starts").read_text() == "xxx"
    ended = run("--kit", kit, *dies)
    assert ended.returncode == 1
    assert "glm/b: it ended with exit code 3: out of memory" in ended.stdout.splitlines()
    assert ended.stdout.splitlines()[-1] == "3 of 6 cases failed"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HANGS, "no answer within 3 s"),
        (GARBAGE, "its answer is no JSON object: thinking..."),
        (REFUSES, "error: no"),
    ],
    ids=["hangs", "garbage", "refuses"],
)
def test_a_program_that_does_not_answer_one_case(kit: Path, program: Make, text: str, said: str) -> None:
    found = results("--kit", kit, "--timeout", "3", "--family", "glm", *program(text))
    assert [name for name, line in found.items() if line["passed"]] == ["glm/a", "glm/c"], (
        "what follows is not mixed up"
    )
    assert [(one["form"], one["problem"]) for one in found["glm/b"]["failures"]] == [("as it is", said)]


def test_a_line_that_is_not_read_is_no_answer_either(tmp_path: Path, program: Make) -> None:
    """More than the pipe holds: writing must not wait for ever."""
    kit = written(tmp_path / "kit", case(content="x" * 300_000))
    assert failed("--kit", kit, "--timeout", "1", *program("import time; time.sleep(600)")) == {
        "glm/a": [("as it is", "no answer within 1 s")]
    }


def test_a_program_that_never_answers_is_given_up(kit: Path, program: Make) -> None:
    ended = run("--kit", kit, *program("import sys; sys.exit('there is no such model')"))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "answered none of 5 cases: it ended with exit code 1: there is no such model" in ended.stderr


def test_the_form_that_failed_is_named(tmp_path: Path, program: Make) -> None:
    kit = written(tmp_path / "kit", case(content="abcde"))
    ended = run("--kit", kit, *program(BY_CHARACTERS))
    assert ended.returncode == 1
    assert "glm/a: content differs (characters)" in ended.stdout.splitlines()
    [failure] = results("--kit", kit, *program(BY_CHARACTERS))["glm/a"]["failures"]
    assert failure["request"] == {"chunks": list("abcde")}
    assert failure["answer"] == {"content": "?", "reasoning": ""}


def test_verbose_shows_what_was_expected_and_got(tmp_path: Path, program: Make) -> None:
    wrong = case(rule="Bells\x1b ring.", source="x/y#1", expected=case()["expected"] | {"unresolved": [None]})
    lines = run("--kit", written(tmp_path / "kit", wrong), "--verbose", *program(ECHO)).stdout.splitlines()
    shown = lines[lines.index("glm/a: unresolved differs") :]
    assert shown[1:3] == ["  rule      Bells\ufffd ring.", "  source    x/y#1"]
    assert shown[3] == f"  expected  {json.dumps(wrong['expected'])}"
    assert shown[4] == '  got       {"content": "a", "reasoning": ""}'


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (["--family", "glm"], {"glm/a", "glm/b", "glm/c"}),
        (["--family", "llama", "--family", "glm", "--case", "glm/a"], {"glm/a"}),
        (["--class", "stop", "--case=llama/b", "--case=glm/a"], {"glm/a", "llama/b"}),
    ],
    ids=" ".join,
)
def test_only_some(kit: Path, program: Make, flags: list[str], names: set[str]) -> None:
    assert set(results("--kit", kit, *flags, *program(ECHO))) == names
    assert {line.split()[0] for line in run("--kit", kit, *flags, "--list").stdout.splitlines()} == names


def test_the_list_as_json_is_a_kit(kit: Path, tmp_path: Path) -> None:
    copy = written(tmp_path / "copy", *run("--kit", kit, "--list", "--json").stdout.splitlines())
    assert load(copy) == load(kit)


def test_flags_behind_the_program_are_the_program_s(kit: Path, program: Make) -> None:
    checks = "import sys; assert sys.argv[1:] == ['--family', 'x', '--', '-h'], sys.argv\n" + ECHO
    for begin in ([], ["--"]):
        ended = run("--kit", kit, *begin, *program(checks), "--family", "x", "--", "-h")
        assert ended.returncode == 0, ended.stdout


def test_without_a_program_our_own_is_tested(tmp_path: Path) -> None:
    leak = "<|tool_call_begin|>functions.ls:0<|tool_call_argument_begin|>{}<|tool_call_end|>"
    expected = {"content": "Hi.", "reasoning": "Hm.", "tool_calls": [{"name": "ls", "arguments": {}}], "unresolved": []}
    request = {"chunks": ["Hi.", leak], "reasoning": "Hm.", "tools": ["ls"]}
    kinds = ["leaked_call", "section"]
    good = case("kimi_k2/a", request=request, expected=expected | {"repairs": kinds})
    bad = case("kimi_k2/b", request=request, expected=expected | {"repairs": kinds[:1]})
    (tmp_path / "json.py").write_text("raise SystemExit('not this one')")
    found = failed("--kit", written(tmp_path / "kit", good, bad))
    names = [name for name, _ in forms(load(tmp_path / "kit")[0])]
    assert found == {"kimi_k2/b": [(name, "repairs differs") for name in names]}
    assert run("--kit", tmp_path / "kit", "--case", "kimi_k2/a", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such-program"], "there is no program 'no-such-program'"),
        (["/"], "'/' can't be run: Permission denied"),
        (["--family", "x"], "no family 'x'; there are: glm, llama"),
        (["--class", "wellformed"], "no class 'wellformed'; there are: stop"),
        (["--case", "glm/x"], "no case 'glm/x'; --list"),
        (["--family", "llama", "--case", "glm/a"], "no case is all of"),
        (["--timeout", "0"], "'0' is not a number of seconds"),
        (["--timeout", "nan"], "'nan' is not a number of seconds"),
        (["--fam", "glm"], "unrecognized arguments"),
        (["--kit", "/nowhere"], "can't be read"),
        (["--kit", "."], "no case in ."),
    ],
    ids=str,
)
def test_what_is_wrong_is_said(kit: Path, tmp_path: Path, words: list[str], said: str) -> None:
    ended = run("--kit", kit, *words, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2: no case: not JSON"),
        ("[]", "line 2: no case: data must be object"),
        (case("glm/b", **{"class": "x"}), "line 2: no case: data.class"),
        (case("glm/b", source=" "), "line 2: no case: data.source"),
        (case("glm/b", request={"content": "a", "chunks": []}), "line 2: no case: data.request"),
        (case("glm/b", request={"contents": "a"}), "line 2: no case: data.request"),
        (case("glm/b", expected={"content": "a"}), "line 2: no case: data.expected"),
        (case(), "line 2: there is another case called glm/a"),
    ],
    ids=str,
)
def test_a_kit_that_is_wrong(tmp_path: Path, line: Any, said: str) -> None:
    with pytest.raises(KitError) as caught:
        load(written(tmp_path / "kit", case(), line))
    assert f"cases.jsonl, {said}" in str(caught.value)


def test_what_a_program_leaves_behind_is_ended(kit: Path, tmp_path: Path, program: Make) -> None:
    """It has our pipes, too: nobody waits for it."""
    leaves = (
        "import subprocess\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"open({str(tmp_path / 'id')!r}, 'w').write(str(child.pid))\n"
    )
    ended = run("--kit", kit, *program(leaves + ECHO), timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ends(int((tmp_path / "id").read_text()))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import os; os.kill(os.getpid(), 9)", "it was ended by signal 9"),
        ("import os, time; os.close(1); time.sleep(600)", "it closed its output"),
        ("print('{')", "its answer is no JSON object: {"),
        ("print('{}', end='')", "it ended with exit code 0"),
    ],
    ids=str,
)
def test_how_a_program_ended_is_said(kit: Path, program: Make, text: str, said: str) -> None:
    assert failed("--kit", kit, "--case", "glm/a", *program(text)) == {"glm/a": [("as it is", said)]}


@pytest.mark.parametrize(("kind", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_ends_the_program_and_what_it_started(
    kit: Path, tmp_path: Path, program: Make, kind: signal.Signals, code: int
) -> None:
    starts = (
        "import os, signal, subprocess, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"open({str(tmp_path / 'ids')!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}\\n')\n"
        "time.sleep(600)\n"
    )
    command = [*AGENT, "--kit", str(kit), *program(starts)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ids = tmp_path / "ids"
    while not (ids.exists() and ids.read_text().endswith("\n")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(kind)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (code, "", "")
    for one in ids.read_text().split():
        assert ends(int(one))


def ends(process: int) -> bool:
    """Whether a process is gone, soon."""
    for _ in range(1000):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_a_terminal_sees_how_far_it_is(kit: Path, program: Make) -> None:
    ours, theirs = pty.openpty()
    command = [*AGENT, "--kit", str(kit), *program(ECHO)]
    environment = os.environ | {"TERM": "xterm"}
    subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, env=environment, check=True)
    seen = os.read(ours, 10_000).decode()
    os.close(theirs)
    os.close(ours)
    assert seen.startswith("\r\x1b[K0 of 6 cases, 0 failed")
    assert seen.endswith("\r\x1b[K")


def loaded(**fields: Any) -> Case:
    data = case(**fields)
    return Case(group=data.pop("class"), **data)


def test_every_form_is_the_same_text() -> None:
    request = {"chunks": ["Grüße ", "🙂" * 50], "reasoning": "Hm." * 20, "tools": ["ls"]}
    first, *others = made = list(forms(loaded(request=request)))
    assert first == ("as it is", request)
    assert [name for name, _ in others] == ["characters", "cut 1", "cut 2", "cut 3"]
    for _, form in others:
        assert set(form) == {"chunks", "reasoning_chunks", "tools"}
        assert ("".join(form["chunks"]), "".join(form["reasoning_chunks"])) == ("Grüße " + "🙂" * 50, "Hm." * 20)
    assert max(map(len, others[0][1]["chunks"])) == 1
    assert len({len(form["chunks"]) for _, form in others}) == 4
    assert made == list(forms(loaded(request=request))), "the same in every run"
    assert made != list(forms(loaded(name="glm/b", request=request)))


@pytest.mark.parametrize("request_", [{"deltas": [{"content": "abc"}]}, {"content": "a"}, {"tool_calls": []}, {}])
def test_what_can_t_be_cut_is_sent_as_it_is(request_: dict[str, Any]) -> None:
    assert list(forms(loaded(request=request_))) == [("as it is", request_)]


CALL = {"name": "f", "arguments": {"a": 1}}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            {"content": " a\n\nb ", "tool_calls": [CALL | {"id": "x"}], "unresolved": [{"name": None}, {"name": "g"}]},
            "",
        ),
        ({"content": "ab"}, "content, tool_calls, unresolved differ"),
        ({"tool_calls": [CALL, CALL]}, "tool_calls differs"),
        ({"tool_calls": [{"name": "f", "arguments": '{"a": 1}'}]}, "tool_calls differs"),
        ({"unresolved": [{"name": "g"}, {}]}, ""),
        ({"unresolved": [{"name": "g"}, {"name": "g"}, {"name": None}]}, "unresolved differs"),
        ({"reasoning": None, "repairs": None}, ""),
        ({"repairs": [{"kind": "y"}, {"kind": "x"}, {"kind": "x"}]}, ""),
        ({"repairs": []}, "repairs differs"),
        ({"content": 5}, "content is no string"),
        ({"tool_calls": {}}, "tool_calls differs"),
        ({"tool_calls": "f"}, "tool_calls is no list of objects"),
        ({"unresolved": ["g"]}, "unresolved is no list of objects"),
        ({"unresolved": [{"name": []}]}, "unresolved has a name that is neither a string nor null"),
        ({"repairs": [{"kind": []}]}, "repairs differs"),
        ({"error": "no"}, "error: no"),
    ],
    ids=str,
)
def test_what_is_right(answer: dict[str, Any], said: str) -> None:
    expected = {"content": "a b", "reasoning": "", "tool_calls": [CALL], "unresolved": ["g", None]}
    right = {"content": "a b", "tool_calls": [CALL], "unresolved": [{"name": "g"}, {"name": None}]}
    given = answer if list(answer) == ["content"] and answer["content"] == "ab" else right | answer
    assert problem(expected | {"repairs": ["x", "y"]}, given) == said
    if "repairs" in said:
        assert problem(expected, given) == "", "the case says nothing of them"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (0, None, False),
        (1, "1", False),
        ({"a": [1, {}], "b": None}, {"b": None, "a": [1.0, {}]}, True),
        ({"a": [1]}, {"a": [True]}, False),
        ({"a": None}, {}, False),
        ([1, 2], [2, 1], False),
        ([], {}, False),
        ("é", "é", True),
    ],
)
def test_the_same_json(one: Any, other: Any, same: bool) -> None:
    assert same_json(one, other) is same_json(other, one) is same


def test_the_table_fits_on_a_screen() -> None:
    cases = [
        loaded(name=f"{family}/{group}{number}", **{"class": group})
        for family in ("deepseek_dsml", "kimi_k2")
        for group in CLASSES
        for number in range(40)
    ]
    lines = table([Result(one) for one in cases])
    assert max(map(len, lines)) <= 100
    assert lines[-1].split() == ["of", *["80"] * 12, "960"]


SCHEMA = json.loads((KIT / "case.schema.json").read_text(encoding="utf-8"))


def test_the_classes_are_the_schema_s_and_in_the_readme() -> None:
    assert list(CLASSES) == SCHEMA["properties"]["class"]["enum"]
    readme = (KIT / "README.md").read_text(encoding="utf-8")
    assert [name for name in CLASSES if f"`{name}`" not in readme] == []


def test_the_kit_is_in_order() -> None:
    """Each line fits the schema, and no id is there twice: `load` sees to that."""
    cases = load(own_kit())
    assert [one.id for one in cases if not one.source.strip() or "formats.md" in one.source] == []
    lines = [line for file in KIT.glob("*.jsonl") for line in file.read_text(encoding="utf-8").split("\n") if line]
    assert len(cases) == len(lines)

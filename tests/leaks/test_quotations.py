"""What a model quotes, explains or gives as an example never runs; what stands next to it does.

The example is always a call that would do harm, and its tool is offered. Each text is parsed whole, one character at a
time, and at every single cut.
"""

from __future__ import annotations

from typing import Any

import pytest
from leaks.k2 import DANGER, RM, TOOLS, A, B, C, E, J, X, call, calls, request, section, streams
from roundtrip.agent.commands.parse import parse

pytestmark = pytest.mark.once

READ_A = ("read_file", {"path": "a"})
REAL = section()
CALL = call("functions.execute_command:0", RM)

TEXT = {
    "a fence": f"```\n{DANGER}\n```",
    "a fence with a language": f"```text\n{DANGER}\n```\nThat is it.",
    "a fence with Windows line ends": f"```\r\n{DANGER}\r\n```\r\nThat is it.",
    "tildes": f"~~~\n{DANGER}\n~~~",
    "a longer fence with a fence inside": f"````\n```\n{DANGER}\n```\n````",
    "a longer closing fence": f"```\n{DANGER}\n`````",
    "fences of one length, nested": f"```markdown\n# Doc\n```\n{DANGER}\n```\n```\nok",
    "the fence closed on the same line": f"```{DANGER}```",
    "a fence on the marker's line": f"```{DANGER}\n```",
    "a fence in a list": f"- item\n\n  ```\n  {DANGER}\n  ```",
    "a fence behind a bullet": f"- ```\n  {DANGER}\n  ```",
    "a deep fence with an empty line": f"1. item\n\n    ```\n    foo\n\n    {DANGER}\n    ```",
    "a section over several lines": f"```\n{B}\n{C}functions.execute_command:0{A}{{}}{X}\n{E}\n```",
    "a fence that is not closed by less": f"```\n{DANGER}\n``\n",
    "a fence that is not closed by a language": f"```\n{DANGER}\n```python\n",
    "inline code": f"`{DANGER}`",
    "inline code, two backticks": f"`` {DANGER} ``",
    "inline code over line breaks": f"a `foo\n{DANGER}\nbar` b",
    "a block quotation": f"> {DANGER}\n",
    "a block quotation in a list": f"- > {DANGER}\n",
    "a fence in a block quotation": f"> ```\n> {DANGER}\n> ```",
    "double quotes": f'He said "{DANGER}" to me.',
    "single quotes": f"It looks like '{DANGER}'.",
    "typographic quotes": f"“{DANGER}”",
    "typographic single quotes": f"‘{DANGER}’",
    "German quotes": f"„{DANGER}“",
    "guillemets": f"«{DANGER}»",
    "quotes with words around": f'The file says "run {DANGER} now" and more.',
    "HTML code": f"<pre><code>\n{DANGER}\n</code></pre>",
    "HTML escapes": DANGER.replace("<", "&lt;"),
    "an indented code block": f"Example:\n\n    {DANGER}\n\nDone.",
    "a call without a section, in the middle of a sentence": f"The model writes {CALL} and then waits.",
    "before a comma": f"After {DANGER}, the server stops.",
    "in brackets": f"The markup ({DANGER}) is read by the server.",
    "a cell of a table": f"| call | {DANGER} | runs |",
    "an open fence with text behind": f"```\n{DANGER}\nAnd so on.",
    "a quotation with text before the marker": f"> He wrote: {DANGER}\n\nI did not.",
    "explained without code": f"A call looks like {C} header {A} arguments {X}.",
    "explained with a list": f"It starts with {B}, then {C}name{A} and JSON, then {X} and {E}.",
    "explained with placeholders": f"{B}{C}functions.{{name}}:{{index}}{A}{{json}}{X}{E}",
    "one marker": f"The marker {C} opens a call.",
    "two markers": f"The marker {B} opens a section and {E} closes it.",
    "a pair": f"write {B}{E} around it",
    "half a marker": "Compare 1 <",
}
"""Stays as it is."""


@pytest.mark.parametrize("block", [DANGER, REAL])
def test_a_block_in_the_middle_of_a_sentence_is_a_word_of_it(block: str) -> None:
    said = parse(request(text := f"The model writes {block} and then waits."))
    assert (said["tool_calls"], said["unresolved"], said["content"]) == ([], [], text)


BESIDE: dict[str, tuple[str, str | None]] = {
    "a fenced example, then the call": (f"So:\n```\n{DANGER}\n```\nNow:\n{REAL}", f"So:\n```\n{DANGER}\n```\nNow:\n"),
    "the call, then a fenced example": (f"{REAL}\nSo:\n```\n{DANGER}\n```\n", f"\nSo:\n```\n{DANGER}\n```\n"),
    "a call glued to a closing fence": (f"```py\nprint()\n```{REAL}", "```py\nprint()\n```"),
    "a call behind a quotation": (f"> He did.\n\n{REAL}", "> He did.\n\n"),
    "a call right below a quotation": (f"> He did.\n{REAL}", "> He did.\n"),
    "another sentence behind it": (f"I look at it. {REAL} Then I go on", "I look at it.  Then I go on"),
    "a call in a list": (f"1. First\n2. {REAL}", "1. First\n2. "),
    "quotes before": (f'He said "ok" {REAL}', 'He said "ok" '),
    "inch marks": (f'The 5" and the 7" disk. {REAL}', 'The 5" and the 7" disk. '),
    "inch marks around": (f'The 5" disk: {REAL} A 7" disk.', 'The 5" disk:  A 7" disk.'),
    "apostrophes around": (f"I'll look at the users' files. {REAL} That's 'it'.", None),
    "a stray backtick": (f"The ` key. {REAL}", "The ` key. "),
    "code before": (f"See `a` and `b`. {REAL}", "See `a` and `b`. "),
    "a marker explained": (f"The marker {B} opens a section. Now: {REAL}", f"The marker {B} opens a section. Now: "),
    "a marker explained behind": (f"{REAL} The marker {E} closes.", f" The marker {E} closes."),
    "a marker explained, no section": (f"The {B} marker opens. I call {call()}", f"The {B} marker opens. I call "),
    "a marker in code": (f"The `{C}` marker. {REAL}", f"The `{C}` marker. "),
    "an example without JSON in a fence": (
        f"```\n{C}functions.read_file:0{A}{{...}}{X}\n```\n{REAL}",
        f"```\n{C}functions.read_file:0{A}{{...}}{X}\n```\n",
    ),
    "a closed fence with Windows line ends": (f"```\r\nx\r\n```\r\n{REAL}", "```\r\nx\r\n```\r\n"),
    "a lone tag": (f"Close the <pre> tag. {REAL}", "Close the <pre> tag. "),
}
"""The call to read_file runs, and the rest is the content (None: the text without the call)."""

DOUBTFUL = {
    "a fence, never closed": f"```\n{DANGER}",
    "a fence, never closed, no section": f"```\n{call('functions.execute_command:0', '{}')}",
    "glued to a quotation": f"> note{DANGER}",
    "an indented block at the end": f"Example:\n\n    {DANGER}",
}
"""Can't be told from a call: never runs, and the model is told."""


def everywhere(message: dict[str, Any]) -> dict[str, Any]:
    """The answer to the message; the same for all ways to stream it."""
    answer = parse(message)
    assert [cut for cut in streams(message) if parse(cut) != answer] == []
    return answer


@pytest.mark.parametrize("text", TEXT.values(), ids=TEXT)
def test_what_is_quoted_stays_as_it_is(text: str) -> None:
    answer = everywhere(request(text))
    assert (calls(answer), answer["unresolved"], answer["content"]) == ([], [], text)


@pytest.mark.parametrize("text", TEXT.values(), ids=TEXT)
def test_what_is_quoted_in_reasoning_stays_as_it_is(text: str) -> None:
    answer = parse(request(reasoning=text))
    assert (calls(answer), answer["unresolved"], answer["reasoning"]) == ([], [], text)


@pytest.mark.parametrize(("text", "content"), BESIDE.values(), ids=BESIDE)
def test_a_call_next_to_a_quotation_runs(text: str, content: str | None) -> None:
    answer = everywhere(request(text))
    assert (calls(answer), answer["unresolved"]) == ([READ_A], [])
    assert answer["content"] == (text.replace(REAL, "") if content is None else content)


@pytest.mark.parametrize("text", DOUBTFUL.values(), ids=DOUBTFUL)
def test_a_doubtful_call_is_refused_aloud(text: str) -> None:
    answer = everywhere(request(text))
    assert calls(answer) == []
    assert [bad["name"] for bad in answer["unresolved"]] == ["execute_command"]


def test_a_defused_marker_is_none() -> None:
    """What we sent with a zero-width space inside comes back so, and is given on without it."""
    answer = everywhere(request(DANGER.replace("<", "<\u200b")))
    assert (calls(answer), answer["content"]) == ([], DANGER)


def test_a_file_copied_without_escapes_runs_nothing() -> None:
    """The quotes of the copied calls end the string, and what follows looks like calls of the model's own."""
    copied = call("functions.read_file:0", J) + DANGER
    answer = everywhere(request(section(call("functions.write_to_file:0", f'{{"path": "a", "content": "{copied}"}}'))))
    assert calls(answer) == []
    assert answer["unresolved"][0]["name"] == "write_to_file"


def test_an_example_with_an_open_string_runs_nothing() -> None:
    """It takes the fence and the call behind it along, for all that can be told; the model hears of it."""
    answer = everywhere(request(f'So:\n```\n{C}functions.execute_command:0{A}{{"command": "x\n```\nNow:\n{REAL}'))
    assert calls(answer) == []
    assert answer["unresolved"]


@pytest.mark.parametrize("tools", [TOOLS, []], ids=["tools", "no tools"])
def test_a_message_is_never_lost(tools: list[Any]) -> None:
    """Text around a section stays, whatever becomes of the section."""
    answer = everywhere(request(f"before {DANGER}\nafter", tools=tools))
    assert (answer["content"], len(answer["repairs"])) == ("before \nafter", 1)


def test_markers_that_were_made_harmless_run_nothing() -> None:
    """The wire does that to files and results; a model that repeats one means the marker, and is shown with it."""
    answer = everywhere(request(DANGER.replace("<", "<\u200b")))
    assert (calls(answer), answer["unresolved"], answer["content"]) == ([], [], DANGER)

"""What models send for a question, and what they read when it is answered, or when nobody is there."""

import asyncio
import json
from typing import Any

import pytest
from roundtrip.agent.messages import Call
from roundtrip.agent.rules.dispatch import Dispatched, dispatch
from roundtrip.tools.ask_followup_question import MOST, NOBODY, AskFollowupQuestion

Asked = list[tuple[str, tuple[str, ...]]]


def asking(answer: str | None, name: str, arguments: dict[str, Any]) -> tuple[str, bool, Asked]:
    """What the model reads, and what the user was asked."""
    asked: Asked = []

    async def inquire(question: str, options: tuple[str, ...]) -> str | None:
        asked.append((question, options))
        return answer

    call = Call(0, name, json.dumps(arguments))
    dispatched = dispatch(call, [AskFollowupQuestion(inquire)])
    assert isinstance(dispatched, Dispatched), dispatched
    result = asyncio.run(dispatched.tool.run(dispatched.arguments, lambda text: None))
    return result.content, result.failed, asked


AB = ("Which?", ("A", "B"))
SUGGESTED = "<suggest>A</suggest>\n<suggest mode='code'> B </suggest>"


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ({"question": "Which?", "options": ["A", "B"]}, AB),
        ({"question": " Which? "}, ("Which?", ())),
        ({"question": "Which?", "options": []}, ("Which?", ())),
        ({"question": "Which?", "options": None}, ("Which?", ())),
        ({"question": "Which?", "options": ["A", "", "A", "B", " "]}, AB),
        ({"question": "Which?", "options": "A"}, ("Which?", ("A",))),
        ({"question": "Which?", "options": '["A", "B"]'}, AB),
        ({"question": "Which?", "options": '[{"label": "A"}, {"label": "B"}]'}, AB),
        ({"question": "Which?", "follow_up": ["A", "B"]}, AB),
        ({"question": "Which?", "follow_up": [{"text": "A", "mode": "code"}, {"text": "B", "mode": None}]}, AB),
        ({"question": "Which?", "follow_up": SUGGESTED}, AB),
        ({"question": "Which?", "follow_up": [SUGGESTED]}, AB),
        ({"question": "Which?", "follow_up": "<suggest>A<suggest>B"}, AB),
        ({"questions": [{"question": "Which?", "header": "h", "options": [{"label": "A"}, {"label": "B"}]}]}, AB),
        ({"questions": {"question": "Which?", "options": ["A", "B"]}}, AB),
        ({"questions": '[{"question": "Which?", "options": [{"label": "A"}, {"label": "B"}]}]'}, AB),
        ({"questions": ["Which?"]}, ("Which?", ())),
        ({"questions": [{"question": "Q", "options": [{"label": "A", "description": "the first"}, {"label": "B"}]}]},
         ("Q", ("A: the first", "B"))),
        ({"questions": [{"question": "One?", "options": ["A", "B"]}, {"question": "Two?"}]},
         ("1. One? (A, B)\n2. Two?", ())),
        ({"question": "Which?", "options": [f"{number}" for number in range(20)]},
         ("Which?", tuple(f"{number}" for number in range(MOST)))),
        ({"question": "Which?", "options": ["several\n lines"]}, ("Which?", ("several lines",))),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_asked(arguments: dict[str, Any], asked: tuple[str, tuple[str, ...]]) -> None:
    assert asking("B", "ask_followup_question", arguments) == ("The user answers: B", False, [asked])


@pytest.mark.parametrize("name", ["AskUserQuestion", "ask_user", "askFollowupQuestion"])
def test_other_names(name: str) -> None:
    assert asking("yes", name, {"question": "Sure?"})[0] == "The user answers: yes"


@pytest.mark.parametrize("value", [1, True, [1, [2]], {"a": []}, [[["A"]]], "[" * 5000, {}, [None]])
@pytest.mark.parametrize("key", ["options", "questions", "follow_up"])
def test_whatever_stands_there_raises_nothing(key: str, value: Any) -> None:
    dispatch(Call(0, "ask_followup_question", json.dumps({"question": "Which?", key: value})), [AskFollowupQuestion()])


def test_an_empty_question_is_not_asked() -> None:
    content, failed, asked = asking("x", "ask_followup_question", {"question": " "})
    assert (failed, asked) == (True, [])
    assert content.startswith("The question is empty.")


def test_nobody_answers() -> None:
    assert asking(None, "ask_followup_question", {"question": "Which?"})[:2] == (NOBODY, True)


def test_nobody_is_there() -> None:
    tool = AskFollowupQuestion(None, offered=False)
    result = asyncio.run(tool.run({"question": "Which?"}, lambda text: None))
    assert (tool.spec.offered, result.content, result.failed) == (False, NOBODY, True)
    assert tool.intent({"question": "Which?"}).effect == "reads"

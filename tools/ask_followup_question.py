"""`ask_followup_question`: a question that only the user can answer. Only where somebody is there to answer it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from roundtrip.agent.messages import ToolResult, ToolSpec
from roundtrip.agent.tooling import Inquire, Intent, Output
from roundtrip.tools.paths import failure

MOST = 9
"""Options that are shown; more are no choice."""

NOBODY = "Nobody can be asked. Decide yourself and say so in your answer, or end your turn with the question."
_SUGGESTED: Final = re.compile(r"<suggest[^>]*>(.*?)(?:</suggest>|(?=<suggest)|$)", re.S)
_TEXT_KEYS: Final = ("text", "label", "answer", "option", "value", "title")


def adapt(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Several questions become one, and options that are objects or markup become texts."""
    adapted = dict(arguments)
    asked = [_one(question) for question in _listed(adapted.pop("questions", None))]
    if "question" not in adapted and len(asked) == 1:
        adapted |= asked[0]
    elif "question" not in adapted and asked:
        adapted["question"] = "\n".join(f"{number}. {_said(one)}" for number, one in enumerate(asked, 1))
    if "options" in adapted:
        adapted["options"] = _texts(adapted["options"])
    return adapted


def _listed(value: object) -> list[Any]:
    """A list, one of its members alone, or the JSON text of either."""
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _one(question: Any) -> dict[str, Any]:
    """What is known of one of several questions."""
    if not isinstance(question, dict):
        return {"question": str(question)}
    return {key: question[key] for key in ("question", "options") if question.get(key) is not None}


def _said(question: dict[str, Any]) -> str:
    """One of several questions with what may be answered."""
    options = ", ".join(_texts(question.get("options")))
    return f"{question.get('question', '')}{f' ({options})' if options else ''}"


def _texts(options: object) -> list[str]:
    texts: list[str] = []
    for option in _listed(options):
        text = _text(option) if isinstance(option, dict) else option if isinstance(option, str) else ""
        texts += _SUGGESTED.findall(text) or [text]
    return [" ".join(text.split()) for text in texts]


def _text(option: dict[str, Any]) -> str:
    """The text of an option that is an object, and what it says about it."""
    text = next((option[key] for key in _TEXT_KEYS if isinstance(option.get(key), str)), "")
    more = option.get("description")
    return f"{text}: {more}" if text and isinstance(more, str) and more else text


SPEC = ToolSpec(
    name="ask_followup_question",
    description="Ask the user what only they can decide. Offer options where you know some.",
    parameters={
        "type": "object",
        "properties": {"question": {"type": "string"}, "options": {"type": "array", "items": {"type": "string"}}},
        "required": ["question"],
    },
    aliases=("ask_user", "ask_user_question", "ask_question"),
    parameter_aliases={"follow_up": "options", "suggestions": "options", "choices": "options", "prompt": "question"},
    adapt=adapt,
    example='{"question": "Which database should the tests use?", "options": ["SQLite", "PostgreSQL"]}',
)


class AskFollowupQuestion:
    """inquire: who asks the user; None where nobody is there, of which a model that calls it nevertheless is told.
    offered: whether the session began with somebody there."""

    def __init__(self, inquire: Inquire | None = None, *, offered: bool = True) -> None:
        self.spec = replace(SPEC, offered=offered)
        self._inquire = inquire

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        return Intent("reads")

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        question = arguments["question"].strip()
        if not question:
            return failure(f"The question is empty. A correct call has, for example, {SPEC.example}")
        if self._inquire is None:
            return failure(NOBODY)
        options = tuple(dict.fromkeys(option for option in arguments.get("options", ()) if option))[:MOST]
        answer = await self._inquire(question, options)
        if answer is None:
            return failure(NOBODY)
        return ToolResult(f"The user answers: {answer}", answer)

"""From a call to a tool and arguments that fit it; or to the error that the model reads instead.

History keeps what the model wrote; only the execution sees the mapped call. Errors say what was wrong, the schema in
one line, and one correct example, because that is what makes the next try succeed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from roundtrip.agent.leaks import Offer, called, fit
from roundtrip.agent.leaks.notation import CUT
from roundtrip.agent.messages import Call, ToolSpec
from roundtrip.agent.tooling import Refusal, Tool

PARTS: Final = " Send less at a time: of a long file the first part with write_to_file, then more of it with edit_file."
"""What helps where a call was too long for one answer."""

NO_TOOL: Final = "there is no tool called"
"""Also where the parser's reason for it begins."""

INSTEAD: Final = tuple(
    (re.compile(names, re.IGNORECASE), said)
    for names, said in (
        (
            r"(?:\w*[._])?(?:i?python\d?|jupyter|node|code)(?:_\w*)?|\w+_code",
            "To run code, call {} with the program's command line.",
        ),
        (r"(?:delete|remove|rm|unlink)(?:_?(?:file|path|dir|directory|folder)s?)?", "To delete, call {} with rm."),
        (r"(?:move|rename|mv)(?:_?(?:file|path|dir|directory|folder)s?)?", "To move or rename, call {} with mv."),
        (r"(?:copy|cp)(?:_?(?:file|path|dir|directory|folder)s?)?", "To copy, call {} with cp."),
        (
            r"mkdir|(?:create|make|new)_?(?:dir|directory|folder)",
            "A file that is written gets its folders; for an empty one call {} with mkdir -p.",
        ),
        (
            r"write_?stdin|send_?(?:command_?)?input|write_to_terminal",
            "A command of {} has no stdin; give it its input in the command line.",
        ),
    )
)
"""Names of tools that models take for granted, and how to do it with the one that runs commands."""


@dataclass(frozen=True, slots=True)
class Dispatched:
    """A call that can run. notes: what was changed on the way, for the model."""

    tool: Tool
    arguments: dict[str, Any]
    notes: tuple[str, ...] = ()


def offers(specs: Iterable[ToolSpec]) -> tuple[Offer, ...]:
    """The tools as the leak parser knows them."""
    return tuple(
        Offer(
            s.name, s.parameters, s.aliases, s.parameter_aliases, s.legacy, s.effect == "reads", s.adapt, not s.offered
        )
        for s in specs
    )


def dispatch(call: Call, tools: Sequence[Tool]) -> Dispatched | Refusal:
    """Finds the tool and fits the arguments; a Refusal is the call's result."""
    known = offers(tool.spec for tool in tools)
    offer = called(known, call.name)
    tool = tools[known.index(offer)] if offer else None
    if offer is None or tool is None:
        return Refusal(f"Not run: {_unknown(call, tools)}")
    if call.problem:
        advice = PARTS if call.problem == CUT and tool.spec.effect == "edits" else ""
        return Refusal(f"Not run: {call.problem}.{advice}{usage(tool.spec)}")
    fitted = fit(offer, call.parsed)
    if fitted.problems:
        return Refusal(f"Not run: {'; '.join(fitted.problems)}.{usage(tool.spec)}")
    return Dispatched(tool, fitted.arguments, fitted.notes)


def _unknown(call: Call, tools: Sequence[Tool]) -> str:
    """What is said of a call to no tool. What is wrong with its arguments is no matter then."""
    offered = [tool.spec for tool in tools if tool.spec.offered]
    runs = next((spec.name for spec in offered if spec.effect == "runs"), "")
    said = next((f" {said.format(runs)}" for names, said in INSTEAD if runs and names.fullmatch(call.name)), "")
    if not call.name or call.problem.startswith(NO_TOOL):
        return f"{call.problem}.{said}"
    return f"{NO_TOOL} {call.name!r}. The tools are: {', '.join(spec.name for spec in offered)}.{said}"


def usage(spec: ToolSpec) -> str:
    """A tool's parameters and a correct example, one line each."""
    required = spec.parameters.get("required", ())
    parameters = ", ".join(
        f"{name}{'' if name in required else '?'}: {schema.get('type', 'any')}"
        for name, schema in spec.parameters.get("properties", {}).items()
    )
    return f"\nUsage: {spec.name}({parameters})\nExample arguments: {spec.example}"


def with_notes(content: str, notes: Sequence[str]) -> str:
    """A result with what the model should know about its call."""
    return f"{content}\n(note: {'; '.join(notes)})" if notes else content


def key(name: str, arguments: dict[str, Any]) -> str:
    """The same string for the same call."""
    return f"{name} {json.dumps(arguments, sort_keys=True, ensure_ascii=False)}"

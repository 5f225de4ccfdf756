"""What models write that learned other agents' tools for commands, and what it means for ours."""

from __future__ import annotations

import re
import shlex
from typing import Any, Final

from roundtrip.tools.habits import Arguments
from roundtrip.tools.habits.refused import refusal
from roundtrip.tools.habits.values import folded, integer, loaded, pop, truth

MILLISECONDS: Final = 10_000
"""A time limit from here on is in milliseconds: as seconds it would be hours, which no tool here allows."""

LONGEST: Final = 999
"""Seconds of a converted time limit, so that it is not converted again, by the tool neither."""

WHERE: Final = ("cd", "path", "dir", "folder", "currentdir", "currentdirectory", "basedir", "rootdir")
"""Names of the folder a command runs in (folded) that are no aliases: without a tool's name they don't tell it."""

_SHELLS: Final = re.compile(r"(?:/(?:usr/)?bin/)?(?:ba|z|da)?sh")
_SCRIPT_FLAGS: Final = ("-c", "-lc", "-ic", "-lic")


def execute_command(arguments: Arguments) -> Arguments | str:
    """Milliseconds, and a shell that is called with a script."""
    rest = dict(arguments)
    reason = refusal("execute_command", rest)
    if reason:
        return reason
    limit = integer(pop(rest, "timeoutms", "timeoutmillis", "timeoutmilliseconds"))
    if limit is not None and "timeout" not in rest:
        rest["timeout"] = _seconds(limit)
    timeout = integer(rest.get("timeout"))
    if timeout is not None:
        rest["timeout"] = _limited(timeout, rest["timeout"])
    command = _command(rest)
    if _is_patch(command):
        return 'apply_patch is no program here: call the tool apply_patch with {"input": "*** Begin Patch …"}'
    if truth(pop(rest, "detach", "detached", "async")) or truth(pop(rest, "blocking", "wait", "block")) is False:
        rest.setdefault("background", True)
    return _somewhere(rest)


def _command(rest: dict[str, Any]) -> Any:
    """The command without a shell that is called with it as a script, and with what was given as its arguments."""
    command = loaded(rest.get("command"))
    if isinstance(command, list):
        script = len(command) == 3 and _is_texts(command) and command[1] in _SCRIPT_FLAGS
        rest["command"] = command = command[2] if script and _SHELLS.fullmatch(command[0]) else command
    words = loaded(rest.get("args"))
    if _is_texts(words):
        command = shlex.join(command) if _is_texts(command) else command
        words = shlex.join(words)
    if isinstance(words, str) and isinstance(command, str):
        del rest["args"]
        rest["command"] = command = f"{command} {words}".rstrip()
    return command


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


def _somewhere(rest: dict[str, Any]) -> Arguments | str:
    """The folder to run in under its own name. Of two there is none: nothing may run elsewhere than was meant."""
    folders = [value for name in [name for name in rest if folded(name) in WHERE] if (value := rest.pop(name))]
    given = [*([rest["cwd"]] if rest.get("cwd") else []), *folders]
    if any(folder != given[0] for folder in given):
        return "the call names two folders to run in; give the one that is meant as cwd"
    return {**rest, "cwd": given[0]} if folders else rest


def read_command_output(arguments: Arguments) -> Arguments | str:
    """Claude's ids have a word in front, and it waits in milliseconds."""
    rest = dict(arguments)
    reason = refusal("read_command_output", rest)
    if reason:
        return reason
    if pop(rest, "action") in ("kill", "stop", "terminate"):
        rest["kill"] = True
    if "id" in rest:
        rest["id"] = _number(rest["id"])
    limit, block = integer(pop(rest, "timeout", "timeoutms")), truth(pop(rest, "block"))
    if limit is not None and block is not False and "wait" not in rest:
        rest["wait"] = _limited(limit, limit)
    return rest


def kill_command(arguments: Arguments) -> Arguments:
    """Claude's `KillShell` and its like: whatever they call it, one command is named, and that is ended."""
    rest = dict(arguments)
    named = pop(rest, "shellid", "id", "bashid", "taskid", "jobid")
    return {"shell_id": _number(named), "kill": True} if named is not None else rest


def _number(id: Any) -> Any:
    """The number of a command whose id has a word in front of it."""
    found = re.fullmatch(r"[A-Za-z_# -]*(\d{1,9})", id) if isinstance(id, str) else None
    return int(found[1]) if found else id


def _limited(limit: int, given: Any) -> Any:
    """A time limit in seconds, as it was given where it may have been in seconds."""
    return _seconds(limit) if limit >= MILLISECONDS else given


def _seconds(milliseconds: int) -> int:
    return min(max(round(milliseconds / 1000), 1), LONGEST)


def _is_patch(command: Any) -> bool:
    """Whether a command line hands a patch to Codex' own program."""
    words = command if isinstance(command, list) else [command]
    text = " ".join(word for word in words if isinstance(word, str))
    return bool(re.match(r"\s*(?:cd \S+ && )?apply_?patch\b", text)) and "*** Begin Patch" in text

"""What a command had left running, so that the model is told what ended with it.

Strategy. Only who is beside the command to its end can see that. Landlock's launcher is; with bubblewrap it takes a
small shell around the command, in the same process namespace. Either writes it into a file, if there is anything; with
bubblewrap into the session's own /tmp, where the command could have put anything in its place: so it is only read if it
is a plain file, and believed no more than the command's output.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from roundtrip.agent.files import content
from roundtrip.agent.runtime.sandbox.policy import Kind, Policy

_MOST: Final = 4096
"""Bytes that are read."""

_WATCH: Final = """\
trap : TERM
exec 3>&2 2>/dev/null
(exec "$@") 2>&3 3>&-
code=$?
left() { set -- /proc/[0-9]*; [ $# -gt 2 ]; }
left && sleep 0.1 && left && rm -f "$0" && for one in /proc/[0-9]*; do
  grep -q "^PPid:[[:space:]]*1$" $one/status && [ ${one#/proc/} != $$ ] && tr '\\0\\n' '  ' < $one/cmdline && echo
done > "$0"
exit $code
"""
"""Beside us there is only the first process, which adopts what has lost its parent. What is on its way to its end has
a moment for it. A shell's own words about a command that a signal has ended are left out; the code says it."""


def watched(policy: Policy, command: Sequence[str]) -> list[str]:
    """The command line with the shell around it; for bubblewrap."""
    if not policy.private or not policy.report:
        return list(command)
    return ["/bin/sh", "-c", _WATCH, str(policy.private[0][0] / policy.report), *command]


def left_running(kind: Kind, policy: Policy) -> tuple[str, ...]:
    """The command lines of what a command had left running and what ended with it. To be asked once."""
    inside = kind == "bwrap" and policy.private
    path = (policy.private[0][1] if inside else policy.temporary) / policy.report
    said = content(path, _MOST) or b""
    with suppress(OSError):
        path.unlink()
    return tuple(" ".join(line.split()) for line in said.decode("utf-8", "replace").split("\n") if line.strip())

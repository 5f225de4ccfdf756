"""What the model should know beside a command's result, to understand it: mostly, that it was the sandbox. Pure.

Two notes at most: why the command failed, with all reasons that fit, and what became of what it left. A note may be
wrong (a server may really be down), so it says what is so, not what must have happened.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

_OUTSIDE: Final = (
    "Commands run in a sandbox: they can write only in the workspace and in $TMPDIR, and git hooks, git configuration "
    "and .agent are read-only. If this must be done, ask the user to do it, or to restart with --writable FOLDER or "
    "--sandbox off."
)
_NETWORK: Final = (
    "Commands run in a sandbox without network, and can't reach servers on this machine that were not started by "
    "commands. If this needs the network, ask the user to allow it, with /network on or --allow network."
)
_NO_SOCKETS: Final = (
    "Commands run in a sandbox without network, and not even localhost can be used. If this needs it, ask the user to "
    "allow the network, with /network on or --allow network."
)
_KEYS: Final = (
    "Commands run in a sandbox that hides keys and agents such as ~/.ssh and ~/.gnupg. If this needs them, ask the "
    "user to do it, or to restart with --sandbox off."
)
_WITHHELD: Final = (
    "Commands that have no network don't get variables that look like secrets. {} is set, but withheld; if this needs "
    "it, ask the user to allow the network, with /network on or --allow network."
)
_NO_TERMINAL: Final = (
    "Commands have no terminal and no input, so nothing that is used with keys can run. Use a program or options that "
    "need none; files are changed with the tools for that."
)
_OWN_TMP: Final = (
    "Commands have a {0} of their own, for this session: later commands find there what was written, other tools and "
    "the user do not. What they are to see must be in the workspace."
)
_ENDED: Final = (
    "Ended with the command, which had left it running: {}. To start something that keeps running, leave out the & "
    'and set "background": true.'
)
_RUNS_ON: Final = (
    "Left running by the command, and still running; nothing will end it: {}. To start something that can be read "
    'and ended, leave out the & and set "background": true.'
)

_MAY_RUN_ON: Final = (
    "There is no sandbox: what the command had detached from itself (setsid, a daemon) was not ended and may still run."
)

_NO_NETWORK: Final = (
    r"[Cc]ould ?n[o']t resolve|[Tt]emporary failure in name resolution|Name or service not known|EAI_AGAIN|"
    r"Temporary failure resolving|unable to resolve host|[Uu]nknown ?[Hh]ost|ENOTFOUND|[Nn]etwork is unreachable|"
    r"ENETUNREACH|dns error|failed to lookup address|Failed to establish a new connection|\(from versions: none\)"
)
_READ_ONLY: Final = r"[Rr]ead-only file ?system|EROFS|os error 30\b"
_SIGNS: Final = (
    (
        "keys",
        r"Permission denied \(publickey|Host key verification failed|gpg failed to sign|Could not open a connection to "
        r"your authentication agent|no new privileges|[Cc]annot connect to the Docker daemon",
        _KEYS,
    ),
    ("files", rf"{_READ_ONLY}|Device or resource busy", _OUTSIDE),
    (
        "network",
        rf"{_NO_NETWORK}|[Nn]o such host|[Cc]onnection refused|ECONNREFUSED|[Cc]ouldn't connect to server",
        _NETWORK,
    ),
    ("rights", r"Permission denied|EACCES|os error 13\b", _OUTSIDE),
)
_CLEAR_SIGNS: Final = (("files", _READ_ONLY, _OUTSIDE), ("network", _NO_NETWORK, _NETWORK))
"""What counts although the command ended well, because `; echo done` or `| tail` stood behind what failed."""

_SHOWS_TEXT: Final = re.compile(
    r"\s*(?:cat|head|tail|less|more|grep|egrep|rg|ag|ack|sed|awk|find|ls|git (?:log|diff|show|grep|blame))\b"
)
"""Commands whose output is somebody else's: what it says is no sign, if they ended well."""

_IS_NO_TERMINAL: Final = re.compile(
    r"(?:[Ii]nput|[Oo]utput) is not (?:from |to )?a (?:terminal|tty)|failed tty get|not a (?:tty|TTY)\b"
    r"|[Ee]rror opening terminal|TERM environment variable (?:not set|needs set)|terminal is not fully functional"
    r"|open /dev/tty|'/dev/tty'|[Mm]ust be (?:run in|connected to) a terminal|Inappropriate ioctl for device"
)
_USES_KEYS: Final = re.compile(
    r"(?:^|[;&|(\n])\s*(?:(?:sudo|exec|env|command|time|\w+=\S*)\s+)*(?:vim?|nvim|view|vimdiff|nano|pico|emacs|mcedit|micro|less|more"
    r"|most|htop|btop|atop|top|watch|tmux|screen|mc|ranger|tig|lazygit|gitui|fzf|ncdu|dialog|whiptail|telnet|ftp|sftp"
    r"|gdb|lldb|pdb)\b(?!-)"
)
"""Programs that wait for keys, as the first word of a command."""

_WRITES_TMP: Final = re.compile(r"(?:>|\btee\b(?:\s+-a)?|\s-o|\s--output[ =])\s*[\"']?((?:/var)?/tmp)/([\w./-]*)")

_SHOWN: Final = 60
_MOST: Final = 3


@dataclass(frozen=True, slots=True)
class Ran:
    """A command as it ended. code: as in `Finished`. output: its end. root: the workspace. left: what it started and
    what still ran when it ended. withheld: names of variables that it did not get."""

    command: str
    code: int | None
    output: str
    root: str = ""
    left: Sequence[str] = ()
    withheld: Collection[str] = ()


def note(kind: Literal["bwrap", "landlock", "none"], network: bool, ran: Ran) -> str:
    """What to tell the model beside the result, "" for nothing."""
    why = _no_terminal(ran) or ("" if kind == "none" else _sign(kind, network, ran))
    return " ".join(filter(None, (why, _left(kind, ran) or (_own_tmp(ran) if kind == "bwrap" else ""))))


def _no_terminal(ran: Ran) -> str:
    uses = ran.code is None and _USES_KEYS.search(ran.command)
    return _NO_TERMINAL if uses or (ran.code and _IS_NO_TERMINAL.search(ran.output)) else ""


def _sign(kind: str, network: bool, ran: Ran) -> str:
    """What the output shows of the sandbox."""
    if ran.code is None or (ran.code == 0 and _SHOWS_TEXT.match(ran.command)):
        return ""
    if ran.code:
        for name in ran.withheld:
            if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", ran.output):
                return _WITHHELD.format(name)
    found: dict[str, None] = {}
    for sign, pattern, text in _SIGNS if ran.code else _CLEAR_SIGNS:
        applies = {"network": not network, "rights": kind == "landlock"}.get(sign, True)
        if applies and re.search(pattern, ran.output):
            found[_NO_SOCKETS if sign == "network" and kind == "landlock" else text] = None
            if sign == "keys":  # the others would only be in its wake
                break
    return " ".join(found)


def _left(kind: str, ran: Ran) -> str:
    if not ran.left:
        return _MAY_RUN_ON if kind == "none" and ran.code is None else ""
    names = list(dict.fromkeys(f"{one[:_SHOWN]}…" if len(one) > _SHOWN else one for one in ran.left))
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return (_RUNS_ON if kind == "none" else _ENDED).format(", ".join(names[:_MOST]) + more)


def _own_tmp(ran: Ran) -> str:
    for folder, rest in _WRITES_TMP.findall(ran.command):
        if not ran.root or not f"{folder}/{rest}/".startswith(f"{ran.root}/"):
            return _OWN_TMP.format(folder)
    return ""

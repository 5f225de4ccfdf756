"""What a failed command says when the sandbox is the reason, and what the model should know then. Pure.

One note at most, the first that fits: more would bury the output. A note may be wrong (a server may really be down), so
it says what is so, not what must have happened.
"""

from __future__ import annotations

import re
from typing import Final, Literal

_OUTSIDE: Final = (
    "Commands run in a sandbox: they can write only in the workspace and in $TMPDIR, and git hooks, git configuration "
    "and .agent are read-only. If this must be done, ask the user to do it, or to restart with --writable FOLDER or "
    "--sandbox off."
)
_NETWORK: Final = (
    "Commands run in a sandbox without network, and can't reach servers on this machine that were not started by "
    "commands. If this needs the network, ask the user to allow it."
)
_NO_SOCKETS: Final = (
    "Commands run in a sandbox without network, and not even localhost can be used. If this needs it, ask the user to "
    "allow the network."
)
_KEYS: Final = (
    "Commands run in a sandbox that hides keys and agents such as ~/.ssh and ~/.gnupg. If this needs them, ask the "
    "user to do it, or to restart with --sandbox off."
)
_LEFT_RUNNING: Final = (
    "What the command left running in the background ended with it. To start something that keeps running, leave out "
    'the & and set "background": true.'
)

_SIGNS: Final = (
    (
        "keys",
        r"Permission denied \(publickey|Host key verification failed|gpg failed to sign|Could not open a connection to "
        r"your authentication agent|no new privileges|[Cc]annot connect to the Docker daemon",
        _KEYS,
    ),
    ("files", r"[Rr]ead-only file ?system|EROFS|os error 30\b|Device or resource busy", _OUTSIDE),
    (
        "network",
        r"[Cc]ould ?n[o']t resolve|[Tt]emporary failure in name resolution|Name or service not known|EAI_AGAIN|"
        r"ENOTFOUND|[Nn]etwork is unreachable|ENETUNREACH|[Nn]o such host|dns error|[Cc]onnection refused|"
        r"ECONNREFUSED|[Cc]ouldn't connect to server|failed to lookup address|Failed to establish a new connection",
        _NETWORK,
    ),
    ("rights", r"Permission denied|EACCES|os error 13\b", _OUTSIDE),
)
_BACKGROUND: Final = re.compile(r"(?<![&|>])&\s*(?:disown\s*)?(?:[;)]|$)|\b(?:nohup|setsid)\b", re.MULTILINE)


def note(kind: Literal["bwrap", "landlock", "none"], network: bool, code: int | None, command: str, output: str) -> str:
    """What to tell the model beside the result, "" for nothing. code: as in `Finished`."""
    if kind == "none" or code is None:
        return ""
    for sign, pattern, text in _SIGNS if code else ():
        applies = {"network": not network, "rights": kind == "landlock"}.get(sign, True)
        if applies and re.search(pattern, output):
            return _NO_SOCKETS if sign == "network" and kind == "landlock" else text
    left = _BACKGROUND.search(command) and not re.search(r"\bwait\b", command)
    return _LEFT_RUNNING if left else ""

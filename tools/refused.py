"""Parameters of other agents' tools that change what is done, which ours can't do: without them, a call must not run.
Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from roundtrip.tools.values import pop

_DRY: Final = (("dryrun",), "nothing is tried out here; to make the change, leave dry_run out")
_ENCODING: Final = "a new file is UTF-8, and one that is there keeps its encoding; leave encoding out"

REFUSED: Final[Mapping[str, tuple[tuple[tuple[str, ...], str], ...]]] = {
    "search_files": (
        (
            ("v", "invert", "invertmatch"),
            "lines that don't match can't be searched for; use execute_command with grep -v",
        ),
        (("fileswithoutmatch",), "files without a match can't be searched for; use execute_command with grep -rL"),
    ),
    "execute_command": (
        (
            ("env", "environment", "envvars", "environmentvariables"),
            "no environment can be given; set it in the command: NAME=value program",
        ),
        (
            ("stdin", "input", "isinput"),
            "commands run without stdin; pipe the text in, or use a here-document: program <<'END'",
        ),
    ),
    "write_to_file": (_DRY,),
    "edit_file": (
        (("useregex", "isregex", "regex"), "old_string is never a regex here; give the exact text"),
        (("ignorecase",), "old_string is compared with its case; give the exact text"),
        (
            ("wholeword", "wholewords", "matchwholeword"),
            "old_string is found in the middle of words too; give more of the text around it",
        ),
        _DRY,
    ),
    "apply_diff": (_DRY, (("reverse",), "a patch is not taken back; send one that changes the lines as you want them")),
}
"""Tool -> names of a parameter (folded), and why a call with it is refused."""

UNSET: Final[tuple[object, ...]] = (None, False, 0, "", "false", "False", [], {})
"""Values of a parameter that ask for nothing."""


def refusal(tool: str, arguments: dict[str, Any]) -> str:
    """Why a call can't be made as it was meant, "" if it can. Takes those parameters out that ask for nothing."""
    return next((reason for names, reason in REFUSED[tool] if pop(arguments, *names) not in UNSET), "")


def encoding_refusal(arguments: dict[str, Any]) -> str:
    """Why a file is not written in an encoding, "" if it is, or if none was asked for."""
    name = pop(arguments, "encoding", "charset")
    return "" if name in UNSET or str(name).lower() in ("utf-8", "utf8", "text") else _ENCODING

"""Parameters of other agents' tools that change what is done, which ours can't do: without them, a call must not run.
Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from roundtrip.tools.habits.values import folded, pop

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
        (
            ("dryrun", "simulate", "preview"),
            "nothing is tried out here; give the command the option that it has for that",
        ),
        (("user", "host", "container"), "commands run as the user who runs the agent, on this machine"),
    ),
    "read_command_output": (
        (
            ("signal", "input", "chars", "stdin"),
            'a command in the background gets no input and no signals; "kill": true ends it',
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


REMARKS: Final = ("description", "explanation", "instruction", "instructions", "reason", "reasoning", "thought")
"""Names of a parameter (folded) in which models say why they make a call, which is nothing to tell them about."""


def refusal(tool: str, arguments: dict[str, Any]) -> str:
    """Why a call can't be made as it was meant, "" if it can. Takes those parameters out that ask for nothing."""
    pop(arguments, *REMARKS)
    return next((reason for names, reason in REFUSED[tool] if pop(arguments, *names) not in UNSET), "")


DECORATION: Final = re.compile(
    r"\w*(?:description|explanation|instructions?|reason(?:ing)?|rationale|summary|comment|note|title|purpose|thoughts?"
    r"|thinking|(?:task)?progress|linecount|approval|risk|language|bytool|byuser|proposedcontent|toolname)|name|tool|id"
)
"""Names of a parameter (folded) that say something about a call, and change nothing of what it does."""


def unknown(arguments: Mapping[str, Any], known: Collection[str], instead: str) -> str:
    """Why a call that changes files is not made where nobody knows what one of its parameters says, "" if all is known:
    it may be about a part of the file, or about the place. What decorates a call is left for dispatch to drop."""
    name = next((name for name, value in arguments.items() if _says_more(name, value, known)), None)
    return "" if name is None else f"there is no parameter {name!r} here, and it may change what is meant; {instead}"


def _says_more(name: str, value: Any, known: Collection[str]) -> bool:
    return name not in known and value not in (*UNSET, ".") and not DECORATION.fullmatch(folded(name))


def encoding_refusal(arguments: dict[str, Any]) -> str:
    """Why a file is not written in an encoding, "" if it is, or if none was asked for."""
    name = pop(arguments, "encoding", "charset")
    return "" if name in UNSET or str(name).lower() in ("utf-8", "utf8", "text") else _ENCODING

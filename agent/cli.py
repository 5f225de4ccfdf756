"""The command line: what the arguments ask for. The commands put the parts together (`commands.assembly`).

Importing this module costs next to nothing, because `agent --version` and `agent --help` stand on it; each command
imports what it needs when it runs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from roundtrip.agent import __version__
from roundtrip.agent.commands.entries import COMMANDS, add_run_flags

TYPE_CHECKING = False  # as `typing` has it, without importing it: `agent --help` would pay for that
if TYPE_CHECKING:
    from typing import Literal, NoReturn

    from roundtrip.agent.commands.options import Options

_DESCRIPTION = "A coding agent for the terminal: every tool call gets exactly one result."
_EPILOG = """\
without a prompt, in a terminal: an interactive session

commands (as the first word; `agent -- parse` is a prompt):
  sessions  list the sessions of this folder
  undo, diff, checkpoints
            take back the agent's last change, show what it did, list what can be taken back
  config    show each setting and where it comes from
  trust     show a project's own configuration, and accept it
  sandbox   show what commands may do on this machine, and prove it
  demo      watch the agent work against a scripted model; needs no server
  parse     the leak parser as a filter: a JSON object a line in, one out
  conformance
            test such a filter, this one or another program, with the cases of our kit

settings: flags, then AGENT_BASE_URL, AGENT_MODEL and AGENT_API_KEY, then OPENAI_BASE_URL,
  OPENAI_MODEL and OPENAI_API_KEY, then the user's config file

exit codes: 0 answered, 1 the model or its server failed, 2 wrong flags or configuration,
  3 a limit was reached, 4 answered but calls were refused for want of permission,
  130 interrupted, 143 ended by SIGTERM
"""
PERMITTED = ("edit", "command", "network", "outside")
OPTIONAL_TOOLS = ("new_task", "web_fetch")
_CLOSE = 0.85
"""How much alike a word and a command must be: `undoo` is, `test` and `confirm` are not."""
_CHOOSE = "?"
"""`--resume` without an id: show the sessions and ask."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program. Returns the exit code."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    if argv == ["--version"]:
        print(f"roundtrip {__version__}")
        return 0
    _replace_closed()
    try:
        command = COMMANDS.get(argv[0]) if argv else None
        code = command(argv[1:]) if command else _prompt(argv)
        return code if _flushed() else code or 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 1
    finally:
        _drop_unread()


def _replace_closed() -> None:
    """What was closed for us (`2>&-`) is None in Python; written to, it shall be no reason to fail."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _flushed() -> bool:
    try:
        sys.stdout.flush()
    except OSError:  # nobody reads it, or there is no room for it
        return False
    return True


def _drop_unread() -> None:
    """Whoever read our output may have gone; Python must not complain about it at exit, with a code of its own."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _prompt(argv: list[str]) -> int:
    parser = _parser()
    options = parser.parse_args(argv)
    if options.version:
        print(f"roundtrip {__version__}")
        return 0
    if len(options.prompt) == 1 and options.prompt[0] in COMMANDS and "--" not in argv:
        word = options.prompt[0]
        parser.error(f"{word} is a command only as the first word: agent {word} …; as a prompt: agent … -- {word}")
    if not options.prompt and sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty():
        if options.json or options.stream_json:
            parser.error("--json and --stream-json need a prompt")
        from roundtrip.agent.commands.interactive import run as interact

        return interact(_options(options, ""))
    words, piped = " ".join(options.prompt), _piped(bool(options.prompt))
    if "--" not in argv and (problem := _no_prompt(words, bool(piped.strip()))):
        parser.error(problem)
    prompt = _joined(words, piped)
    if not prompt.strip():
        parser.error('the prompt is empty; for example: agent "summarize README.md"')
    if options.resume == _CHOOSE:
        parser.error("--resume needs an id here: see agent sessions")
    from roundtrip.agent.commands.oneshot import run

    return run(_options(options, prompt))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """As always, broken between words."""
        from roundtrip.agent.frontends.words import fitted

        begin = f"{self.prog}: error: "
        super().error(fitted(f"{begin}{message}", sys.stderr).removeprefix(begin))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        "agent", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("prompt", nargs="*", help="what to do; standard input is added to it")
    parser.add_argument("--version", action="store_true", help="print the version")
    parser.add_argument("--base-url", metavar="URL", help="the server, such as http://127.0.0.1:8080/v1")
    parser.add_argument("--model", metavar="NAME", help="the model (default: the first that the server lists)")
    add_run_flags(parser)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--mode", choices=["plan", "ask", "edits", "auto"], help="what is not asked (default: ask)")
    mode.add_argument(
        "--yes", dest="mode", action="store_const", const="auto",
        help="allow edits and commands without asking, as --mode auto; nothing outside the workspace, no network",
    )  # fmt: skip
    parser.add_argument("--allow", action="append", choices=PERMITTED, help="allow one kind; repeatable")
    parser.add_argument(
        "--tool", metavar="NAME", action="append", choices=OPTIONAL_TOOLS,
        help=f"offer an optional tool: {' or '.join(OPTIONAL_TOOLS)}; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--sandbox", choices=["auto", "off", "strict"],
        help="for commands: the best there is (default), none, or none but a complete one; see: agent sandbox",
    )  # fmt: skip
    parser.add_argument(
        "--writable", metavar="DIR", action="append", default=[],
        help="a folder that commands may write beside the workspace, such as ~/.gradle; repeatable",
    )  # fmt: skip
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "-c", "--continue", dest="resume", action="store_const", const="", help="go on with this folder's last session"
    )
    again.add_argument(
        "-r", "--resume", metavar="ID", nargs="?", const=_CHOOSE, help="go on with a session (without ID: choose one)"
    )
    parser.add_argument("--workspace", metavar="DIR", default=".", help="the project (default: the current folder)")
    return parser


def _no_prompt(words: str, piped: bool) -> str:
    """Why this is taken for a command that was meant, "" if it may be a prompt: a session's, such as `/help` or
    `/undo yes`, or one word that is nearly one of ours, with nothing piped in that it could be about."""
    as_prompt = f"as a prompt: agent -- {words}"
    if words.startswith("/") and len(words.split()) <= 2:
        from roundtrip.agent.frontends.terminal.commands import COMMANDS as SESSION
        from roundtrip.agent.frontends.terminal.commands import command_of

        name, rest = command_of(words) or ("", "")
        if name in SESSION and (SESSION[name].argument or not rest):
            here = f"agent {name}" if name in COMMANDS else "agent --help" if name == "help" else ""
            return f"{words} is for a session (agent without a prompt){f'; here: {here}' if here else ''}; {as_prompt}"
    if words and not piped and len(words.split()) == 1:
        from difflib import get_close_matches

        if close := get_close_matches(words.lower(), COMMANDS, 1, _CLOSE):
            return f"there is no command {words} (did you mean agent {close[0]}?); {as_prompt}"
    return ""


def _joined(prompt: str, piped: str) -> str:
    return f"{prompt}\n\n{piped}" if prompt and piped.strip() else prompt or piped


def _piped(has_prompt: bool) -> str:
    """What was piped in. It is read to its end, however slow the producer: part of it would be worse than waiting."""
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        return ""
    import select
    from contextlib import suppress

    if has_prompt and not select.select([sys.stdin], [], [], 2.0)[0]:
        with suppress(OSError):  # nobody reads it: no reason to stop
            sys.stderr.write("agent: reading standard input to its end (use </dev/null if there is none)\n")
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def _options(options: argparse.Namespace, prompt: str) -> Options:
    from pathlib import Path

    from roundtrip.agent.commands.options import Options
    from roundtrip.agent.runtime.config import state_path

    return Options(
        prompt=prompt,
        workspace=Path(options.workspace),
        base_url=options.base_url,
        model=options.model,
        allow=frozenset(options.allow or ()),
        mode=options.mode,
        json=options.json,
        requests=Path(options.requests) if options.requests else None,
        max_steps=options.max_steps,
        stream=options.stream_json,
        resume=None if options.resume == _CHOOSE else options.resume,
        choose=options.resume == _CHOOSE,
        tools=frozenset(options.tool or ()),
        sessions=state_path() / "sessions",
        sandbox=options.sandbox or _preferred_sandbox(),
        writable=tuple(Path(folder).expanduser() for folder in options.writable),
    )


def _preferred_sandbox() -> Literal["auto", "off", "strict"]:
    """What the user's config file says. What is wrong with that file is said where the server is looked for."""
    from roundtrip.agent.runtime.config import ConfigError, config_path
    from roundtrip.agent.runtime.preferences import user_preferences

    try:
        return user_preferences(config_path()).sandbox or "auto"
    except ConfigError:
        return "auto"

"""The command line: what the arguments ask for. The commands put the parts together (`commands.assembly`).

Importing this module costs next to nothing, because `agent --version` and `agent --help` stand on it; each command
imports what it needs when it runs.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence

from roundtrip.agent import __version__

TYPE_CHECKING = False  # as `typing` has it, without importing it: `agent --help` would pay for that
if TYPE_CHECKING:
    from roundtrip.agent.commands.options import Options

_DESCRIPTION = "A coding agent for the terminal: every tool call gets exactly one result."
_EPILOG = """\
without a prompt, in a terminal: an interactive session

commands (as the first word; `agent -- parse` is a prompt):
  sessions  list the sessions of this folder
  config    show each setting and where it comes from
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
        command = _COMMANDS.get(argv[0]) if argv else None
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
    if not options.prompt and sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty():
        if options.json or options.stream_json:
            parser.error("--json and --stream-json need a prompt")
        from roundtrip.agent.commands.interactive import run as interact

        return interact(_options(options, ""))
    prompt = _joined(" ".join(options.prompt), _piped(bool(options.prompt)))
    if not prompt.strip():
        parser.error('the prompt is empty; for example: agent "summarize README.md"')
    if options.resume == _CHOOSE:
        parser.error("--resume needs an id here: see agent sessions")
    from roundtrip.agent.commands.oneshot import run

    return run(_options(options, prompt))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "agent", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("prompt", nargs="*", help="what to do; standard input is added to it")
    parser.add_argument("--version", action="store_true", help="print the version")
    parser.add_argument("--base-url", metavar="URL", help="the server, such as http://127.0.0.1:8080/v1")
    parser.add_argument("--model", metavar="NAME", help="the model (default: the first that the server lists)")
    add_run_flags(parser)
    parser.add_argument("--yes", action="store_true", help="allow edits and commands without asking")
    parser.add_argument("--allow", action="append", choices=["edit", "command"], help="allow one of them")
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "-c", "--continue", dest="resume", action="store_const", const="", help="go on with this folder's last session"
    )
    again.add_argument(
        "-r", "--resume", metavar="ID", nargs="?", const=_CHOOSE, help="go on with a session (without ID: choose one)"
    )
    parser.add_argument("--workspace", metavar="DIR", default=".", help="the project (default: the current folder)")
    return parser


def add_run_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that a run and a demo share."""
    out = parser.add_mutually_exclusive_group()
    out.add_argument("--json", action="store_true", help="print one JSON object instead of the answer")
    out.add_argument("--stream-json", action="store_true", help="print every event as it comes, a JSON object a line")
    parser.add_argument("--requests", metavar="FILE", help="write the body of every request to FILE, a line each")
    parser.add_argument("--max-steps", metavar="N", type=_steps, default=50, help="most model calls (default: 50)")


def _steps(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


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

    allowed = {"edit", "command"} if options.yes else set(options.allow or [])
    return Options(
        prompt=prompt,
        workspace=Path(options.workspace),
        base_url=options.base_url,
        model=options.model,
        allow=frozenset(allowed),
        json=options.json,
        requests=Path(options.requests) if options.requests else None,
        max_steps=options.max_steps,
        stream=options.stream_json,
        resume=None if options.resume == _CHOOSE else options.resume,
        choose=options.resume == _CHOOSE,
        sessions=state_path() / "sessions",
    )


def _parse(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("agent parse", description="A JSON object a line in, one out; see the README.")
    parser.parse_args(argv)
    from roundtrip.agent.commands.parse import parse_lines

    lines = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace")
    out = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", errors="replace")
    parse_lines(lines, out)
    out.detach()  # the stream behind it stays open, for whoever called us
    return 0


def _conformance(argv: list[str]) -> int:
    # Without abbreviations: what is behind the program's name is not ours to understand.
    parser = argparse.ArgumentParser(
        "agent conformance",
        description="Tests a program that speaks the protocol of `agent parse` with the cases of the kit.",
        epilog="exit codes: 0 all cases passed, 1 some failed, 2 the kit or the program can't be used, 130 interrupted",
        allow_abbrev=False,
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the program (default: our own `agent parse`)")
    parser.add_argument("--family", metavar="F", action="append", default=[], help="only this family; repeatable")
    parser.add_argument("--class", metavar="C", action="append", default=[], help="only this class; repeatable")
    parser.add_argument("--case", metavar="ID", action="append", default=[], help="only this case; repeatable")
    parser.add_argument("--kit", metavar="DIR", help="another kit: a folder of *.jsonl files")
    parser.add_argument("--timeout", metavar="S", type=_seconds, default=30.0, help="for one answer (default: 30)")
    parser.add_argument("--verbose", action="store_true", help="show what was expected, and what came")
    parser.add_argument("--json", action="store_true", help="print a JSON object a case, as they end")
    parser.add_argument("--list", action="store_true", help="list the cases (with --json: as they are)")
    options = parser.parse_args(argv)
    from pathlib import Path

    from roundtrip.agent.commands.conformance_run import Wanted, run

    wanted = Wanted(
        command=options.command[options.command[:1] == ["--"] :],
        families=options.family,
        groups=vars(options)["class"],
        cases=options.case,
        kit=Path(options.kit) if options.kit is not None else None,
        timeout=options.timeout,
        verbose=options.verbose,
        json=options.json,
        list=options.list,
    )
    return run(wanted)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds


def _demo(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("agent demo", description="The real agent against a scripted model.")
    parser.add_argument("name", nargs="?", help="the example (default: the first)")
    parser.add_argument("--list", action="store_true", help="list the examples")
    add_run_flags(parser)
    options = parser.parse_args(argv)
    from pathlib import Path

    from roundtrip.agent.commands.demo import Wanted, list_examples, play

    if options.list:
        return list_examples(sys.stdout)
    requests = Path(options.requests) if options.requests else None
    wanted = Wanted(options.json, options.stream_json, requests, options.max_steps)
    return play(options.name, wanted)


def _sessions(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("agent sessions", description="The sessions of this folder, the latest first.")
    parser.add_argument("--all", action="store_true", help="those of all folders")
    parser.add_argument("--workspace", metavar="DIR", default=".", help="another folder than the current one")
    options = parser.parse_args(argv)
    from roundtrip.agent.commands.sessions import list_sessions
    from roundtrip.agent.runtime.config import state_path

    workspace = "" if options.all else os.path.realpath(options.workspace)
    return list_sessions(state_path() / "sessions", workspace, sys.stdout)


def _config(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("agent config", description="Each setting and where it comes from.")
    parser.add_argument("--base-url", metavar="URL", help="as for a prompt")
    parser.add_argument("--model", metavar="NAME", help="as for a prompt")
    options = parser.parse_args(argv)
    from roundtrip.agent.commands.config import show

    return show({"base_url": options.base_url, "model": options.model}, os.environ, sys.stdout)


_COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "config": _config,
    "conformance": _conformance,
    "demo": _demo,
    "parse": _parse,
    "sessions": _sessions,
}

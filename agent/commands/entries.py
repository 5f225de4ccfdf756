"""The commands beside the prompt, `agent parse` and the like: what the arguments of each ask for.

As cheap to import as `cli`, which stands on it: each command imports what it needs when it runs.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable

TYPE_CHECKING = False  # as in `cli`
if TYPE_CHECKING:
    from pathlib import Path

_YES = "also where others may have had a part: files changed since, other sessions, a command that runs"
"""The help of `--yes` where something is put back."""


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
    parser.add_argument("--workspace", default=".", metavar="DIR", help="as for a prompt")
    options = parser.parse_args(argv)
    from pathlib import Path

    from roundtrip.agent.commands.config import show

    root = Path(os.path.realpath(options.workspace))
    return show({"base_url": options.base_url, "model": options.model}, os.environ, sys.stdout, root=root)


def _trust(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        "agent trust",
        description="Shows a project's own configuration (.agent/config.toml) and asks whether it counts.",
        epilog="It is ignored until you accept it, and again when it changes.",
    )
    parser.add_argument("dir", nargs="?", metavar="DIR", default=".", help="the project (default: the current folder)")
    options = parser.parse_args(argv)
    from pathlib import Path

    from roundtrip.agent.commands.permissions import trust

    return trust(Path(options.dir))


def _sandbox(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        "agent sandbox",
        description="What commands may do on this machine, proven by trying it.",
        epilog="exit codes: 0 every promise holds, 1 some don't, 2 this kind of sandbox does not work here",
    )
    parser.add_argument("--kind", choices=["bwrap", "landlock", "none"], help="try this one (default: the best)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    from roundtrip.agent.commands.sandbox import show

    return show(options.kind, sys.stdout, json=options.json)


def _undo(argv: list[str]) -> int:
    parser = _checkpoint_parser("undo", "Puts the files back as they were before the agent's last change.")
    parser.add_argument("--redo", action="store_true", help="bring back what was taken back last")
    parser.add_argument("--yes", action="store_true", help=_YES)
    options = parser.parse_args(argv)
    from roundtrip.agent.commands.undo import undo

    return undo(*_checkpoints(options), sys.stdout, redo=options.redo, yes=options.yes)


def _diff(argv: list[str]) -> int:
    parser = _checkpoint_parser("diff", "What the agent's last turn changed, or all since a checkpoint.")
    parser.add_argument("number", nargs="?", type=_steps, help="a checkpoint")
    options = parser.parse_args(argv)
    from roundtrip.agent.commands.undo import diff

    return diff(*_checkpoints(options), sys.stdout, options.number)


def _list_checkpoints(argv: list[str]) -> int:
    parser = _checkpoint_parser("checkpoints", "The checkpoints of this folder, the latest last; or back to one.")
    parser.add_argument("number", nargs="?", type=_steps, help="puts the files back as they were before this change")
    parser.add_argument("--yes", action="store_true", help=_YES)
    options = parser.parse_args(argv)
    from roundtrip.agent.commands.undo import list_checkpoints, restore

    if options.number is None:
        return list_checkpoints(*_checkpoints(options), sys.stdout)
    return restore(*_checkpoints(options), sys.stdout, options.number, yes=options.yes)


def _checkpoint_parser(name: str, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(f"agent {name}", description=description)
    parser.add_argument("--workspace", metavar="DIR", default=".", help="another folder than the current one")
    return parser


def _checkpoints(options: argparse.Namespace) -> tuple[Path, Path]:
    """Where they are kept, and the workspace."""
    from pathlib import Path

    from roundtrip.agent.runtime.config import state_path

    return state_path() / "checkpoints", Path(os.path.realpath(options.workspace))


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "checkpoints": _list_checkpoints,
    "config": _config,
    "conformance": _conformance,
    "demo": _demo,
    "diff": _diff,
    "parse": _parse,
    "sandbox": _sandbox,
    "sessions": _sessions,
    "trust": _trust,
    "undo": _undo,
}

"""Which server is used: what is set, or what the user chooses at the first run."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

from roundtrip.agent.commands.options import Options
from roundtrip.agent.runtime.config import NoServerError, Settings, config_path, settings


def server_of(options: Options) -> Settings:
    """The settings from flags, environment and config file; with none, the user is asked, if there is a terminal.

    Raises ConfigError.
    """
    try:
        return settings(options.flags, os.environ, config_path())
    except NoServerError:
        from roundtrip.agent.commands.first_run import first_run

        terminal = sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty() and sys.stderr.isatty()
        chosen = first_run(config_path(), ask_line if terminal else None, sys.stderr)
        if chosen is None:
            raise
        found = settings({**options.flags, "base_url": chosen.base_url}, os.environ, config_path())
        return replace(found, source=chosen.source, model=found.model or chosen.model)


def ask_line(prompt: str) -> str:
    """A line from the terminal. Not `input`, whose prompt would go to stdout, where the answer belongs."""
    sys.stderr.write(prompt)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\n")

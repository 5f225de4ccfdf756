"""The program that searches, one job after another, see `tooling.Workspace.work` and `asking.Job`.

A job comes with what the first engine is asked about it, apart by NULs. To load what reads the answer takes as long as
an engine needs for thousands of files; so for the first job it is at work before that is loaded, and hardly anything
is imported up here.
"""

from __future__ import annotations

import sys
from subprocess import DEVNULL, PIPE, Popen

from roundtrip.agent.files import held


def main() -> None:
    jobs = sys.stdin.buffer
    while length := jobs.readline():
        job, *question = jobs.read(int(length)).decode("utf-8", "surrogateescape").split("\0")
        begun = _begun(*question) if question else {}

        from roundtrip.tools.finding.grep import run

        run(job, begun)
        for process in begun.values():  # nobody asked after all
            with process:
                process.kill()


def _begun(engine: str, base: str, *command: str) -> dict[str, Popen[bytes]]:
    try:
        with held(base) as folder:
            return {engine: Popen(command, cwd=folder, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)}
    except OSError:
        return {}  # whoever asks tries it again, and then another one


if __name__ == "__main__":
    main()

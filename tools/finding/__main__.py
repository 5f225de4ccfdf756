"""The program of a search: `python -m roundtrip.tools.finding JOB [ENGINE COMMAND…]`, see `asking.Job`.

COMMAND is what the first engine is asked. To load what reads the answer takes as long as an engine needs for thousands
of files; so it is at work before that is loaded, and nothing else is imported up here.
"""

from __future__ import annotations

import sys
from subprocess import DEVNULL, PIPE, Popen


def main() -> None:
    job, *question = sys.argv[1:]
    begun = _begun(*question) if question else {}

    from roundtrip.tools.finding.grep import run

    run(job, begun)
    for process in begun.values():  # nobody asked after all
        process.kill()
        process.wait()


def _begun(engine: str, *command: str) -> dict[str, Popen[bytes]]:
    try:
        return {engine: Popen(command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)}
    except OSError:
        return {}  # whoever asks tries it again, and then another one


if __name__ == "__main__":
    main()

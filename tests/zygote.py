"""Starts the program over and over without its imports: what is imported here is forked.

A line of JSON in: {"argv", "cwd", "env", "out"}; the process id out. `out` gets stdout and stderr.
"""

import importlib
import json
import os
import signal
import sys
import traceback

MODULES = ("roundtrip.agent.commands.oneshot", "openai", "httpx2", "pydantic", "fastjsonschema", "json_repair")


def start(order: dict[str, object]) -> int:
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        out = os.open(str(order["out"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (out, 1), (out, 2)):
            os.dup2(source, target)
        os.chdir(str(order["cwd"]))
        os.environ.clear()
        os.environ.update(order["env"])  # type: ignore[call-overload]
        from roundtrip.agent.cli import main

        code = main(order["argv"])  # type: ignore[arg-type]
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks for their exit codes
    for module in MODULES:
        importlib.import_module(module)
    print("ready", flush=True)
    for line in sys.stdin:
        print(start(json.loads(line)), flush=True)

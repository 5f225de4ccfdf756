"""The fixtures `serve`, the real llama.cpp server over any file of weights, and `llama`, which writes weights that
play the turns that a test dictates."""

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from llama.server import NOT_INSTALLED

HERE = Path(__file__).parent


@pytest.fixture
def llama(tmp_path: Path, serve: Callable[..., str]) -> Callable[..., str]:
    """llama(turns, special=True, reasoning_format="none", …) -> base URL, without `/v1`."""
    pytest.importorskip("gguf")
    from llama.scripted_weights import write

    numbers = itertools.count()

    def start(turns: Sequence[str], **flags: str | bool) -> str:
        model = tmp_path / f"model-{next(numbers)}.gguf"
        write(model, turns)
        return serve(model, **flags)

    return start


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """serve(model, special=True, …) -> base URL, without `/v1`."""
    servers: list[subprocess.Popen[str]] = []

    def start(model: Path, **flags: str | bool) -> str:
        command = [sys.executable, str(HERE / "server.py"), str(model), *_options(flags)]
        servers.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return _address(servers[-1])

    yield start
    for server in servers:
        server.kill()
        server.communicate()


def _options(flags: dict[str, str | bool]) -> Iterator[str]:
    for name, value in flags.items():
        if value:
            yield "--" + name.replace("_", "-")
            if isinstance(value, str):
                yield value


def _address(server: subprocess.Popen[str]) -> str:
    """Waits for the line that says READY. A machine that can't run llama.cpp skips the test, all else fails it."""
    assert server.stdout is not None
    for line in server.stdout:
        if line.startswith("READY "):
            return line.split()[1]
    code = server.wait()
    if code < 0 or code == NOT_INSTALLED:
        pytest.skip(f"llama.cpp does not run here (exit code {code})")
    pytest.fail(f"the server ended with exit code {code}")

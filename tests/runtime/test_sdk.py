"""The SDK comes without what is not used, and nobody who uses it sees a difference."""

import json
import subprocess
import sys
from typing import Any

import pytest

LOAD = "from roundtrip.agent.runtime.sdk import load; load()"
TELL = """
import json, sys
print(json.dumps([name for name in sys.modules if name.startswith("openai.types")]))
import openai, openai.types as types, openai.types.responses as responses
print(json.dumps(sorted(name for name in dir(types) if not name.startswith("__"))))
print(json.dumps(sorted(name for name in dir(responses) if not name.startswith("__"))))
print(types.Batch is types.batch.Batch, types.__spec__.loader is types.__loader__)
"""


def told(*lines: str) -> list[Any]:
    code = "\n".join(lines)
    ended = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


@pytest.fixture(scope="module")
def plain() -> list[Any]:
    return told("import openai", TELL)


def test_most_types_are_not_imported(plain: list[Any]) -> None:
    loaded, *_ = told(LOAD, TELL)
    assert len(json.loads(plain[0])) > 300, "otherwise nothing is gained"
    assert len(json.loads(loaded)) < 100


def test_whoever_asks_for_them_finds_them_all(plain: list[Any]) -> None:
    assert told(LOAD, TELL)[1:] == plain[1:]


@pytest.mark.parametrize(
    "line",
    [
        "import openai; openai.types.chat.ChatCompletion; openai.types.responses.Response",
        "from openai.types.responses import Response, response; assert Response is response.Response",
        "from openai.types import *; Batch, CreateEmbeddingResponse",
        "from openai.types import shared_params, FunctionDefinition; shared_params.FunctionDefinition",
        "import openai; assert openai.OpenAI(api_key='x').responses.create and openai.OpenAI(api_key='x').batches",
        "import openai; assert not hasattr(openai.types, 'NoSuchThing') and not hasattr(openai.types, '__wrapped__')",
        "import openai; openai.types.Batch = 1; openai.types.Image; assert openai.types.Batch == 1",
        "import inspect, openai; assert 'import' in inspect.getsource(openai.types)",
        "import pkgutil; assert pkgutil.get_data('openai.types', 'batch.py')",
        "from importlib import resources; assert [*resources.files('openai.types').iterdir()]",
        "import openai; from threading import Thread as T; from concurrent.futures import ThreadPoolExecutor as P; "
        "assert len(set(P(8).map(lambda _: openai.types.Batch, range(32)))) == 1",
    ],
)
def test_every_way_to_ask_works(line: str) -> None:
    assert told(LOAD, line) == []


def test_what_failed_once_is_tried_again() -> None:
    once = """
import openai, sys
class Fails:
    def find_spec(self, name, path, target=None):
        if name == "openai.types.vector_store":
            sys.meta_path.remove(self)
            raise KeyboardInterrupt
sys.meta_path.insert(0, Fails())
try:
    openai.types.VectorStore
except KeyboardInterrupt:
    from openai.types import VectorStore
    print(VectorStore.__name__)
"""
    assert told(LOAD, once) == ["VectorStore"]


def test_an_sdk_that_is_there_already_stays() -> None:
    assert told("import openai, sys; before = dict(sys.modules)", LOAD, "print(before.items() <= sys.modules.items())",
                "print(len(sys.meta_path) == len(set(map(id, sys.meta_path))))") == ["True", "True"]  # fmt: skip

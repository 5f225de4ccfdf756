"""The first run: what is found is named, what is chosen is written, and nothing else is."""

import asyncio
import io
import json
import tomllib
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from fault_server import Answer, serving
from roundtrip.agent.commands.first_run import first_run
from roundtrip.agent.runtime.config import Settings

Listing = Sequence[str] | int
"""The models of a server, or the status with which it refuses."""

ENOUGH = 30.0
"""Seconds for a server to answer; all of them do at once."""

UNHEARD = " 1 "
"""An answer that would do, but comes too late."""

ONE, SEVERAL = ["kimi-k2"], ["a", "b", "c"]


class User:
    """Gives these answers, one after the other, and remembers the prompts. Then the input is at its end."""

    def __init__(self, *answers: str | BaseException) -> None:
        self.answers = list(answers)
        self.prompts: list[str] = []

    def __call__(self, prompt: str) -> str:
        self.prompts.append(prompt)
        answer = self.answers.pop(0) if self.answers else EOFError()
        if isinstance(answer, BaseException):
            raise answer
        return answer


class Run:
    """A first run against servers with these listings. {n} in an answer is the port of server n, from 0."""

    def __init__(self, path: Path, listings: Sequence[Listing], ask: Callable[[str], str] | None) -> None:
        self.path, self.ask, self.out = path, ask, io.StringIO()
        self.ports: list[int] = []
        ended = asyncio.run(self.main(listings))
        if isinstance(ended, KeyboardInterrupt):
            raise ended
        self.settings = ended
        self.said = self.out.getvalue()
        assert self.said.endswith("\n")

    async def main(self, listings: Sequence[Listing]) -> Settings | KeyboardInterrupt | None:
        async with AsyncExitStack() as stack:
            for listing in listings:
                server = await stack.enter_async_context(serving(answer(listing)))
                self.ports.append(int(server.base_url.split(":")[2].split("/")[0]))
            if isinstance(self.ask, User):
                self.ask.answers = [
                    one.format(*self.ports) if isinstance(one, str) else one for one in self.ask.answers
                ]
            usual = {port: f"kind {number}" for number, port in enumerate(self.ports)}
            return await asyncio.to_thread(self.run, usual)

    def run(self, usual: dict[int, str]) -> Settings | KeyboardInterrupt | None:
        """An interrupt is carried by hand: an event loop would die of one that comes out of a thread."""
        try:
            return first_run(self.path, self.ask, self.out, usual, ENOUGH)
        except KeyboardInterrupt as interrupt:
            return interrupt

    def url(self, number: int) -> str:
        return f"http://127.0.0.1:{self.ports[number]}/v1"

    @property
    def written(self) -> dict[str, object] | None:
        """The config file; None if there is none."""
        return tomllib.loads(self.path.read_text(encoding="utf-8")) if self.path.exists() else None


def answer(listing: Listing) -> Answer:
    if isinstance(listing, int):
        return Answer([b"{}"], status=listing, kind="application/json")
    data = json.dumps({"data": [{"id": name} for name in listing]})
    return Answer([data.encode()], kind="application/json")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "roundtrip" / "config.toml"


@pytest.mark.parametrize(
    ("listings", "answers", "chosen", "model"),
    [
        ([ONE], [""], 0, ""),
        ([ONE, ONE], [""], 0, ""),
        ([ONE, ONE], [" 2 "], 1, ""),
        ([ONE, ONE], ["127.0.0.1:{1}"], 1, ""),
        ([[]], ["1"], 0, ""),
        ([401, ONE], ["1"], 0, ""),
        ([ONE, SEVERAL], ["2", ""], 1, ""),
        ([ONE, SEVERAL], ["2", "3"], 1, "c"),
        ([SEVERAL], ["", "b"], 0, "b"),
        ([SEVERAL], ["127.0.0.1:{0}", "2"], 0, "b"),
        ([SEVERAL], ["http://127.0.0.1:{0}/v1/", "2"], 0, "b"),
        ([ONE], ["y", "7", "0", "ftp://x", "1"], 0, ""),
        ([SEVERAL], ["1", "4", "0", "x", "-1", "2"], 0, "b"),
    ],
)
def test_a_server_is_chosen(path: Path, listings: list[Listing], answers: list[str], chosen: int, model: str) -> None:
    user = User(*answers)
    run = Run(path, listings, user)
    assert user.answers == []
    assert run.settings == Settings(run.url(chosen), model, "", str(path), str(path) if model else "")
    assert run.written == {"base_url": run.url(chosen)} | ({"model": model} if model else {})
    assert f"wrote {path}; change it there, or look with: agent config" in run.said


@pytest.mark.parametrize("listings", [[], [ONE]], ids=["none found", "one found"])
@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("gpubox.lan:8000", "http://gpubox.lan:8000/v1"),
        ("http://gpubox", "http://gpubox/v1"),
        ("localhost", "http://localhost/v1"),
        (" https://gateway/api/openai/ ", "https://gateway/api/openai"),
    ],
)
def test_an_address_may_be_typed(path: Path, listings: list[Listing], typed: str, url: str) -> None:
    run = Run(path, listings, User(typed))
    assert run.settings == Settings(url, "", "", str(path))
    assert run.written == {"base_url": url}


@pytest.mark.parametrize(
    ("listings", "answers"),
    [
        ([ONE], ["q", UNHEARD]),
        ([ONE], ["Q", UNHEARD]),
        ([ONE], []),
        ([ONE], ["y", "quit", UNHEARD]),
        ([ONE], ["0", "2", "x", "-1", "a b", UNHEARD]),
        ([SEVERAL], ["1", "q", UNHEARD]),
        ([SEVERAL], ["1"]),
        ([SEVERAL], ["1", "9", "9", "9", "9", "9", UNHEARD]),
        ([], ["", UNHEARD]),
        ([], ["q", UNHEARD]),
        ([], []),
        ([], ["1", "8080", "y", "no", "x", UNHEARD]),
    ],
)
def test_none_is_chosen(path: Path, listings: list[Listing], answers: list[str]) -> None:
    user = User(*answers)
    run = Run(path, listings, user)
    assert run.settings is None
    assert not path.parent.exists()
    assert "nothing is written" in run.said
    assert user.answers == [answer for answer in answers if answer == UNHEARD]


@pytest.mark.parametrize("answers", [[], ["1"]], ids=["server", "model"])
def test_an_interrupt_passes_through(path: Path, answers: list[str]) -> None:
    user = User(*answers, KeyboardInterrupt(), "1")
    with pytest.raises(KeyboardInterrupt):
        Run(path, [SEVERAL], user)
    assert user.answers == ["1"]
    assert not path.parent.exists()


def test_what_is_asked(path: Path) -> None:
    user = User("x", "1", "")
    Run(path, [SEVERAL], user)
    assert user.prompts == ["Use which? [1] "] * 2 + ["Which model? [the first that the server lists] "]


def test_what_was_found_is_said(path: Path) -> None:
    run = Run(path, [ONE, SEVERAL, [], 401], User("q"))
    first, *lines = run.said.splitlines()
    assert "No model server is set" in first
    assert ", ".join(map(str, run.ports)) in first
    for number, offer in enumerate(["kimi-k2", "a and 2 more", "it lists no models", "it wants a key"]):
        assert f"  {number + 1}  {run.url(number)}  (kind {number})  {offer}" in lines


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (["y"], "'y' is neither a number"),
        (["9"], "there is no number 9; there are 1 to 1"),
        (["9" * 5000], "there is no number 999"),
        (["ftp://x"], "'ftp://x' is no server address; it looks like http://127"),
        (["1", "x\x1b[31m"], "there is no model 'x�[31m'; type a number from 1 to 3, or a name"),
        (["x"] * 5, "That were 5 tries."),
    ],
)
def test_what_is_wrong_is_said(path: Path, answers: list[str], said: str) -> None:
    run = Run(path, [SEVERAL], User(*answers))
    assert said in run.said
    assert max(map(len, run.said.splitlines())) < 300


def test_without_a_server_it_says_what_to_do(path: Path) -> None:
    user = User()
    run = Run(path, [404, 500], user)
    for words in ("No model server answers", "llama-server -m", "type the address", "export AGENT_BASE_URL=http://"):
        assert words in run.said
    assert "agent demo" in run.said
    assert user.prompts == ["Address of a server (Enter: none) "]


@pytest.mark.parametrize("listings", [[], [ONE, SEVERAL]], ids=["none", "two"])
def test_where_nobody_can_be_asked_it_is_only_said(path: Path, listings: list[Listing]) -> None:
    run = Run(path, listings, None)
    assert run.settings is None
    assert not path.parent.exists()
    flags = [line for line in run.said.splitlines() if "--base-url" in line]
    assert flags == [f"To use it: --base-url {run.url(number)}" for number in range(len(listings))]
    assert ("agent demo" in run.said) == (not listings)
    assert "type the address" not in run.said


def test_what_a_server_says_reaches_no_terminal_as_it_is(path: Path) -> None:
    path = path.with_name("a\x1b[31mb")
    bad = ["\x1b]0;title\x07", "a\nwrote /etc/passwd", "x" * 1000, "fine"]
    run = Run(path, [bad], User("1", "2"))
    assert run.said.replace("\n", "").isprintable()
    assert "title" not in run.said
    assert "passwd" not in run.said
    assert f"{'x' * 99}…" in run.said
    assert run.written == {"base_url": run.url(0), "model": "fine"}


def test_of_many_models_not_all_are_listed_but_all_may_be_chosen(path: Path) -> None:
    run = Run(path, [[f"model-{number}" for number in range(1, 101)]], User("1", "99"))
    assert "  30  model-30\n" in run.said
    assert "model-31" not in run.said
    assert "70 more, up to number 100" in run.said
    assert run.settings is not None
    assert run.settings.model == "model-99"


def test_a_server_that_wants_a_key_is_told_apart(path: Path) -> None:
    assert "export AGENT_API_KEY" in Run(path, [401], User("1")).said
    assert "export AGENT_API_KEY" not in Run(path, [ONE], User("1")).said


def test_what_the_file_has_besides_stays_and_counts(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('# mine\nmodel = "m"\napi_key = "k"\n', encoding="utf-8")
    run = Run(path, [ONE], User("1"))
    assert run.settings == Settings(run.url(0), "m", "k", str(path), str(path), str(path))
    assert path.read_text(encoding="utf-8") == f'base_url = "{run.url(0)}"\n# mine\nmodel = "m"\napi_key = "k"\n'
    assert "the model is m, as that file has it" in run.said


@pytest.mark.parametrize("model", ["", "b"])
def test_what_can_not_be_written_holds_for_this_run(tmp_path: Path, model: str) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "config.toml"
    run = Run(path, [SEVERAL], User("1", model))
    assert run.settings == Settings(run.url(0), model, "", "this run only", "this run only" if model else "")
    assert f"{path} can't be written" in run.said
    assert "wrote" not in run.said

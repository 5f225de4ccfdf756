"""What is made for commands: who takes it away, and when."""

from pathlib import Path

import pytest
from roundtrip.agent.runtime.sandbox.traces import Traces

pytestmark = pytest.mark.once


class Repository:
    """One in which several sessions run commands."""

    def __init__(self, folder: Path) -> None:
        self.locks, self.agents, self.pin = folder / "locks", folder / ".agent", folder / ".git" / "commondir"
        self.pin.parent.mkdir()

    def session(self) -> Traces:
        """One that runs a command."""
        traces = Traces(self.locks)
        with traces.arranging():
            traces.folder(self.agents)
            assert traces.pin(self.pin)
        return traces

    @property
    def left(self) -> list[bool]:
        return [self.agents.exists(), self.pin.exists()]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.mark.parametrize("first", [0, 1])
def test_the_last_one_takes_it_away(repository: Repository, first: int) -> None:
    sessions = [repository.session(), repository.session()]
    sessions.pop(first).leave()
    assert repository.left == [True, True]
    sessions[0].leave()
    assert repository.left == [False, False]
    assert [path.name for path in repository.locks.iterdir()] == ["all"]


def test_what_a_killed_program_left_goes_with_the_next(repository: Repository) -> None:
    killed = repository.session()
    for lock in killed._held.values():
        lock.close()
    repository.session().leave()
    assert repository.left == [False, False]


def test_what_the_user_made_stays(repository: Repository) -> None:
    repository.agents.mkdir()
    repository.pin.write_text(".\n")
    repository.session().leave()
    assert repository.left == [True, True]


def test_what_the_user_changed_meanwhile_stays(repository: Repository) -> None:
    session = repository.session()
    (repository.agents / "config.toml").touch()
    repository.pin.write_text("../other\n")
    session.leave()
    assert repository.left == [True, True]


def test_it_may_be_made_again(repository: Repository) -> None:
    session = repository.session()
    session.leave()
    session.leave()
    with session.arranging():
        session.folder(repository.agents)
    assert repository.left == [True, False]
    session.leave()
    assert repository.left == [False, False]

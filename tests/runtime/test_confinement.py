"""Real commands in each kind of sandbox that works here."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from processes import dies, written
from roundtrip.agent.runtime.jobs import LocalJobs
from roundtrip.agent.runtime.sandbox import localhost
from roundtrip.agent.runtime.sandbox import policy as sandbox
from roundtrip.agent.runtime.sandbox.confinement import Confinement
from roundtrip.agent.runtime.sandbox.policy import Kind
from roundtrip.agent.runtime.sandbox.sockets import sockets
from roundtrip.agent.tooling import Job, Refusal
from sandboxes import need, outside_tmp

pytestmark = pytest.mark.once


def quiet(text: str) -> None:
    pass


class Place:
    """A workspace, a home, and a sandbox of one kind."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        self.kind, self.root, self.home = kind, folder / "root", folder / "home"
        self.root.mkdir()
        self.home.mkdir()

    def session(
        self, body: Callable[[LocalJobs], Awaitable[None]], *, mode: sandbox.SandboxMode = "auto", **more: object
    ) -> None:
        async def run() -> None:
            jobs = LocalJobs(self.root, confinement=Confinement(self.root, mode=mode, kind=self.kind, **more))  # type: ignore[arg-type]
            try:
                await body(jobs)
            finally:
                await jobs.close()

        asyncio.run(run())

    async def start(self, jobs: LocalJobs, command: str, seconds: float = 30, background: bool = False) -> Job:
        job = await jobs.run(command, cwd=self.root, seconds=seconds, output=quiet, background=background)
        assert not isinstance(job, Refusal)
        return job

    def run(self, command: str, seconds: float = 30, **more: object) -> Job:
        done: list[Job] = []

        async def body(jobs: LocalJobs) -> None:
            done.append(await self.start(jobs, command, seconds))

        self.session(body, **more)
        return done[0]


@pytest.fixture(params=["bwrap", "landlock"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    need(request.param, tmp_path)
    with outside_tmp(tmp_path) as folder:
        made = Place(request.param, folder)
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", str(made.home))
        yield made


@pytest.fixture
def bubblewrap(place: Place) -> Place:
    if place.kind != "bwrap":
        pytest.skip("Landlock does not promise it")
    return place


def test_a_command_is_what_it_is_outside(place: Place) -> None:
    job = place.run('pwd; echo "$#"; echo err >&2; touch made; exit 7')
    assert (job.state, job.finished.code, job.finished.output) == ("ended", 7, f"{place.root}\n0\nerr\n")
    assert (place.root / "made").exists()
    assert place.run("kill -9 $$").finished.code == 137


def test_keys_are_hidden(place: Place) -> None:
    for name in (".ssh/id", ".config/roundtrip/config.toml", ".local/state/roundtrip/sessions/1", ".netrc", ".other/x"):
        (place.home / name).parent.mkdir(parents=True, exist_ok=True)
        (place.home / name).write_text(f"content of {name}\n")
    said = place.run(
        "cd; cat .ssh/id .config/roundtrip/config.toml .local/state/roundtrip/*/1 .netrc .other/x"
    ).finished
    assert said.output.count("content of") == 1
    assert "content of .other/x" in said.output
    assert "content of .ssh/id" in place.run("cat ~/.ssh/id", mode="off").finished.output


def test_what_an_embedder_keeps_is_hidden_too(place: Place) -> None:
    kept = place.home / ".my-client" / "sessions"
    kept.mkdir(parents=True)
    (kept / "1").write_text("content")
    assert "content" in place.run(f"cat {kept}/1").finished.output
    usual = place.home / ".local/state/roundtrip/sessions"
    usual.mkdir(parents=True)
    job = place.run(f"cat {kept}/1; echo done", private=(kept, usual))
    assert "content" not in job.finished.output
    assert job.finished.output.endswith("done\n")


def test_temporary_files_stay_for_the_session(place: Place) -> None:
    async def body(jobs: LocalJobs) -> None:
        await place.start(jobs, 'echo kept > "$TMPDIR/x"; echo "$TMPDIR" > where')
        assert (await place.start(jobs, 'cat "$TMPDIR/x"')).finished.output == "kept\n"

    place.session(body)
    assert not Path((place.root / "where").read_text().strip(), "x").exists()


def test_a_temporary_folder_may_be_cleared_away(place: Place) -> None:
    async def body(jobs: LocalJobs) -> None:
        await place.start(jobs, "true")
        shutil.rmtree(jobs.confinement.scratch())
        assert (await place.start(jobs, 'echo x > "$TMPDIR/x" && echo fine')).finished.output == "fine\n"

    place.session(body)


def test_a_command_that_leaves_nothing_leaves_nothing(place: Place) -> None:
    place.run("ls -a")
    assert os.listdir(place.root) == []
    assert os.listdir(place.home / ".cache" / "roundtrip" / "commands") == []


def test_locks_are_out_of_reach(bubblewrap: Place) -> None:
    """Who holds one holds up the commands of all sessions."""
    said = bubblewrap.run("ls ~/.cache/roundtrip; ls ~/.cache/roundtrip/locks").finished.output
    assert said == "commands\nlocks\n"


def test_caches_stay_for_the_workspace(place: Place) -> None:
    place.run('mkdir -p "$GOCACHE" && echo kept > "$GOCACHE/x"')
    assert place.run('cat "$GOCACHE/x"').finished.output == "kept\n"


def test_what_a_command_starts_ends_with_it(place: Place) -> None:
    job = place.run(
        "setsid sh -c 'echo $$ > pid; exec sleep 100' > /dev/null 2>&1 &\n while [ ! -s pid ]; do sleep 0.02; done"
    )
    assert job.finished.code == 0
    assert job.note.startswith("Ended with the command, which had left it running: sleep 100. ")
    if place.kind == "landlock":  # otherwise the number means nothing here
        assert dies(written(place.root / "pid"))


def test_nobody_is_led_astray_where_the_temporary_folder_is_writable(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What we write ourselves beside a command must not lie where that can put a link in its place."""
    monkeypatch.setattr(tempfile, "tempdir", str(place.root))
    victim = place.home / "victim"
    victim.write_text("as it was\n")
    search = 'for one in . "$TMPDIR"/..; do for n in 1 2 3; do ln -s ../../home/victim "$one"/.left-$n; done; done'
    job = place.run(f"ls -d roundtrip-*; {search} 2>/dev/null; ln -s {victim} .left-1; setsid sleep 9 & sleep 0.1")
    assert "roundtrip-" not in job.finished.output.replace("ls: cannot access 'roundtrip-*'", "")
    assert victim.read_text() == "as it was\n"


def test_sockets_of_other_programs_are_out_of_reach(bubblewrap: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = "import socket; socket.socket(socket.AF_UNIX).connect('{}')"
    monkeypatch.chdir(bubblewrap.home)  # the path of a socket must be short
    monkeypatch.setenv("SSH_AUTH_SOCK", str(bubblewrap.home / "agent.sock"))
    with socket.socket(socket.AF_UNIX) as theirs, socket.socket(socket.AF_UNIX) as in_the_project:
        theirs.bind("agent.sock")
        own = f"../{bubblewrap.root.name}/own.sock"
        in_the_project.bind(own)
        theirs.listen()
        in_the_project.listen()
        python = f"cd {bubblewrap.home}; '{os.path.realpath(sys.executable)}' -I -S -c"
        assert bubblewrap.run(f'{python} "{connect.format("agent.sock")}"', network=True).finished.code == 1
        assert bubblewrap.run(f'{python} "{connect.format(own)}"', network=True).finished.code == 0


def test_which_sockets_there_are() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as theirs:
        path = Path(os.path.realpath(folder), "x y")
        theirs.bind(str(path))
        assert path not in sockets([])
        theirs.listen()
        assert path in sockets([path.parent / "beside"]) or not Path("/proc/net/unix").exists()
        assert path not in sockets([path.parent])


def test_the_time_limit_ends_what_left_the_group(place: Place) -> None:
    beat = "while :; do echo x >> beats; sleep 0.05; done"
    job = place.run(f"setsid sh -c '({beat}) &' & sleep 100", seconds=0.8)
    assert job.state == "timed out"
    before = (place.root / "beats").stat().st_size
    place.run("sleep 0.3")
    assert 0 < (place.root / "beats").stat().st_size == before


def test_a_program_may_end_in_its_own_way(place: Place) -> None:
    job = place.run("trap 'echo bye; exit 0' TERM; echo hi; while :; do sleep 0.05; done", seconds=0.8)
    assert job.finished.output.endswith("bye\n")


def test_commands_reach_servers_of_commands(bubblewrap: Place) -> None:
    python = os.path.realpath(sys.executable)
    serve = "import socket; s = socket.create_server(('127.0.0.1', 8765)); s.accept()[0].send(b'hello')"
    ask = "import socket; print(socket.create_connection(('127.0.0.1', 8765), 5).recv(9))"

    async def body(jobs: LocalJobs) -> None:
        await bubblewrap.start(jobs, f'{python} -c "{serve}"', 1, background=True)
        assert (await bubblewrap.start(jobs, f'{python} -c "{ask}"')).finished.output == "b'hello'\n"

    bubblewrap.session(body)


def test_a_network_that_does_not_come_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(localhost, "_SECONDS", 0.1)
    network = localhost.Localhost(("/bin/sh", "-c", "exec sleep 100"), tmp_path)
    assert network.way() == ()
    network.close()


def test_the_network_can_be_allowed(place: Place) -> None:
    python = os.path.realpath(sys.executable)

    async def body(jobs: LocalJobs) -> None:
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        connect = f"{python} -c \"import socket; socket.create_connection(('127.0.0.1', {port}), 5)\""
        refused = await place.start(jobs, connect)
        assert refused.finished.code == 1
        assert "without network" in refused.note
        jobs.confinement.network = True
        assert (await place.start(jobs, connect)).finished.code == 0
        server.close()

    place.session(body)


def test_a_note_says_that_it_was_the_sandbox(place: Place) -> None:
    assert "--writable" in place.run("touch ~/x").note
    assert place.run("touch x; false").note == ""


def test_what_says_what_was_left_is_believed_no_more_than_the_output(bubblewrap: Place) -> None:
    """The command can put something else in the place of the report: a link would make us tell it what it can't see."""
    (bubblewrap.home / ".netrc").write_text("secret\n")
    for report in ("ln -s ~/.netrc", "mkfifo", "mkdir"):
        job = bubblewrap.run(f"{report} /tmp/.left-1; sleep 100 &", 9)
        assert (job.state, "secret" in job.note) == ("ended", False), report


def test_secrets_in_variables_come_with_the_network_only(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "secret")
    monkeypatch.setenv("DB_PASSWORD", "local")
    job = place.run('echo "$MY_TOKEN,$DB_PASSWORD"; : ${MY_TOKEN:?}')
    assert job.finished.output.startswith(",local\n")
    assert "MY_TOKEN is set, but withheld" in job.note
    assert place.run('echo "$MY_TOKEN"', network=True).finished.output == "secret\n"
    assert place.run('echo "$MY_TOKEN"', mode="off").finished.output == "secret\n"


@pytest.mark.parametrize("command", ["vim x", "top", "less"])
def test_what_wants_keys_ends(place: Place, command: str) -> None:
    if shutil.which(command.split()[0]) is None:
        pytest.skip(f"no {command.split()[0]} here")
    job = place.run(command)
    assert (job.state, bool(job.finished.code)) == ("ended", command != "less")
    assert ("no terminal" in job.note) == (command != "less")


def test_a_folder_can_be_made_writable(place: Place) -> None:
    (place.home / ".gradle").mkdir()
    assert place.run("touch ~/.gradle/x", writable=(place.home / ".gradle",)).finished.code == 0


def test_strict_takes_no_less_than_everything(place: Place) -> None:
    async def body(jobs: LocalJobs) -> None:
        job = await jobs.run("touch made", cwd=place.root, seconds=9, output=quiet)
        assert isinstance(job, Refusal) == (place.kind == "landlock")

    place.session(body, mode="strict")
    assert (place.root / "made").exists() == (place.kind == "bwrap")


def test_what_cannot_be_confined_does_not_run(place: Place) -> None:
    (place.home / ".cache").touch()  # no folder: no caches
    job = place.run("touch made")
    assert job.finished.code == 127
    assert "The sandbox could not be set up" in job.finished.output
    assert not (place.root / "made").exists()


def test_the_agents_own_files_in_the_workspace(bubblewrap: Place) -> None:
    (bubblewrap.root / ".agent").mkdir()
    (bubblewrap.root / ".agent" / "config.toml").write_text("mine\n")
    bubblewrap.run(
        "echo x > .agent/config.toml; rm -rf .agent; mv .agent away; mkdir -p .agent; echo y > .agent/config.toml"
    )
    assert (bubblewrap.root / ".agent" / "config.toml").read_text() == "mine\n"
    assert not (bubblewrap.root / "away").exists()


def test_a_key_that_the_user_makes_writable_is_seen(place: Place) -> None:
    (place.home / ".docker").mkdir()
    (place.home / ".docker" / "x").write_text("seen\n")
    assert place.run("cat ~/.docker/x", writable=(place.home / ".docker",)).finished.output == "seen\n"
    assert place.run("cat ~/.docker/x").finished.code == 1


def test_sessions_in_one_folder_leave_each_other_what_is_read_only(bubblewrap: Place) -> None:
    """One ends its command, and with it what it made, while a command of the other runs."""
    subprocess.run(["git", "init", "-q", str(bubblewrap.root)], check=True)
    tries = "mkdir -p .agent; echo x > .agent/config.toml && echo wrote; echo ../x > .git/commondir && echo wrote"

    async def body(jobs: LocalJobs) -> None:
        other = LocalJobs(bubblewrap.root, confinement=Confinement(bubblewrap.root, mode="auto", kind="bwrap"))
        first = asyncio.create_task(bubblewrap.start(jobs, "until [ -e second ]; do sleep 0.02; done"))
        await asyncio.sleep(0.1)
        wait = "touch second; until [ -e alone ]; do sleep 0.02; done"
        second = asyncio.create_task(bubblewrap.start(other, f"{wait}; {tries}"))
        await first
        (bubblewrap.root / "alone").touch()
        assert "wrote" not in (await second).finished.output
        await other.close()

    bubblewrap.session(body)
    assert sorted(os.listdir(bubblewrap.root)) == [".git", "alone", "second"]
    assert not (bubblewrap.root / ".git" / "commondir").exists()


def test_a_folder_may_be_named_by_a_link(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    (place.home / "link").symlink_to(place.root)
    monkeypatch.chdir(place.home)
    for name in (Path("link"), place.home / "link"):
        place.root = name
        assert place.run("touch made && pwd -P").finished.output == f"{os.path.realpath(name)}\n"

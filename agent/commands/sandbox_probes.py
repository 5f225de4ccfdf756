"""The promises of the sandbox, each with the attempt to break it.

Strategy. A scratch project beside a folder that is outside of it, servers of ours on this machine, a process of ours:
all of it made for the probes. Each probe is a command that runs as a model's command would, through `LocalJobs`, and a
look at the outside afterwards: what the command says of itself proves nothing.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from roundtrip.agent.runtime.config import config_path, state_path
from roundtrip.agent.runtime.jobs import LocalJobs
from roundtrip.agent.runtime.sandbox.confinement import Confinement
from roundtrip.agent.runtime.sandbox.policy import Kind, cache_path
from roundtrip.agent.tooling import Refusal

_SECONDS: Final = 20
_MARK: Final = "ROUNDTRIP_PROBE"
_BEAT: Final = "while [ ! -e stop ]; do echo beat >> beats; sleep 0.05; done"
"""What outlives its command leaves traces until it is told to stop."""


@dataclass(slots=True)
class Scene:
    """What a probe may use: the project, a folder outside of it, and the commands of the project.

    heard: what reached our servers. bystander: a process of ours, with `mark` in its environment.
    """

    root: Path
    outside: Path
    jobs: LocalJobs
    bystander: subprocess.Popen[bytes]
    mark: str
    ports: dict[str, str] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)

    async def run(self, command: str) -> str:
        """Runs a command in the sandbox. Returns what it said."""
        job = await self.jobs.run(command, cwd=self.root, seconds=_SECONDS, output=lambda text: None)
        return "" if isinstance(job, Refusal) else job.finished.output

    async def python(self, program: str) -> str:
        (self.root / "probe.py").write_text(program, encoding="utf-8")
        return await self.run(f"'{os.path.realpath(sys.executable)}' -I -S probe.py")


@dataclass(frozen=True, slots=True)
class Probe:
    """A promise, and whether it holds."""

    promise: str
    holds: Callable[[Scene], Awaitable[bool]]


async def _writes_inside(scene: Scene) -> bool:
    await scene.run('echo x > made && mkdir sub && mv made sub/ && x=$(mktemp) && echo y > "$x" && mv "$x" sub/x')
    return (scene.root / "sub" / "made").exists() and (scene.root / "sub" / "x").exists()


async def _commits(scene: Scene) -> bool:
    await scene.run("echo ref > .git/HEAD.lock && mv .git/HEAD.lock .git/HEAD")
    return _text(scene.root / ".git" / "HEAD") == "ref\n"


async def _outside(scene: Scene) -> bool:
    there = scene.outside
    await scene.run(
        f"echo x > {there}/made; echo x > {there}/file; ln {there}/file link && echo x > link; rm {there}/gone"
    )
    same = (there / "file").read_text() == "as it was\n" and (there / "gone").exists()
    return same and not (there / "made").exists()


async def _links(scene: Scene) -> bool:
    await scene.run(f"ln -s {scene.outside}/file away; echo x > away; echo x > /proc/self/cwd/../outside/file")
    return (scene.outside / "file").read_text() == "as it was\n"


async def _truncates(scene: Scene) -> bool:
    await scene.python(f"import os; os.truncate({str(scene.outside / 'file')!r}, 0)")
    return (scene.outside / "file").read_text() == "as it was\n"


async def _modes(scene: Scene) -> bool:
    await scene.run(f"chmod 777 {scene.outside}/file")
    return (scene.outside / "file").stat().st_mode & 0o777 == 0o600


async def _hooks(scene: Scene) -> bool:
    await scene.run(
        "echo x > .git/hooks/pre-commit; echo x >> .git/config; mkdir -p .agent; echo x > .agent/config.toml"
    )
    await scene.run("mv .git .git2 && mkdir -p .git/hooks && echo x > .git/hooks/pre-commit; rm -rf .git/hooks")
    git = scene.root / ".git"
    untouched = (git / "config").exists() and (git / "config").read_text() == "[core]\n"
    return (
        untouched and not (git / "hooks" / "pre-commit").exists() and not (scene.root / ".agent/config.toml").exists()
    )


async def _redirects(scene: Scene) -> bool:
    _make_repository(scene.root)
    await scene.run("mkdir other; echo ../other > .git/commondir")
    return not (scene.root / ".git" / "commondir").exists()


async def _own_folders(scene: Scene) -> bool:
    path = state_path() / f"probe-{secrets.token_hex(4)}"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(f"{scene.mark}\n")
    config = config_path().parent / path.name
    try:
        said = await scene.run(f"cat '{path}'; echo x > '{path}'; mkdir -p '{config.parent}' && echo x > '{config}'")
        return scene.mark not in said and path.read_text() == f"{scene.mark}\n" and not config.exists()
    finally:
        path.unlink()
        config.unlink(missing_ok=True)


async def _temporary(scene: Scene) -> bool:
    with tempfile.NamedTemporaryFile("w", dir="/tmp", prefix="roundtrip-probe-", delete=False) as file:
        file.write("as it was\n")
    path = Path(file.name)
    await scene.run(f"echo x > {path}; rm {path}")
    try:
        return path.exists() and path.read_text() == "as it was\n"
    finally:
        path.unlink(missing_ok=True)


def _connects(kind: str, connect: str) -> Callable[[Scene], Awaitable[bool]]:
    async def holds(scene: Scene) -> bool:
        scene.heard.discard(kind)
        await scene.python(f"import socket\n{connect.format(scene.ports[kind])}")
        await asyncio.sleep(0.1)
        return kind not in scene.heard

    return holds


def _outlives(start: str) -> Callable[[Scene], Awaitable[bool]]:
    async def holds(scene: Scene) -> bool:
        beats = scene.root / "beats"
        beats.unlink(missing_ok=True)
        (scene.root / "stop").unlink(missing_ok=True)
        await scene.run(f"{start}\nwhile [ ! -e beats ]; do sleep 0.02; done")
        await asyncio.sleep(0.1)
        before = len(_text(beats))
        await asyncio.sleep(0.4)
        (scene.root / "stop").touch()
        return 0 < before == len(_text(beats))

    return holds


async def _signals(scene: Scene) -> bool:
    await scene.run(f"kill -KILL {scene.bystander.pid}")
    await asyncio.sleep(0.1)
    return scene.bystander.poll() is None


async def _environment(scene: Scene) -> bool:
    said = await scene.run(f"cat /proc/{scene.bystander.pid}/environ /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'")
    return scene.mark not in said


async def _kernel(scene: Scene) -> bool:
    """Opened, but never written; so what it says of itself must do."""
    said = await scene.python(
        "import os, glob\n"
        "for path in glob.glob('/proc/sys/kernel/*') + ['/proc/sysrq-trigger']:\n"
        "    try: os.close(os.open(path, os.O_WRONLY))\n"
        "    except OSError: continue\n"
        "    print('opened', path)\n"
        "print('end')"
    )
    return said == "end\n"


PROBES: Final = (
    Probe("commands can write in the workspace and in $TMPDIR", _writes_inside),
    Probe("git can write its data", _commits),
    Probe("files outside can't be written, made or removed", _outside),
    Probe("nor through links or /proc", _links),
    Probe("nor be truncated", _truncates),
    Probe("nor get another mode", _modes),
    Probe("git hooks, git configuration and .agent are read-only", _hooks),
    Probe("git can't be led to another configuration", _redirects),
    Probe("the agent's own configuration, sessions and keys are hidden", _own_folders),
    Probe("files of other programs in /tmp can't be written", _temporary),
    Probe("settings of the kernel can't be written", _kernel),
    Probe("no network: TCP", _connects("tcp", "socket.create_connection(('127.0.0.1', {}), 2).send(b'x')")),
    Probe("no network: UDP, and so no names", _connects("udp", "socket.socket(2, 2).sendto(b'x', ('127.0.0.1', {}))")),
    Probe("no sockets of other programs: abstract", _connects("abstract", "socket.socket(1).connect('\\0{}')")),
    Probe("no sockets of other programs: in /tmp", _connects("unix", "socket.socket(1).connect('{}')")),
    Probe("what a command starts ends with it: setsid", _outlives(f"setsid sh -c '{_BEAT}' >/dev/null 2>&1 &")),
    Probe(
        "what a command starts ends with it: two forks", _outlives(f"(setsid sh -c '({_BEAT}) &' >/dev/null 2>&1 &)")
    ),
    Probe("the environment of other processes can't be read", _environment),
    Probe("other processes can't be ended", _signals),
)


def _text(path: Path) -> str:
    """What a command was to write, "" if it did not."""
    return path.read_text() if path.exists() else ""


def _make_repository(root: Path) -> None:
    """What is needed for git data to be recognised; git itself may not be installed."""
    (root / ".git" / "hooks").mkdir(parents=True, exist_ok=True)
    (root / ".git" / "config").write_text("[core]\n")


@asynccontextmanager
async def scene(kind: Kind | None) -> AsyncIterator[Scene]:
    """The scratch project and all around it, for as long as it takes."""
    cache_path().mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="probe-", dir=cache_path())))
    root, outside = folder / "project", folder / "outside"
    _make_repository(root)
    outside.mkdir()
    for name in ("file", "gone"):
        (outside / name).write_text("as it was\n")
        (outside / name).chmod(0o600)
    mark = secrets.token_hex(8)
    sleep = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(300)"]
    bystander = subprocess.Popen(sleep, env={**os.environ, _MARK: mark}, start_new_session=True)
    jobs = LocalJobs(root, confinement=Confinement(root, mode="auto", kind=kind))
    made = Scene(root, outside, jobs, bystander, mark)
    try:
        async with _servers(made):
            yield made
    finally:
        (root / "stop").touch()
        await jobs.close()
        bystander.kill()
        bystander.wait()
        used = jobs.confinement.cache
        shutil.rmtree(folder, ignore_errors=True)
        if used is not None:
            shutil.rmtree(used, ignore_errors=True)


@asynccontextmanager
async def _servers(scene: Scene) -> AsyncIterator[None]:
    """Servers that note who came."""
    loop = asyncio.get_running_loop()
    listening: list[socket.socket] = []
    folder = Path(tempfile.mkdtemp(prefix="roundtrip-probe-", dir="/tmp"))
    abstract = f"roundtrip-{scene.mark}"
    kinds = (
        ("tcp", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
        ("udp", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
        ("abstract", socket.AF_UNIX, socket.SOCK_STREAM, f"\0{abstract}"),
        ("unix", socket.AF_UNIX, socket.SOCK_STREAM, str(folder / "socket")),
    )
    try:
        for kind, family, type, address in kinds:
            server = socket.socket(family, type)
            listening.append(server)
            server.bind(address)
            if type == socket.SOCK_STREAM:
                server.listen()
            loop.add_reader(server, scene.heard.add, kind)
            scene.ports[kind] = str(server.getsockname()[1]) if family == socket.AF_INET else str(address).strip("\0")
        yield
    finally:
        for server in listening:
            with suppress(ValueError):
                loop.remove_reader(server)
            server.close()
        shutil.rmtree(folder, ignore_errors=True)

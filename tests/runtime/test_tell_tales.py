"""What a failed command says when the sandbox is the reason. The outputs are those of real programs."""

from typing import Literal

import pytest
from roundtrip.agent.runtime.sandbox.tell_tales import Ran, note

NETWORK, SOCKETS, OUTSIDE, KEYS = "can't reach servers", "not even localhost", "--writable", "hides keys"


@pytest.mark.parametrize(
    ("output", "bwrap", "landlock"),
    [
        ("touch: cannot touch '/usr/x': Read-only file system", OUTSIDE, OUTSIDE),
        ("OSError: [Errno 30] Read-only file system: '/home/u/.m2'", OUTSIDE, OUTSIDE),
        ("Error: EROFS: read-only file system, open '/home/u/x'", OUTSIDE, OUTSIDE),
        ("failed to write `/home/u/.cargo/x`: Read-only file system (os error 30)", OUTSIDE, OUTSIDE),
        ("error: could not lock config file .git/config: Device or resource busy", OUTSIDE, OUTSIDE),
        ("mv: cannot move '.git' to 'x': Device or resource busy", OUTSIDE, OUTSIDE),
        ("sh: 1: cannot create /usr/x: Permission denied", "", OUTSIDE),
        ("curl: (6) Could not resolve host: example.com", NETWORK, SOCKETS),
        ("fatal: unable to access 'https://x/': Could not resolve host: x", NETWORK, SOCKETS),
        ("socket.gaierror: [Errno -3] Temporary failure in name resolution", NETWORK, SOCKETS),
        ("npm error code EAI_AGAIN", NETWORK, SOCKETS),
        ("dial tcp: lookup proxy.golang.org: no such host", NETWORK, SOCKETS),
        ("[6] Could not resolve hostname (Could not resolve host: index.crates.io)", NETWORK, SOCKETS),
        ("error: failed to fetch: dns error: failed to lookup address information", NETWORK, SOCKETS),
        ("OSError: [Errno 101] Network is unreachable", NETWORK, SOCKETS),
        ("psql: could not connect to server: Connection refused", NETWORK, SOCKETS),
        ("Error: connect ECONNREFUSED 127.0.0.1:5432", NETWORK, SOCKETS),
        ("git@github.com: Permission denied (publickey).", KEYS, KEYS),
        ("error: gpg failed to sign the data", KEYS, KEYS),
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", KEYS, KEYS),
        ("sudo: The \"no new privileges\" flag is set", KEYS, KEYS),
        ("AssertionError: 1 != 2", "", ""),
        ("", "", ""),
    ],
)  # fmt: skip
def test_notes(output: str, bwrap: str, landlock: str) -> None:
    for kind, expected in (("bwrap", bwrap), ("landlock", landlock)):
        said = note(kind, False, Ran("make", 1, output))  # type: ignore[arg-type]
        assert expected in said
        assert bool(said) == bool(expected)
    assert note("none", False, Ran("make", 1, output)) == ""
    assert "may still run" in note("none", False, Ran("make", None, output)), "nobody knows what was detached"
    assert note("bwrap", False, Ran("make", None, output)) == ""
    if expected in (NETWORK, SOCKETS):
        assert note("bwrap", True, Ran("make", 1, output)) == ""


@pytest.mark.parametrize(
    ("command", "output", "expected"),
    [
        (
            "pip install six 2>&1 | tail -5",
            "Failed to establish a new connection: [Errno -3] Temporary failure",
            NETWORK,
        ),
        ("pip install six | tail -2", "ERROR: Could not find a version … six (from versions: none)", NETWORK),
        ("apt-get update; true", "W: Temporary failure resolving 'deb.debian.org'", NETWORK),
        ("wget x; true", "wget: unable to resolve host address 'x'", NETWORK),
        ("gradle test; true", "java.net.UnknownHostException: repo.maven.apache.org", NETWORK),
        ("curl https://x; echo rc $?", "curl: (6) Could not resolve host: x\nrc 6", NETWORK),
        ("git stash; echo $?", "fatal: Could not reset index: Read-only file system\n1", OUTSIDE),
        ("pytest", "1 passed; warning: connection refused", ""),
        ("make; echo done", "install: Permission denied", ""),
        ("grep -rn resolve .", "a.py:1: Could not resolve host", ""),
        (" cat log | tail", "Read-only file system", ""),
    ],
)
def test_what_counts_although_the_command_ended_well(command: str, output: str, expected: str) -> None:
    said = note("bwrap", False, Ran(command, 0, output))
    assert (expected in said, bool(said)) == (True, bool(expected))


@pytest.mark.parametrize(
    ("command", "code", "output", "expected"),
    [
        ("vim x", None, "", True),
        ("cd a && sudo nano x", None, "", True),
        ("FOO=1 less x", None, "", True),
        ("vim x", 1, "Vim: Warning: Output is not to a terminal", True),
        ("top", 1, "top: failed tty get", True),
        ("docker run -it x", 1, "the input device is not a TTY", True),
        ("vim -es -c wq x", 0, "Input is not from a terminal", False),
        ("pytest tests/vim", None, "", False),
        ("sleep 100; echo less is more", None, "", False),
        ("vim-plug x", None, "", False),
    ],
)
@pytest.mark.parametrize("kind", ["bwrap", "none"])
def test_programs_that_want_a_terminal(
    kind: Literal["bwrap", "none"], command: str, code: int | None, output: str, expected: bool
) -> None:
    assert ("no terminal" in note(kind, False, Ran(command, code, output))) == expected


@pytest.mark.parametrize(
    ("left", "said"),
    [
        ((), ""),
        (("sleep 500",), "sleep 500. "),
        (("a", "b", "a", "c"), "a, b, c. "),
        (("a", "b", "c", "d", "e"), "a, b, c and 2 more. "),
        (("x" * 100,), f"{'x' * 60}…. "),
    ],
)
@pytest.mark.parametrize("code", [0, 1])
def test_what_was_left_running(left: tuple[str, ...], said: str, code: Literal[0, 1]) -> None:
    for kind, word in (("bwrap", "Ended with"), ("landlock", "Ended with"), ("none", "still running")):
        told = note(kind, False, Ran("x &", code, "", left=left))  # type: ignore[arg-type]
        assert (word in told, said in told, '"background": true' in told) == (bool(left), True, bool(left))


def test_why_it_failed_and_what_it_left() -> None:
    told = note("bwrap", False, Ran("serve & curl x", 1, "Could not resolve host", left=("serve",)))
    assert NETWORK in told
    assert "it running: serve." in told


@pytest.mark.parametrize(
    ("command", "root", "expected"),
    [
        ("make > /tmp/out.log 2>&1", "/w", "a /tmp of"),
        ("make | tee -a /tmp/out.log", "/w", "a /tmp of"),
        ("curl -o '/var/tmp/x' y", "/w", "a /var/tmp of"),
        ("make > /tmp/project/out.log", "/tmp/project", ""),
        ("make > /tmp/projects/out.log", "/tmp/project", "a /tmp of"),
        ("make > out.log; ls /tmp", "/w", ""),
        ("make > /w/tmp/x", "/w", ""),
    ],
)
def test_what_is_written_to_tmp(command: str, root: str, expected: str) -> None:
    said = note("bwrap", False, Ran(command, 0, "", root))
    assert (expected in said, bool(said)) == (True, bool(expected))
    assert note("landlock", False, Ran(command, 0, "", root)) == ""


def test_a_variable_that_was_withheld() -> None:
    def said(code: int, output: str) -> str:
        return note("landlock", False, Ran("pytest", code, output, withheld=("MY_TOKEN", "A_SECRET")))

    assert "A_SECRET is set, but withheld" in said(1, "KeyError: 'A_SECRET'")
    assert said(1, "KeyError: 'MY_TOKENS'") == said(0, "A_SECRET") == ""


def test_all_reasons_are_told_but_in_the_wake_of_keys_nothing_else() -> None:
    both = "curl: (6) Could not resolve host: x\ntouch: cannot touch '/etc/z': Read-only file system"
    said = note("bwrap", False, Ran("curl x; touch /etc/z", 1, both))
    assert OUTSIDE in said
    assert NETWORK in said
    keys = "git@x: Permission denied (publickey).\nfatal: Could not resolve host: x"
    assert note("landlock", False, Ran("git fetch", 128, keys)).count("Commands run in a sandbox") == 1

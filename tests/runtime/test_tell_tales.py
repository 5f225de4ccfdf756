"""What a failed command says when the sandbox is the reason. The outputs are those of real programs."""

from typing import Literal

import pytest
from roundtrip.agent.runtime.sandbox.tell_tales import note

NETWORK, SOCKETS, OUTSIDE, KEYS, LEFT = "can't reach servers", "not even localhost", "--writable", "hides keys", "the &"


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
        said = note(kind, False, 1, "make", output)  # type: ignore[arg-type]
        assert expected in said
        assert bool(said) == bool(expected)
    assert note("none", False, 1, "make", output) == ""
    assert note("bwrap", False, 0, "make", output) == ""
    assert note("bwrap", False, None, "make", output) == ""
    if expected in (NETWORK, SOCKETS):
        assert note("bwrap", True, 1, "make", output) == ""


@pytest.mark.parametrize(
    ("command", "left"),
    [
        ("npm start &", True),
        ("npm start > log 2>&1 &", True),
        ("(npm start &) ", True),
        ("npm start & disown", True),
        ("nohup npm start", True),
        ("setsid npm start", True),
        ("a &\nb", True),
        ("a & b & wait", False),
        ("a && b", False),
        ("a 2>&1", False),
        ("a &> log", False),
        ("a |& b", False),
    ],
)
@pytest.mark.parametrize("code", [0, 1])
def test_what_was_left_running(command: str, left: bool, code: Literal[0, 1]) -> None:
    assert (LEFT in note("bwrap", False, code, command, "")) == left

"""Files are reached without a link, and nothing waits."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from roundtrip.agent.files import FOLDER, content, straight


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_text("inside")
    (tmp_path / "to_a").symlink_to("a")
    (tmp_path / "a" / "to_b").symlink_to("b")
    (tmp_path / "a" / "b" / "to_c").symlink_to("c")
    os.mkfifo(tmp_path / "pipe")
    return Path(os.path.realpath(tmp_path))


@pytest.mark.parametrize("beginning", ["absolute", "relative"])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b/c", "inside"),
        ("to_a/b/c", "to_a has become a symbolic link"),
        ("a/to_b/c", "to_b has become a symbolic link"),
        ("a/b/to_c", "to_c has become a symbolic link"),
        ("a/x", "No such file or directory"),
        ("a/b/c/d", "Not a directory"),
    ],
)
def test_no_link_is_followed(root: Path, beginning: str, path: str, expected: str) -> None:
    folder = straight(root, FOLDER)
    try:
        where, at = (root / path, None) if beginning == "absolute" else (path, folder)
        with open(straight(where, folder=at)) as file:
            said = file.read()
    except OSError as error:
        said = error.strerror
    finally:
        os.close(folder)
    assert said == expected


def test_an_opener(root: Path) -> None:
    with open(root / "a/b/c", opener=straight) as file:
        assert file.read() == "inside"


def test_a_folder_itself(root: Path) -> None:
    for path, names in ((root / "a", ["b", "to_b"]), (Path("/"), sorted(os.listdir("/")))):
        folder = straight(path, FOLDER)
        assert sorted(os.listdir(folder)) == names
        os.close(folder)


@pytest.mark.parametrize(
    ("make", "links", "expected"),
    [
        (lambda root: root / "a/b/c", False, b"insi"),
        (lambda root: root / "a/b/to_c", False, None),
        (lambda root: root / "a/b/to_c", True, b"insi"),
        (lambda root: root / "pipe", False, None),
        (lambda root: root / "a", False, None),
        (lambda root: root / "x", False, None),
        (lambda root: root / "nul\0", False, None),
    ],
)
def test_the_beginning_of_a_regular_file(
    root: Path, make: Callable[[Path], Path], links: bool, expected: bytes | None
) -> None:
    assert content(make(root), 4, links=links) == expected


def test_no_descriptor_is_left(root: Path) -> None:
    before = os.listdir("/dev/fd")
    for path in ("a/b/c", "to_a/b/c", "a/x"):
        try:
            os.close(straight(root / path))
        except OSError:
            continue
    assert os.listdir("/dev/fd") == before

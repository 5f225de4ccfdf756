"""Configuration files: what may stand in one, how it is read, and how a setting is put into it.

`USER` says what the user's own file may hold, `PROJECT` what a project's: no server, no key, no sandbox. Values are
checked by hand: pydantic would cost every start 50 to 150 ms for a few strings.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

MODES: Final = ("plan", "ask", "edits", "auto")
SANDBOXES: Final = ("auto", "off", "strict")

Shape = Mapping[str, Any]
"""What a file may hold: by key `str`, the values to choose from, `list` for rules for commands, or the shape of a
table."""

COMMANDS: Final[Shape] = {"allow": list, "deny": list}
USER: Final[Shape] = {
    "base_url": str,
    "model": str,
    "api_key": str,
    "mode": MODES,
    "sandbox": SANDBOXES,
    "commands": COMMANDS,
}
PROJECT: Final[Shape] = {"mode": MODES, "commands": COMMANDS}

_TOML_TYPES: Final = {bool: "a boolean", int: "an integer", float: "a float", list: "an array", dict: "a table"}


class ConfigError(Exception):
    """The user's configuration can't be used. The message says what to do."""


def read_settings(path: Path, shape: Shape = USER) -> dict[str, Any]:
    """The config file's values; an absent file has none. Raises ConfigError."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error}") from error
    return checked(data, path, shape)


def checked(data: bytes, path: Path, shape: Shape) -> dict[str, Any]:
    """The values in a file's text. Raises ConfigError for one that does not belong there."""
    try:
        values = _parsed(data.decode("utf-8"), path)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} can't be read: {error}") from error
    _check(values, shape, "", path)
    return values


def _check(values: Mapping[str, Any], shape: Shape, table: str, path: Path) -> None:
    for key, value in values.items():
        name, wanted = f"{table}{key}", shape.get(key)
        if wanted is None:
            raise ConfigError(_unknown(key, shape, path))
        if isinstance(wanted, Mapping) and isinstance(value, dict):
            _check(value, wanted, f"{name}.", path)
            continue
        should = _should_be(key, wanted, value)
        if should:
            what = _TOML_TYPES.get(type(value), "a date or a time")
            is_ = repr(value) if isinstance(value, str) else what
            raise ConfigError(f"{path}: {name} is {is_}; it should be {should}")


def _should_be(key: str, wanted: Any, value: object) -> str:
    """What a value should be, "" if it is."""
    if isinstance(wanted, Mapping):
        return f"a table, such as [{key}]"
    if wanted is list:
        fits = isinstance(value, list) and all(isinstance(item, str) and _is_rule(item) for item in value)
        return "" if fits else f'an array of rules, such as {key} = ["git status *"]'
    if wanted is str:
        return "" if isinstance(value, str) else f'a string, such as {key} = "…"'
    return "" if value in wanted else f"a string, one of {', '.join(wanted)}"


def _is_rule(text: str) -> bool:
    try:
        return bool(shlex.split(text))
    except ValueError:  # an open quotation
        return False


def _parsed(text: str, path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is no valid TOML: {error}") from error


def _unknown(key: str, shape: Shape, path: Path) -> str:
    from difflib import get_close_matches

    if shape is PROJECT and key in USER:
        return f"{path}: {key} can't be chosen by a project; it belongs into your own config file (see: agent config)"
    meant = "".join(f" (do you mean {near}?)" for near in get_close_matches(key, shape, 1))
    return f"{path}: there is no setting {key!r}{meant}; there are: {', '.join(shape)}"


def write_server(path: Path, base_url: str, model: str = "") -> None:
    """Puts the server, and the model unless it is "", into the user's config file. All else in it stays as it is.

    Written whole or not at all; of a symbolic link, the target is written. Raises ConfigError.
    """
    target = Path(os.path.realpath(path))
    try:
        text = _contents(target).decode("utf-8")
        for key, value in (("model", model), ("base_url", base_url)):  # the last one gets to the very top
            if value:
                text = _with(text, key, value, path)
        replace_file(target, text.encode("utf-8"))
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"{path} can't be written: {error}") from error


def _contents(target: Path) -> bytes:
    try:
        return target.read_bytes()
    except FileNotFoundError:
        return b""


def _with(text: str, key: str, value: str, path: Path) -> str:
    """TOML text in which a key at the top level has this value.

    Nothing is taken for the line of a key because it looks like one, it may stand in a table or in a long string:
    what counts is that the new text, when read, differs from the old one in this key alone.
    """
    before = _parsed(text, path)
    if before.get(key) == value:
        return text
    wanted = {**before, key: value}
    for changed in _changes(text, key, value, key in before):
        try:
            if _parsed(changed, path) == wanted:
                return changed
        except ConfigError:
            continue
    raise ConfigError(f"{path}: {key} stands there in a way that can't be replaced; change it by hand to {value!r}")


def _changes(text: str, key: str, value: str, present: bool) -> Iterator[str]:
    """The texts that may be meant: a line on top, or in place of each line, and of each few, that may be the key's."""
    import json
    import re

    line = f"{key} = {json.dumps(value, ensure_ascii=False)}".replace("\x7f", r"\u007f")
    if not present:
        yield line + ("\r\n" if "\r\n" in text else "\n") + text
        return
    lines = text.splitlines(keepends=True)
    begins = [n for n, old in enumerate(lines) if re.match(rf"""[ \t]*["']?{key}["']?[ \t]*=""", old)]
    for begin in begins:
        for end in range(begin + 1, len(lines) + 1):
            tail = _tail("".join(lines[begin:end]))
            yield "".join((*lines[:begin], line, tail, *lines[end:]))


def _tail(old: str) -> str:
    """What stands behind a key and its value: space, a comment, the end of the line."""
    ends = [n for n, char in enumerate(old) if char == "#"]
    for end in ends:
        try:
            _parsed(old[:end], Path())
        except ConfigError:
            continue
        return old[len(old[:end].rstrip()) :]
    return old[len(old.rstrip()) :]


def replace_file(target: Path, data: bytes) -> None:
    """Writes a file whole, beside its place, and moves it there: whoever reads sees the old one or the new one.

    Of a new file, and of new folders, only the owner sees anything. Raises OSError."""
    import tempfile

    for folder in reversed([folder for folder in target.parents if not folder.exists()]):
        folder.mkdir(0o700, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # readable by its owner only
    try:
        with os.fdopen(descriptor, "wb") as file:
            if target.exists():
                os.fchmod(descriptor, target.stat().st_mode & 0o7777)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise

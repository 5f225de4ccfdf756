"""Where a call in tags ends, and which parameters it has.

Strategy. Values are not escaped, so a value may hold the very tags that end it. What a tag means, its neighbours tell:

    an end tag               ends the value if structure follows: a parameter, the call's end, the end of the text
    the call's own end       ends an open value, too (its end tag is missing), if another call or the end of the section
                             or of the text follows
    the beginning of a call  inside a value: an example, which is data up to its own end
    a parameter on a new     the end tag before it is missing. It counts as *guessed*: if the tool does not know it, the
    line, inside a value     call does not run

Where a missing end tag was made up for although the value holds one, nobody can tell where the value ends: `doubtful`.

The scanner reads each character a bounded number of times; `read` runs the same scanner over the whole, so that both
always agree.
"""

from __future__ import annotations

import re

from roundtrip.agent.leaks.dialect import WHITE
from roundtrip.agent.leaks.json_scanner import DEEPEST
from roundtrip.agent.leaks.notation import State
from roundtrip.agent.leaks.tag_table import TagTable
from roundtrip.agent.leaks.values import Parameter

_ATTRIBUTE = re.compile(r"(\w+)\s{0,2}=\s{0,2}(?:\"([^\"]*)\"|'([^']*)'|[“”]([^“”]*)[“”])")
_PAIR = re.compile(r"\r?\n(?P<text>.*)\r?\n", re.DOTALL)
_MOST_HELD = 64
"""White space before the first parameter, which is held back: if none follows, it belongs to the text."""

_SPACE = re.compile(rf"[{re.escape(WHITE)}]*+")
_SOME_SPACE = re.compile(rf"[{re.escape(WHITE)}]{{0,256}}+")


class TagScanner:
    """Collects the parameters of one call, fed in pieces."""

    def __init__(self, tags: TagTable) -> None:
        self.state: State = "open"
        self.parameters: list[Parameter] = []
        self.doubled = False
        self.missing = False
        self.mentioned: set[str] = set()
        """Keys of opening tags that stand in values without their ends."""
        self._torn = self._opened = False
        self._tags, self._re = tags, tags.compiled
        self._key: tuple[str, str, bool] | None = None
        self._keys: set[str] = set()
        self._parts: list[str] = []
        self._depth = self._inner = 0

    @property
    def doubtful(self) -> bool:
        """Whether a value may end elsewhere."""
        return self._torn or (self.doubled and self._opened)

    @property
    def in_value(self) -> bool:
        """Whether a value was begun, and not ended."""
        return self._key is not None

    def feed(self, text: str, at: int = 0, final: bool = False) -> int:
        """As BodyScanner says."""
        while at < len(text) and self.state == "open":
            next_at = (self._between if self._key is None else self._value)(text, at, final)
            if next_at < 0:
                break
            at = next_at
        return at

    def finish(self) -> None:
        """The call has ended: so has a value that was begun."""
        if self._key is not None and not self._depth:
            self._close(missing=True)

    def _between(self, text: str, at: int, final: bool) -> int:
        """Between values: a parameter, the end, or nothing that belongs here."""
        start = _SPACE.match(text, at).end()  # type: ignore[union-attr]  # matches the empty string, too
        begun = bool(self.parameters) or start - at > _MOST_HELD
        if start == len(text):
            return start if begun or final else at if start == at else -1
        found = self._re.opens(text, start)
        if found:
            return self._open(found, guessed=False)
        if not final and self._re.opening.fullmatch(text, start):
            return start if begun and start > at else -1
        if self._ends_here(text, start):
            self.state = "done"
            return start
        doubled = self._closer(text, start) if self.parameters else None
        if doubled:
            self.doubled = True
            return doubled.end()
        if self._may_go_on(text, start, False):
            return len(text) if final else start if begun and start > at else -1
        self.state = "broken"
        return start if begun else at

    def _closer(self, text: str, at: int) -> re.Match[str] | None:
        """The end tag of a value that stands there."""
        found = None if self._ends_here(text, at) else self._re.closes.match(text, at)
        if found and self._tags.nested and self._key and not found[0].endswith(f"</{self._key[0]}>"):
            return None  # where tags are named for their keys, another's is data
        return found

    def _open(self, found: re.Match[str], *, guessed: bool) -> int:
        key, kind = self._said(found)
        if found.groupdict().get("closed"):
            self.parameters.append(Parameter(key, "", kind, guessed))
        else:
            self._key = (key, kind, guessed)
        self._keys.add(key)
        return found.end()

    def _said(self, found: re.Match[str]) -> tuple[str, str]:
        """The key and the type in an opening tag."""
        groups = found.groupdict()
        said = {name: "".join(values) for name, *values in _ATTRIBUTE.findall(groups.get("attributes") or "")}
        key = groups.get("key") or said.get("name") or said.get("key") or ""
        return self._tags.plain(key), said.get("type") or said.get("string") or ""

    def _ends_here(self, text: str, at: int) -> bool:
        return any(regex.match(text, at) for regex in (self._re.ends, self._re.calls, self._re.outside))

    def _may_go_on(self, text: str, at: int, final: bool) -> bool:
        """Whether the rest of the text is the beginning of a tag."""
        return not final and (
            self._re.opening.fullmatch(text, at) is not None or self._re.marks.half_from(text, at) == at
        )

    def _value(self, text: str, at: int, final: bool) -> int:
        mark = self._re.marks.whole.search(text, at)
        half = len(text) if final else self._re.marks.half_from(text, at)
        start = min(mark.start(), half) if mark else half
        if start > at:
            self._parts.append(text[at:start])
            return start
        if mark is None or half <= mark.start():
            return -1
        return self._mark(text, mark, final)

    def _mark(self, text: str, mark: re.Match[str], final: bool) -> int:
        """A tag inside a value."""
        at, end = mark.span()
        if self._tags.nested and not final and self._re.opening.fullmatch(text, at):
            return -1
        data = self._nesting(text, at)
        if not data:
            if self._re.heads.match(text, at) and not self._closer(text, at) and not self._ends_here(text, at):
                return self._guessed(text, at, end, final)
            means = self._followed(text, at, end, final)
            if means is None:
                return -1
            if means:
                closed = self._closer(text, at) is not None
                self._close(missing=not closed)
                self.state = "open" if closed else "done"
                return end if closed else at
        self._parts.append(text[at:end])
        return end

    def _nesting(self, text: str, at: int) -> bool:
        """Counts what is begun and ended inside the value; says whether this is part of it."""
        begins = self._re.calls.match(text, at) or (self._tags.nested and self._re.opens(text, at))
        if begins:
            self._depth += 1
            if self._depth > DEEPEST:
                self.state = "broken"
            return True
        if self._re.inner.match(text, at):
            self._inner += 1
            return True
        if self._inner and self._closer(text, at):
            self._inner -= 1
            return True
        inside = self._depth > 0
        closers = (self._re.ends, self._re.outside, *[self._re.closes] * self._tags.nested)
        if inside and any(regex.match(text, at) for regex in closers):
            self._depth -= 1
        return inside

    def _followed(self, text: str, at: int, end: int, final: bool) -> bool | None:
        """Whether a tag inside a value ends it; None if that can't be told yet."""
        start = _SOME_SPACE.match(text, end).end()  # type: ignore[union-attr]
        if start == len(text):
            return True if final else None
        closed = self._closer(text, at)
        if closed and (self._re.opens(text, start) or self._closer(text, start)):
            return True
        if self._re.outside.match(text, at):
            follows = self._re.calls.match(text, start) is not None
        elif closed:
            follows = self._ends_here(text, start)
        else:
            follows = bool(self._re.outside.match(text, start) or self._re.calls.match(text, start))
        if not follows and self._may_go_on(text, start, final):
            return None
        return follows

    def _guessed(self, text: str, at: int, end: int, final: bool) -> int:
        """A parameter inside a value: on a new line, the end tag before it is missing."""
        before = self._parts[-1][-1:] if self._parts else ""
        if before == "\n":
            found = self._re.opens(text, at)
            if not found and not final and self._re.opening.fullmatch(text, at):
                return -1
            if found and self._is_new(found):
                self._close(missing=True)
                return self._open(found, guessed=True)
            self._inner += found is not None
        self._parts.append(text[at:end])
        return end

    def _is_new(self, found: re.Match[str]) -> bool:
        """Whether a parameter of that name was not given before: else it is an example."""
        return self._said(found)[0] not in self._keys

    def _close(self, *, missing: bool) -> None:
        assert self._key is not None
        key, kind, guessed = self._key
        text = "".join(self._parts)
        self.missing = self.missing or missing
        opened = not self._tags.nested and self._re.heads.search(text) is not None
        self._opened = self._opened or guessed or opened
        holds_end = (missing or guessed) and self._re.closes.search(text)
        half_end = missing and (opened or self._re.half_end.search(text))
        self._torn = self._torn or bool(holds_end or half_end)
        if opened:
            self.mentioned.update(self._unended(text))
        if missing and not self._tags.framed:
            text = re.sub(r"\r?\n[ \t]*\Z", "", text)
        self.parameters.append(Parameter(key, kind, self._framed(text), guessed))
        self._key, self._parts = None, []

    def _unended(self, text: str) -> list[str]:
        """Keys of the opening tags in a value whose end tags are not in it."""
        opens = [(found.start(), self._said(found)[0]) for found in self._re.opens_in(text)]
        ends = [(found.start(), None) for found in self._re.closes.finditer(text)]
        open_keys: list[str] = []
        for _, key in sorted([*opens, *ends], key=lambda tag: tag[0]):
            if key is not None:
                open_keys.append(key)
            elif open_keys:
                open_keys.pop()
        return open_keys

    def _framed(self, text: str) -> str:
        """The value without the line breaks that belong to the tags."""
        if self._tags.framed == "each":
            return re.sub(r"\A\r?\n|\r?\n\Z", "", text)
        pair = _PAIR.fullmatch(text) if self._tags.framed == "both" else None
        return pair["text"] if pair else text

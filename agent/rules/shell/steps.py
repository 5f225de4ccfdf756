"""The folder in which each word of a command line is meant: where the `cd`s before it lead.

The order of the text tells it alone, for the tree does not: it puts the `cd x` of `cd x && a | b` into the pipeline. It
is not known where `||` or `&` stands anywhere, or a `cd` anywhere but in a row of commands of the line itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from roundtrip.agent.rules.shell.words import Word

if TYPE_CHECKING:
    from tree_sitter import Node

MOVES: Final = frozenset({"cd", "pushd", "popd"})
"""Commands that change the folder."""

_IN_A_ROW: Final = frozenset({"program", "list", "pipeline", "redirected_statement"})
"""What a `cd` may stand in so that the rest of the line follows it."""


@dataclass(slots=True)
class Steps:
    """taken: where each `cd` leads that the rest follows, and None where what stands before may have failed.

    lost: whether it is not known in which folder the rest runs.
    """

    taken: list[Word | None] = field(default_factory=list)
    lost: bool = False
    _move: tuple[int, Word] | None = None
    """A `cd` and where it ends, until it is seen what stands behind it."""
    _seen: int = 0

    def look(self, node: Node, source: bytes, end: int) -> None:
        """Looks at what separates the commands. end: where the leaf before the node ended."""
        self.lost = self.lost or node.type in ("||", "&")
        if node.start_byte < end:
            return
        gap = source[max(end, self._seen) : node.start_byte].replace(b"\\\n", b"")
        self._seen = node.start_byte
        ends = node.type in (";", ";;") or (b"\n" in gap and not source[:end].endswith((b"&&", b"|")))
        if self._move and node.start_byte >= self._move[0]:
            self.lost = self.lost or not (ends or node.type == "&&")
            self.taken.append(self._move[1])
            self._move = None
        if ends:
            self.taken.append(None)

    def move(self, node: Node, words: Sequence[Word], before: bytes) -> None:
        """Looks at a command that changes the folder: whether all that follows runs where it leads."""
        around = node.parent
        while around is not None and around.type in _IN_A_ROW:
            around = around.parent
        plain = words[0].text == "cd" and len(words) == 2 == node.child_count and not words[1].open
        if around is None and plain and words[1].text[:1] not in ("", "-") and not before.rstrip().endswith(b"|"):
            self._move = (node.end_byte, words[1])
        else:
            self.lost = True

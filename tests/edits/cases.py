"""Edits as models make them on real files, with the bytes that each must leave: the acceptance test of the edit tools.

Strategy. A kind is one way to damage a call. A case is drawn from seed, kind and number alone, so that a single one
can be looked at again (`case`). What counts afterwards is the bytes of the file and whether the tool said it failed:
- *applied*: the intended bytes. *refused*: the file is as it was. *wrong*: everything else, and every write where
  nothing could be meant.
Nothing here knows the tools: `judge` does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

from edits import calls, damages
from edits.calls import Builder, Call
from edits.misses import MISSES, Miss
from edits.sources import VARIANTS, Corpus, Source

Expected = Literal["apply", "apply or refuse", "refuse", "nothing"]
"""nothing: no byte changes, whatever is said about it."""

ALL: Final = tuple(VARIANTS)
USUAL: Final = ("as it is", "as it is", "as it is", "crlf", "bom", "latin-1", "tabs", "no final newline")
CLEAN: Final = ("as it is", "as it is", "crlf", "bom", "tabs")
KINDS: Final[dict[str, tuple[str, tuple[str, ...], Builder | Callable[[Random, Source], Miss | None]]]] = {
    "undamaged": ("1 exact", ALL, calls.plain),
    "replace_all": ("1 exact", ("as it is", "crlf", "bom", "no final newline"), calls.replaced_everywhere),
    "line endings": ("2 search text", USUAL, damages.crlf),
    "a newline too many": ("2 search text", USUAL, damages.newline),
    "line numbers": ("2 search text", USUAL, damages.numbers),
    "line numbers in old": ("2 search text", USUAL, damages.numbers_in_old),
    "code fence": ("2 search text", USUAL, damages.fence),
    "several of step 2": ("2 search text", USUAL, damages.combined),
    "trailing blanks": ("3 by line", ("trailing blanks", "trailing blanks", *USUAL), damages.trailing),
    "typographic": ("3 by line", ("typographic", "typographic", *USUAL), damages.typographic),
    "shift": ("4 indentation", USUAL, damages.shift),
    "tabs and spaces": ("4 indentation", ("tabs", *USUAL), damages.tabs),
    "escaped twice": ("5 escapes", USUAL, damages.escaped),
    "doubtful": ("doubtful", CLEAN, damages.doubtful),
    **{name: ("near miss", USUAL, builder) for name, builder in MISSES.items()},
}
"""Of each kind: the rule that should understand it, the variants of files, and its builder."""

TRIES: Final = 3_000


@dataclass(frozen=True, slots=True)
class Case:
    """A file, a call, and the bytes that the file must hold afterwards (of a refusal: those it held)."""

    kind: str
    number: int
    name: str
    variant: str
    data: bytes
    old: str
    new: str
    everywhere: bool
    expected: Expected
    intended: bytes
    lines: bool

    @property
    def step(self) -> str:
        return KINDS[self.kind][0]


def case(corpus: Corpus, seed: int, kind: str, number: int) -> Case:
    """Raises LookupError if no installed file can be damaged like that."""
    random = Random(f"{seed} {kind} {number}")
    _, variants, build = KINDS[kind]
    for _ in range(TRIES):
        source = corpus.pick(random, variants)
        call = build(random, source)
        if isinstance(call, Miss):
            return _missed(kind, number, call)
        if call is not None and call.old != call.new and call.intended != source.data:
            return _damaged(kind, number, source, call)
    raise LookupError(f"no file for: {kind}")


def _damaged(kind: str, number: int, source: Source, call: Call) -> Case:
    expected: Expected = "apply" if call.sure else "apply or refuse"
    texts = (call.old, call.new, call.everywhere)
    return Case(kind, number, source.name, source.variant, source.data, *texts, expected, call.intended, call.lines)


def _missed(kind: str, number: int, miss: Miss) -> Case:
    expected: Expected = "nothing" if miss.quiet else "refuse"
    source, texts = miss.source, (miss.old, miss.new, False)
    return Case(kind, number, source.name, source.variant, source.data, *texts, expected, source.data, miss.lines)


def generate(seed: int, per_kind: int, per_step: int = 0) -> Iterator[Case]:
    """At least so many cases of every kind, and at least so many that each rule of the ladder should understand."""
    corpus = Corpus(seed)
    kinds = Counter(step for step, _, _ in KINDS.values())
    for kind, (step, _, _) in KINDS.items():
        for number in range(max(per_kind, -(-per_step // kinds[step]))):
            yield case(corpus, seed, kind, number)

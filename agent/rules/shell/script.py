"""A shell's command line, taken apart: every command anywhere in it, its words as far as they stand there, its files.

Strategy. tree-sitter-bash parses, and is not believed. Its tree is no shell: it takes `[ a && rm b ]` for one test
and an unusual blank for no character at all. And the line is run by bash here, and by a /bin/sh like dash there.
So everything is walked, and whatever is not understood for certain makes the line "not known": somebody is asked.
Rules:
1. `parse` never raises. `Script.unknown` says why a line is not known; what was found in it is told all the same.
2. Every node must be of a kind in `_KINDS`, every leaf must look like what it claims to be (`LEAVES`), and between
   two leaves there are only blanks. What tree-sitter skipped, or took for something else, shows there.
3. A word is fixed where every shell reads the same text in it. An expansion, a glob or a brace makes it open: then
   its text is what it certainly begins with.
4. What dash and bash read differently is not known: `$'…'`, `$"…"`, `[[ … ]]`, `((…))`, `<<<`, `|&`, arrays. So are
   backquotes, which have rules of quoting of their own, and lines that go on in the middle of a word.
5. Here-documents are measured again by hand, because tree-sitter loses substitutions in them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from roundtrip.agent.rules.shell.grammar import (
    ARITHMETIC,
    BAD_LEAVES,
    BORDERS,
    COPIES,
    EXPANSION,
    GAP,
    INSIDE,
    KNOWN,
    LEAVES,
    OPERATORS,
    STRANGE,
    TEST,
    WORDS,
)
from roundtrip.agent.rules.shell.steps import MOVES, Steps
from roundtrip.agent.rules.shell.words import Word, text_of, word_of

if TYPE_CHECKING:
    from tree_sitter import Node

LONGEST: Final = 10_000
"""Characters of a line that is looked at."""

DEEPEST: Final = 150
"""Nodes within nodes."""


@dataclass(frozen=True, slots=True)
class Part:
    """A simple command: its words, and the variables that are set for it (by it, if there are no words).

    sets: `NAME=value`, or what else stands in its place; `*` for what is not known of a value.
    """

    words: tuple[Word, ...] = ()
    sets: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The command's name, "" where that is not known."""
        return self.words[0].text if self.words and not self.words[0].open else ""


@dataclass(frozen=True, slots=True)
class Script:
    """writes, reads: the files of redirections. unknown: why the line is not known for certain, "" if it is.

    steps: `Steps.taken`, None if it is not known in which folders its commands run.
    """

    parts: tuple[Part, ...] = ()
    writes: tuple[Word, ...] = ()
    reads: tuple[Word, ...] = ()
    unknown: str = ""
    steps: tuple[Word | None, ...] | None = None


def parse(line: str, stage: int | None = None) -> Script:
    """Takes a line apart; see the module. stage: that of all its words, where it stands in another line."""
    reason = _unreadable(line)
    if reason:
        return Script(unknown=reason)
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    source = line.encode()
    tree = Parser(Language(tree_sitter_bash.language())).parse(source)
    return _Walk(source, stage).script(tree.root_node)


def _unreadable(line: str) -> str:
    """Why the line is not even parsed, "" if it is: characters that one shell skips and another takes for a letter."""
    if len(line) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    odd = (c for c in line if c not in " \t\n" and unicodedata.category(c)[0] in "CZ")
    found = next(odd, "")
    return f"it holds the invisible character U+{ord(found):04X}" if found else ""


@dataclass(slots=True)
class _Walk:
    """One way through a tree. Every node comes by once."""

    source: bytes
    stage: int | None = None
    parts: list[Part] = field(default_factory=list)
    writes: list[Word] = field(default_factory=list)
    reads: list[Word] = field(default_factory=list)
    unknown: str = ""
    end: int = 0
    """Where the leaf before ended."""
    steps: Steps = field(default_factory=Steps)

    def script(self, root: Node) -> Script:
        if root.has_error:
            self._doubt("it is no valid command line")
        for node, depth in _nodes(root):
            if depth > DEEPEST:
                self._doubt("it is nested too deep")
                break
            self._visit(node)
        if self.source[self.end :].strip(b" \t\n"):
            self._doubt("its end can't be read")
        steps = None if self.steps.lost or self.unknown else tuple(self.steps.taken)
        return Script(tuple(self.parts), tuple(self.writes), tuple(self.reads), self.unknown, steps)

    def _doubt(self, why: str) -> None:
        self.unknown = self.unknown or why

    def _visit(self, node: Node) -> None:
        kind = node.type
        self.steps.look(node, self.source, self.end)
        if node.is_named and kind not in KNOWN:
            self._doubt(STRANGE.get(kind, f"it holds what is not understood ({kind})"))
        elif node.is_named:
            check = getattr(self, f"_at_{kind}", None)
            if check:
                check(node)
        inside = node.parent is not None and node.parent.type in INSIDE
        begins = (kind in WORDS and not inside) or (not node.is_named and kind.isalpha())
        if begins and self.source[node.start_byte - 1 : node.start_byte] not in BORDERS:
            self._doubt("where a word of it begins can't be read")
        if node.child_count == 0 or kind == "heredoc_body":
            self._leaf(node)

    def _leaf(self, node: Node) -> None:
        """Looks at what stands there, and at what was skipped before it."""
        if node.start_byte >= self.end:  # else it is in a here-document, which was measured
            gap = self.source[self.end : node.start_byte].decode()
            joins = "\\\n" in gap and not gap.replace("\\\n", "")
            if not GAP.fullmatch(gap) or joins:
                self._doubt("something in it can't be read")
        text = text_of(node)
        pattern = LEAVES.get(node.type)
        if pattern and not re.fullmatch(pattern, text):
            self._doubt(f"{node.type} can't be read")
        before = self.source[node.start_byte - 1 : node.start_byte]
        if text.startswith("#") and (before in b" \t\n;&|()") != (node.type == "comment") and node.type != "#":
            self._doubt("a comment in it can't be read")
        if text == "$" and self.source[node.end_byte : node.end_byte + 1] == b'"':
            self._doubt(STRANGE["translated_string"])
        if not node.is_named and (text != node.type or text in BAD_LEAVES):
            self._doubt(f"it uses {text}")
        self.end = max(self.end, node.end_byte)

    def _word(self, node: Node) -> Word:
        return replace(word_of(node), stage=len(self.steps.taken) if self.stage is None else self.stage)

    # What has a meaning of its own, by the kind of node.

    def _at_command(self, node: Node) -> None:
        words: list[Word] = []
        sets: list[str] = []
        for child in node.children:
            if child.type == "variable_assignment":
                sets.append(_assigned(child))
            elif child.type == "command_name":
                words.append(self._word(child.children[0] if child.child_count else child))
            elif child.type == "subshell":  # `f (x)`
                self._doubt("it holds a command that can't be read")
            elif not child.type.endswith("_redirect"):
                words.append(self._word(child))
        self.parts.append(Part(tuple(words), tuple(sets)))
        if words and not words[0].open and words[0].text in MOVES:
            self.steps.move(node, words, self.source[: self.end])

    def _at_variable_assignment(self, node: Node) -> None:
        if node.parent is not None and node.parent.type not in ("command", "declaration_command"):
            self.parts.append(Part(sets=(_assigned(node),)))

    def _at_declaration_command(self, node: Node) -> None:
        keyword, *rest = node.children
        sets = tuple(_assigned(child) if child.type == "variable_assignment" else text_of(child) for child in rest)
        self._names(sets)
        self.parts.append(Part((Word(text_of(keyword)),), sets))

    def _at_unset_command(self, node: Node) -> None:
        sets = tuple(text_of(child) for child in node.children[1:])
        self._names(sets)
        self.parts.append(Part(sets=sets))

    def _names(self, sets: tuple[str, ...]) -> None:
        """Looks at names of variables: bash computes what stands in `a[$(rm x)]`, and what `declare -i` gives."""
        if not all(re.fullmatch(r"\w+|-[xrgpvf]+", text.partition("=")[0]) for text in sets):
            self._doubt("the name of a variable can't be read")

    def _at_for_statement(self, node: Node) -> None:
        if node.children[0].type == "select":
            self._doubt("it uses select")
        name = next((text_of(child) for child in node.children if child.type == "variable_name"), "?")
        values = [word_of(child) for child in node.children_by_field_name("value")]
        self.parts.append(Part(sets=tuple(f"{name}={word.text}*" for word in values) or (f"{name}=*",)))

    def _at_file_redirect(self, node: Node) -> None:
        operator = next((c.type for c in node.children if not c.is_named), "")
        targets = [self._word(child) for child in node.children_by_field_name("destination")]
        if len(targets) > 1 or (targets and operator.endswith("-")):  # to the shell, `b` of `> a b` is the command's
            self._doubt("words stand behind a redirection")
        if operator in OPERATORS:
            (self.reads if OPERATORS[operator] == "reads" else self.writes).extend(targets)
        elif operator in COPIES:
            files = [target for target in targets if target.open or not re.fullmatch(r"\d+-?|-", target.text)]
            self.writes += files
            if files:  # bash expands them twice
                self._doubt("it uses >& with a file")
        else:
            self._doubt(f"it uses the redirection {operator}")

    def _at_heredoc_redirect(self, node: Node) -> None:
        if not _measured(self.source, node):
            self._doubt("a here-document in it can't be read")

    def _at_compound_statement(self, node: Node) -> None:
        if node.children[0].type != "{":
            self._doubt("it computes with ((…))")

    def _at_test_command(self, node: Node) -> None:
        if not TEST.fullmatch(text_of(node)):
            self._doubt("a test in it can't be read")

    def _at_arithmetic_expansion(self, node: Node) -> None:
        if not ARITHMETIC.fullmatch(text_of(node)):
            self._doubt("it computes with variables")

    def _at_expansion(self, node: Node) -> None:
        if not EXPANSION.fullmatch(text_of(node)):
            self._doubt("it uses an expansion with an operator")


def _nodes(root: Node) -> Iterator[tuple[Node, int]]:
    """All nodes in the order of the text, each with its depth. Without recursion: what is parsed may be deep."""
    waiting = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting += [(child, depth + 1) for child in reversed(node.children)]


def _assigned(node: Node) -> str:
    """What an assignment sets, and to what."""
    name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
    word = word_of(value) if value is not None else Word("")
    return f"{text_of(name) if name is not None else '?'}={word.text}{'*' if word.open else ''}"


def _measured(source: bytes, node: Node) -> bool:
    """Whether a here-document certainly ends where the tree says, and holds nothing that is run unseen."""
    kinds = {child.type: child for child in node.children}
    if not {"heredoc_start", "heredoc_end"} <= kinds.keys():
        return False
    start, end = kinds["heredoc_start"], kinds["heredoc_end"]
    match = re.fullmatch(r"(['\"]?)(\w+)\1", text_of(start))
    line_end = source.find(b"\n", start.end_byte)
    if not match or line_end < 0 or not re.fullmatch(rb"[\w \t./|&;>=:,@%+()-]*", source[start.end_byte : line_end]):
        return False
    position, tabs = line_end + 1, b"\t" if "<<-" in kinds else b""
    for line in source[position:].split(b"\n"):
        if line.lstrip(tabs) == match[2].encode():
            break
        position += len(line) + 1
    else:
        return False
    body = source[line_end + 1 : position]
    if body.lstrip().startswith(b"\\"):  # to tree-sitter, the line before goes on
        return False
    quiet = bool(match[1]) or not re.search(rb"[`\\]|\$[^\s\w]", body)
    return quiet and end.end_byte == position + len(line)

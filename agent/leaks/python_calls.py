"""Calls in Python's syntax: `[read_file(path="a"), count(n=3)]`, `search.call(query="x")`.

Strategy. The scanner counts brackets outside of strings; `ast` reads the whole, and only literals in keyword arguments
are taken: nothing is evaluated.
"""

from __future__ import annotations

import ast
import json
import re
from typing import Any

from roundtrip.agent.leaks.arguments import python_tree
from roundtrip.agent.leaks.json_scanner import DEEPEST
from roundtrip.agent.leaks.notation import CUT, Arguments, BodyScanner, State, Written

_OUTSIDE = re.compile(r"[^\"'()\[\]{}]++")
_REST = {quote: re.compile(rf"(?:[^{quote}\\]++|\\.)*+", re.DOTALL) for quote in "\"'"}
_PAIRS = {")": "(", "]": "[", "}": "{"}
_NAMES = re.compile(r"[\s,]*\[?\s*(?P<name>[A-Za-z_][\w.-]*)")

class PythonScanner:
    """The end of a bracketed expression."""

    def __init__(self) -> None:
        self.state: State = "open"
        self.whole = 0
        """Where the last call of the list that is whole ends, in all that was fed as one piece."""
        self._stack: list[str] = []
        self._quote = ""

    def feed(self, text: str, at: int = 0, final: bool = False) -> int:
        """As BodyScanner says."""
        size = len(text)
        while at < size and self.state == "open":
            if self._quote:
                at = _REST[self._quote].match(text, at).end()  # type: ignore[union-attr]  # matches "", too
                if at == size or text[at] == "\\":
                    return at
                self._quote = ""
                at += 1
            elif found := _OUTSIDE.match(text, at):
                at = found.end()
            else:
                at += self._take(text[at])
                self.whole = at if self._stack == ["["] else self.whole
        return at

    def _take(self, char: str) -> bool:
        """Takes a bracket or a quotation mark; says whether it may stand there."""
        if char in "\"'":
            self._quote = char
        elif char in "([{" and len(self._stack) < DEEPEST:
            self._stack.append(char)
        elif self._stack and _PAIRS.get(char) == self._stack[-1]:
            self._stack.pop()
            self.state = "open" if self._stack else "done"
        else:
            self.state = "broken"
            return False
        return True


class Python:
    """A list of calls, or one call."""

    def scanner(self) -> BodyScanner:
        """A scanner for one body."""
        return PythonScanner()

    def read(self, header: str, raw: str, *, ended: bool, closed: bool) -> tuple[Written, ...]:
        """The calls of a whole body."""
        scanner = PythonScanner()
        scanner.feed(raw, 0, True)
        if scanner.state == "open":
            whole = _calls(raw[: scanner.whole] + "]") or []
            rest = raw[scanner.whole :]
            if whole and closed and not rest.strip():
                return _written(whole, raw)
            read = Arguments(None, rest, CUT, cut=True, bounded=False)
            return (*_written(whole, raw), Written(_name_in(rest), read, rest, len(raw) - len(rest)))
        named = _name_in(raw)
        calls = _calls(raw)
        if not calls:
            problem = "the call is not valid Python with literal arguments"
            bounded = not set("\"'") & set(raw)
            return (Written(named, Arguments(None, raw, problem, bounded=bounded), raw),)
        return _written(calls, raw)


PYTHON = Python()


def _name_in(raw: str) -> str:
    """The name of the first call, as far as it can be told."""
    found = _NAMES.match(raw)
    return found["name"].removesuffix(".call") if found and raw[found.end() :].lstrip()[:1] == "(" else ""


def _written(calls: list[tuple[str, dict[str, Any]]], raw: str) -> tuple[Written, ...]:
    """The calls, each with its arguments for a raw text: only one call alone is all of it."""
    texts = [json.dumps(value, ensure_ascii=False) for _, value in calls]
    return tuple(
        Written(name, Arguments(value, text), raw if len(calls) == 1 else text, number)
        for number, ((name, value), text) in enumerate(zip(calls, texts, strict=True))
    )


class _Literals(ast.NodeTransformer):
    """JSON's literals are Python's names."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        known = {"true": True, "false": False, "null": None}
        return ast.Constant(known[node.id]) if node.id in known else node


def _calls(text: str) -> list[tuple[str, dict[str, Any]]] | None:
    """(name, arguments) of each call, None if one of them is none."""
    body = python_tree(text)
    nodes = body.elts if isinstance(body, ast.List | ast.Tuple) else [body]
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    try:
        return [(_name(call.func), _arguments(call)) for call in calls] if len(calls) == len(nodes) else None
    except (ValueError, TypeError, MemoryError, RecursionError):
        return None


def _refuse() -> bool:
    raise ValueError


def _name(node: ast.expr) -> str:
    name = ast.unparse(node).removesuffix(".call")
    return name if re.fullmatch(r"[\w.]+", name) else str(_refuse())


def _arguments(call: ast.Call) -> dict[str, Any]:
    """The keyword arguments; or the one positional argument, if it is an object."""
    value = {str(part.arg or _refuse()): _literal(part.value) for part in call.keywords}
    if len(value) < len(call.keywords):
        raise ValueError("a parameter is given twice")
    if call.args:
        [only] = map(_literal, call.args)
        if value or not isinstance(only, dict):
            raise ValueError
        value = only
    plain: dict[str, Any] = json.loads(json.dumps(value, allow_nan=False))
    return plain


def _literal(node: ast.expr) -> Any:
    return ast.literal_eval(_Literals().visit(node))

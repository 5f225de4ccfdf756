"""The leak parser: text in, verdicts out. Pure, and usable without the rest of the project.

    scanner = Scanner(DIALECTS)          pieces, while the text streams in
    decide(pieces, ...)                  verdicts, when the message has ended

A dialect is a table, and a file in `dialects/`; a new one is a new file. Where is what:

    scanner, marks            text -> pieces; where arguments end, their notation knows: json_scanner, tag_scanner,
                              python_calls, dialects/gemma
    spans, items              pieces -> text, marks and blocks of calls
    decide                    the rules for a message; thoughts (what is reasoning), context (what is quoted),
                              bare (calls without markers)
    judge                     the rules for a call; resolve (which tool a header means), arguments and values (what
                              JSON and tags say), fit (whether it fits the tool)
"""

from roundtrip.agent.leaks.arguments import read_arguments
from roundtrip.agent.leaks.decide import Decision, Span, decide
from roundtrip.agent.leaks.dialect import Bare, Dialect, Form, Role
from roundtrip.agent.leaks.dialects import DIALECTS
from roundtrip.agent.leaks.fit import Fit, fit
from roundtrip.agent.leaks.json_scanner import JsonScanner
from roundtrip.agent.leaks.judge import REPAIRS, Repair, StructuredCall, Verdict
from roundtrip.agent.leaks.notation import Arguments
from roundtrip.agent.leaks.offer import Offer, called
from roundtrip.agent.leaks.scanner import Kind, Piece, Scanner, joined

__all__ = [
    "DIALECTS",
    "REPAIRS",
    "Arguments",
    "Bare",
    "Decision",
    "Dialect",
    "Fit",
    "Form",
    "JsonScanner",
    "Kind",
    "Offer",
    "Piece",
    "Repair",
    "Role",
    "Scanner",
    "Span",
    "StructuredCall",
    "Verdict",
    "called",
    "decide",
    "fit",
    "joined",
    "read_arguments",
]

"""The leak parser: text in, verdicts out. Pure, and usable without the rest of the project.

    scanner = Scanner(DIALECTS)          pieces, while the text streams in
    decide(pieces, ...)                  verdicts, when the message has ended

A dialect is a table (`kimi_k2.py`); a new one is a new file and a line in `DIALECTS`.
"""

from roundtrip.agent.leaks.arguments import Arguments, JsonScanner, read_arguments
from roundtrip.agent.leaks.decide import Decision, Span, decide
from roundtrip.agent.leaks.dialect import Dialect, Role
from roundtrip.agent.leaks.fit import Fit, fit
from roundtrip.agent.leaks.judge import REPAIRS, Repair, StructuredCall, Verdict
from roundtrip.agent.leaks.kimi_k2 import KIMI_K2
from roundtrip.agent.leaks.offer import Offer, called
from roundtrip.agent.leaks.scanner import Kind, Piece, Scanner, joined

DIALECTS = (KIMI_K2,)

__all__ = [
    "DIALECTS",
    "KIMI_K2",
    "REPAIRS",
    "Arguments",
    "Decision",
    "Dialect",
    "Fit",
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

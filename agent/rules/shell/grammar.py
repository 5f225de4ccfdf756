"""What a tree of tree-sitter-bash may hold so that every shell reads the line in the same way."""

from __future__ import annotations

import re
from typing import Final

_KINDS: Final = (
    "program command command_name word string string_content raw_string number concatenation simple_expansion "
    "expansion variable_name special_variable_name command_substitution process_substitution list pipeline "
    "redirected_statement file_redirect file_descriptor heredoc_redirect heredoc_start heredoc_body heredoc_content "
    "heredoc_end negated_command subshell compound_statement if_statement elif_clause else_clause for_statement "
    "while_statement do_group case_statement case_item variable_assignment declaration_command unset_command "
    "test_command unary_expression binary_expression test_operator comment extglob_pattern arithmetic_expansion"
)
KNOWN: Final = frozenset(_KINDS.split())
"""Kinds of nodes that mean the same to every shell."""

_PLAIN: Final = r"[^\s'\"\\`$|&;<>()]"
LEAVES: Final = {
    "word": rf"(?:{_PLAIN}|\\[^\n])+",
    "extglob_pattern": r"[\w*?.|/\[\]-]+",
    "string_content": r"(?:[^\"\\`$]|\\[^\n]|\$(?![\w({\[?!#@*$'-]))*",
    "raw_string": r"'[^']*'",
    "number": r"-?[0-9]+",
    "variable_name": r"\w+",
    "special_variable_name": r"[?!#@*$0_-]",
    "file_descriptor": r"[0-9]+",
    "comment": r"#[^\n]*",
    "test_operator": r"-[a-zA-Z]+",
}
"""What a leaf of a kind looks like. Others are punctuation, and are their own kind."""

BAD_LEAVES: Final = frozenset({"`", "|&"})

_BEGINNING: Final = (
    "word string raw_string number concatenation simple_expansion expansion command_substitution process_substitution "
    "extglob_pattern arithmetic_expansion variable_assignment command_name file_descriptor"
)
_AROUND: Final = "concatenation string expansion heredoc_body command_name arithmetic_expansion"
WORDS: Final = frozenset(_BEGINNING.split())
INSIDE: Final = frozenset(_AROUND.split())
BORDERS: Final = b" \t\n;&|()<>="
"""Nodes that begin a word, unless they stand inside of these; and the characters before a word."""

_TESTED: Final = r"(?:[\w./=@%:+,-]+|\"(?:[\w ./=@%:+,-]|\$\w+(?!\w))*\"|\$[?#])"
TEST: Final = re.compile(
    rf"\[ (?:! )?(?:(?:-[a-uw-zA-QS-Z] )?{_TESTED}|{_TESTED} (?:==?|!=|-(?:eq|ne|lt|le|gt|ge|nt|ot|ef)) {_TESTED}) \]"
)
"""A test of one or of two words. Not `-v` and `-R`: to those, bash computes the words (`a[$(rm x)]`)."""

ARITHMETIC: Final = re.compile(r"\$\(\([\d\s+*/%()-]*\)\)")
EXPANSION: Final = re.compile(r"\$\{[A-Za-z_]\w*\}|\$\{[0-9?@*#]\}")
GAP: Final = re.compile(r"(?:[ \t\n]|\\\n)*")
OPERATORS: Final = {"<": "reads", ">": "writes", ">>": "writes", ">|": "writes", "&>": "writes", "&>>": "writes"}
COPIES: Final = frozenset({">&", "<&", ">&-", "<&-"})
"""Redirections to a descriptor, if a number stands behind them; to a file else."""

STRANGE: Final = {
    "ERROR": "it is no valid command line",
    "ansi_c_string": "it uses $'…', which not every shell knows",
    "translated_string": 'it uses $"…", which not every shell knows',
    "function_definition": "it defines a function",
    "herestring_redirect": "it uses <<<, which not every shell knows",
    "array": "it uses an array",
    "subscript": "it uses an array",
}

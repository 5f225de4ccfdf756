"""How a file is edited: `matching` finds the text, `planning` says what becomes of it, `files` shows and reports."""

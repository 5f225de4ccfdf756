"""What a command line does, as far as it stands there.

The way of a line: `script.parse` takes it apart (`steps` follows its `cd`s), `launchers.commands` finds every command
that is run, `rules` says which of them somebody's rules allow or forbid, and `files` what they write, read and show, by
what `written` makes of their words. The tables: `grammar` for what every shell reads in the same way, `programs` for
what is known of programs, `options` for how they read their words, `hazards` for the words that make a harmless one run
another.
"""

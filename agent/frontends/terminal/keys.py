"""What the keys do. Everything else is prompt_toolkit's Emacs mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roundtrip.agent.frontends.terminal.view import Surface

if TYPE_CHECKING:
    from prompt_toolkit.key_binding import KeyBindingsBase, KeyPressEvent


def bindings(screen: Surface) -> KeyBindingsBase:
    """The bindings that `screen` needs."""
    from prompt_toolkit.filters import Condition, has_completions
    from prompt_toolkit.key_binding import KeyBindings, merge_key_bindings
    from prompt_toolkit.key_binding.bindings.open_in_editor import load_emacs_open_in_editor_bindings

    keys = KeyBindings()
    typing = Condition(lambda: screen.app.layout.current_buffer is screen.buffer)
    armed = Condition(lambda: screen.armed)
    empty = Condition(lambda: not screen.buffer.text)
    menu = has_completions & Condition(lambda: _chosen(screen))

    keys.add("enter", filter=typing)(lambda event: screen.enter())
    keys.add("enter", filter=typing & menu)(lambda event: screen.take_completion())
    keys.add("escape", "enter", filter=typing)(_newline)
    keys.add("c-j", filter=typing)(_newline)
    keys.add("escape", filter=typing)(lambda event: screen.escape())
    keys.add("c-c")(lambda event: screen.control_c())
    keys.add("<sigint>")(lambda event: screen.control_c())
    keys.add("c-d", filter=typing & empty)(lambda event: screen.view.leave())
    keys.add("c-z")(lambda event: event.app.suspend_to_background())
    keys.add("y", filter=armed)(lambda event: screen.view.answer("yes"))
    keys.add("a", filter=armed)(lambda event: screen.view.answer("always"))
    keys.add("n", filter=armed)(lambda event: screen.ask_why())
    return merge_key_bindings([load_emacs_open_in_editor_bindings(), keys])


def _chosen(screen: Surface) -> bool:
    """Whether one of the completions is chosen."""
    state = screen.buffer.complete_state
    return state is not None and state.current_completion is not None


def _newline(event: KeyPressEvent) -> None:
    event.current_buffer.insert_text("\n")

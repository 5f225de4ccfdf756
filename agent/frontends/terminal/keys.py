"""What the keys do. All others are prompt_toolkit's Emacs mode; what accepts a line there, sends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roundtrip.agent.frontends.terminal.view import Surface

if TYPE_CHECKING:
    from prompt_toolkit.key_binding import KeyBindingsBase, KeyPressEvent


def bindings(screen: Surface) -> KeyBindingsBase:
    """The bindings that `screen` needs."""
    from prompt_toolkit.filters import Condition, has_completions
    from prompt_toolkit.key_binding import KeyBindings

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
    keys.add("c-c", filter=typing)(lambda event: screen.control_c())
    keys.add("<sigint>")(lambda event: screen.control_c())
    keys.add("c-d", filter=typing & empty)(lambda event: screen.view.leave())
    keys.add("c-x", "c-e", filter=typing)(lambda event: event.current_buffer.open_in_editor())
    keys.add("s-tab", filter=typing & ~menu)(lambda event: screen.view.asker.cycle())
    keys.add("c-z")(lambda event: event.app.suspend_to_background())
    keys.add("y", filter=typing & armed)(lambda event: screen.weigh("y"))
    keys.add("a", filter=typing & armed)(lambda event: screen.weigh("a"))
    keys.add("p", filter=typing & armed)(lambda event: screen.weigh("p"))
    keys.add("n", filter=typing & armed)(lambda event: screen.ask_why())
    return keys


def _chosen(screen: Surface) -> bool:
    """Whether one of the completions is chosen."""
    state = screen.buffer.complete_state
    return state is not None and state.current_completion is not None


def _newline(event: KeyPressEvent) -> None:
    event.current_buffer.insert_text("\n")

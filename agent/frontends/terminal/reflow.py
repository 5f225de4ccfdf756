"""A resize that leaves nothing behind.

Most terminals reflow: when they get narrower, a line that does not fit any more becomes several, also those that an
application has drawn. The renderer of prompt_toolkit (3.0) then goes up by as many rows as it drew, which are too few,
and leaves the upper ones standing, once more for every step of the resize. So before it erases, it is told in which
row and column the cursor is by now, counted from the widths of the rows that it drew. Terminals that cut lines off
instead are left as they are.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prompt_toolkit.application import Application
    from prompt_toolkit.renderer import Renderer


def reflows(environment: Mapping[str, str]) -> bool:
    """Whether this terminal reflows; nothing but its name tells."""
    term = environment.get("TERM", "")
    cuts = term in ("linux", "dumb") or term.startswith(("rxvt", "vt"))
    cuts = cuts or "XTERM_VERSION" in environment  # xterm itself; others only take its name
    return "TMUX" in environment or not (cuts or term.startswith("screen"))  # GNU screen cuts, tmux may take its name


def reflowing_application(**options: Any) -> Application[None]:
    """An application that takes `options`, and draws itself anew when the terminal is resized."""
    from prompt_toolkit.application import Application

    wraps = reflows(os.environ)

    class Reflowing(Application[None]):
        def _on_resize(self) -> None:
            if wraps:
                follow_cursor(self.renderer, self.output.get_size().columns)
            super()._on_resize()

    return Reflowing(**options)


def follow_cursor(renderer: Renderer, columns: int) -> None:
    """Tells the renderer where the cursor is after the rows above it were wrapped at `columns`."""
    from prompt_toolkit.data_structures import Point

    screen, cursor = renderer.last_rendered_screen, renderer._cursor_pos
    if screen is None or columns < 1:
        return
    used = (
        max((x for x, cell in screen.data_buffer[y].items() if cell.char.strip()), default=0) for y in range(cursor.y)
    )
    above = sum(last // columns + 1 for last in used)
    renderer._cursor_pos = Point(x=cursor.x % columns, y=above + cursor.x // columns)

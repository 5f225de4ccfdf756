"""A resize that leaves nothing behind.

Most terminals reflow: when they get narrower, a line that does not fit any more becomes several, also those that an
application has drawn. The renderer of prompt_toolkit (3.0) then goes up by as many rows as it drew, which are too few,
and leaves the upper ones standing, once more for every step of the resize. So before it erases, it is told in which
row and column the cursor is by now, counted from the widths of the rows that it drew. Terminals that cut lines off
instead are left as they are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prompt_toolkit.application import Application


def reflows(environment: Mapping[str, str]) -> bool:
    """Whether this terminal reflows; nothing but its name tells."""
    term = environment.get("TERM", "")
    cuts = term in ("linux", "dumb") or term.startswith(("rxvt", "vt"))
    cuts = cuts or "XTERM_VERSION" in environment  # xterm itself; others only take its name
    return "TMUX" in environment or not (cuts or term.startswith("screen"))  # GNU screen cuts, tmux may take its name


def reflowing_application(lively: Callable[[], bool], **options: Any) -> Application[None]:
    """An application that takes `options`, and erases and draws itself at the right place after a resize.

    lively: whether long lines change. Then all of it is drawn anew each time: a line that was longer once may count
    as long for the terminal when it reflows, as it does for tmux, until the whole line is cleared.
    """
    from prompt_toolkit.application import Application

    wraps = reflows(os.environ)

    class Reflowing(Application[None]):
        def _on_resize(self) -> None:
            follow_cursor(self, wraps)
            super()._on_resize()

        def _redraw(self, render_as_done: bool = False) -> None:
            follow_cursor(self, wraps)  # a redraw may come before the signal does
            if lively():
                self.renderer._last_screen = None
            super()._redraw(render_as_done)

    return Reflowing(**options)


def follow_cursor(app: Application[None], wraps: bool = True) -> None:
    """If the terminal has another width than what is drawn: finds out where the cursor is by now, and erases."""
    from prompt_toolkit.data_structures import Point

    renderer, columns = app.renderer, app.output.get_size().columns
    screen, size, cursor = renderer.last_rendered_screen, renderer._last_size, renderer._cursor_pos
    if screen is None or size is None or size.columns == columns or columns < 1:
        return
    if wraps:
        rows = (screen.data_buffer[y].items() for y in range(cursor.y))
        last_used = (max((x for x, cell in row if cell.char.strip()), default=0) for row in rows)
        above = sum(last // columns + 1 for last in last_used)
        renderer._cursor_pos = Point(x=cursor.x % columns, y=above + cursor.x // columns)
    renderer.erase(leave_alternate_screen=False)

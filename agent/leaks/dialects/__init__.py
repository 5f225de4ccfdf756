"""One file a dialect; README.md tells how to add one."""

from roundtrip.agent.leaks.dialect import Dialect, dialects_in

DIALECTS: tuple[Dialect, ...] = dialects_in(__name__, __path__)

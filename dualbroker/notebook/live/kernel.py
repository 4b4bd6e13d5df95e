"""What is known of the kernel that runs this process: whether there is one, and whether a cell runs."""

from __future__ import annotations

import sys
import threading
from typing import Any

__all__ = ["cell_is_running", "in_kernel", "watch_cells"]


class _Cells:
    """Counts the cells that run; several can, on the threads of subshells."""

    def __init__(self) -> None:
        self._counting = threading.Lock()
        self.running = 0
        self.watched: object = None

    def begin(self, *_: Any) -> None:
        with self._counting:
            self.running += 1

    def end(self, *_: Any) -> None:
        with self._counting:
            self.running = max(0, self.running - 1)


# Kept over importlib.reload, for the shell keeps what was registered with it.
_cells: _Cells = globals().get("_cells") or _Cells()


def in_kernel() -> bool:
    """Whether this is the kernel of a notebook; a terminal and a plain program have none."""
    return getattr(_shell(), "kernel", None) is not None


def watch_cells() -> None:
    """Begin to count the cells that run. The one that calls this first counts as running until it ends."""
    shell = _shell()
    if shell is None or _cells.watched is shell:
        return
    _cells.watched = shell
    _cells.begin()
    shell.events.register("pre_run_cell", _cells.begin)
    shell.events.register("post_run_cell", _cells.end)


def cell_is_running() -> bool:
    """Whether a cell runs; until it ends, nothing that the browser says is heard."""
    return _cells.running > 0


def _shell() -> Any:
    """IPython's, None without one; where nobody has loaded IPython there is none."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()

"""How far a measurement is: a bar in a notebook's cell, a line in a terminal, nothing anywhere else."""

from __future__ import annotations

import sys
from html import escape
from typing import Any, Protocol

__all__ = ["Progress", "progress_for_here"]


class Progress(Protocol):
    """Shows how far something is, and in the end what it was."""

    def show(self, words: str, share: float) -> None:
        """``share`` of the whole, 0 to 1."""
        ...

    def finish(self, words: str) -> None:
        """What stays to be seen; empty leaves nothing."""
        ...


def progress_for_here() -> Progress:
    """What shows progress to the person who runs this."""
    if _in_notebook():
        return _InCell()
    return _InTerminal() if sys.stderr.isatty() else _Nowhere()


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


class _Nowhere:
    def show(self, words: str, share: float) -> None:
        pass

    def finish(self, words: str) -> None:
        pass


class _InCell:
    """A bar of plain HTML that words replace at its end, so that nothing of it needs a kernel later."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, words: str, share: float) -> None:
        bar = f'<progress value="{share:.3f}" max="1" style="vertical-align:middle"></progress>'
        self._put(f"{bar} {escape(words)}", words)

    def finish(self, words: str) -> None:
        self._put(escape(words), words)

    def _put(self, html: str, words: str) -> None:
        from IPython.display import display

        bundle = {"text/html": html, "text/plain": words}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(bundle, raw=True)


class _InTerminal:
    def show(self, words: str, share: float) -> None:
        bar = "█" * round(20 * share)
        sys.stderr.write(f"\r\x1b[K{bar:░<20} {words}")
        sys.stderr.flush()

    def finish(self, words: str) -> None:
        sys.stderr.write(f"\r\x1b[K{words}\n" if words else "\r\x1b[K")
        sys.stderr.flush()

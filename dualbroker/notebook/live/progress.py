"""How far a long piece of work is, shown in a cell and gone when it is done."""

from __future__ import annotations

import uuid
from html import escape

from dualbroker.notebook.live.kernel import in_kernel

__all__ = ["ProgressLine", "in_kernel"]


class ProgressLine:
    """A bar without a widget, so that nothing dead stays in the notebook."""

    def __init__(self, what: str) -> None:
        self._what = what
        from IPython.display import display, update_display

        self._update = update_display
        self._id = f"dualbroker-{uuid.uuid4().hex}"
        display(self._bundle(0.0), raw=True, display_id=self._id)  # type: ignore[no-untyped-call]

    def show(self, part: float, words: str) -> None:
        """``part``: of all the work, from 0 to 1."""
        self._update(self._bundle(part, words), raw=True, display_id=self._id)  # type: ignore[no-untyped-call]

    def close(self, words: str) -> None:
        """Leave a line in its place."""
        self._update({"text/plain": words}, raw=True, display_id=self._id)  # type: ignore[no-untyped-call]

    def _bundle(self, part: float, words: str = "") -> dict[str, str]:
        text = f"{self._what}: {part:.0%} {words}".rstrip()
        bar = f'<progress value="{part:.3f}" max="1" style="width:16em"></progress>'
        return {"text/html": f"{bar} {escape(text)}", "text/plain": text}

"""The widgets that carry what is shown to the browser: state goes one way, and replaces itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

import anywidget
import traitlets

from dualbroker.view import module

__all__ = ["ChartWidget", "DashboardWidget", "chart_module", "push_plotly"]

_EXPORT = "export default"


def _static_text(name: str) -> str:
    """One of the files beside this module."""
    return (files("dualbroker.notebook") / "static" / name).read_text(encoding="utf-8")


@cache
def dashboard_module() -> str:
    """The dashboard's ES module with what carries its state through a widget, as one text."""
    source = module.source()
    if source.count(_EXPORT) != 1:
        raise ValueError(
            f"expected one default export in the dashboard's module, found {source.count(_EXPORT)}"
        )
    return "\n".join(
        (
            source.replace(_EXPORT, "const dashboard ="),
            _static_text("seen.js"),
            _static_text("dashboard_view.js"),
        )
    )


@cache
def chart_module() -> str:
    """The chart's ES module, as one text."""
    return "\n".join((module.script("words.js"), _static_text("seen.js"), _static_text("chart.js")))


class SeenWidget(anywidget.AnyWidget):
    """A widget that only tells. All it hears is that somebody looks, which touches none of its traits.

    So the thread that writes it and the kernel's thread that hears the browser never meet in it.
    """

    def __init__(self, on_message: Callable[[dict[str, Any]], None], **values: Any) -> None:
        super().__init__(**values)
        self.on_msg(lambda _widget, content, _buffers: on_message(content))


class DashboardWidget(SeenWidget):
    """One part of the dashboard.

    Traits: ``packed`` and ``packed_slow`` (the view's state, and what of it changes rarely, as JSON in
    bytes), ``part``, ``options``.
    """

    packed = traitlets.Bytes().tag(sync=True)
    packed_slow = traitlets.Bytes().tag(sync=True)
    part = traitlets.Unicode().tag(sync=True)
    options = traitlets.Dict().tag(sync=True)

    def __init__(self, on_message: Callable[[dict[str, Any]], None], **values: Any) -> None:
        self._esm = dashboard_module()
        self._css = f"{module.style()}\n{_static_text('notebook.css')}"
        super().__init__(on_message, **values)


class ChartWidget(SeenWidget):
    """A rolling chart of one instrument, drawn by plotly.js, which must be pushed to the kernel's page once.

    Traits: ``base`` (all rows as they were once), ``tail`` (the newest rows), both as ``chart.packed_rows``
    makes them; ``options``.
    """

    base = traitlets.Bytes().tag(sync=True)
    tail = traitlets.Bytes().tag(sync=True)
    options = traitlets.Dict().tag(sync=True)

    def __init__(
        self, on_message: Callable[[dict[str, Any]], None], base_of: Callable[[], bytes], **values: Any
    ) -> None:
        self._base_of = base_of
        self._esm = chart_module()
        self._css = _static_text("chart.css")
        super().__init__(on_message, **values)

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """What a page gets that asks for all, such as a reloaded one: then the base is the current state."""
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        if key is None and "base" in state:
            state["base"] = self._base_of()
        return state


class _PlotlyLibrary(anywidget.AnyWidget):
    """plotly.js itself, never displayed: the page reads it when the first chart asks for it.

    It travels as bytes, and not as the widget's own module: anywidget gives a model 2 s to begin.
    """

    source = traitlets.Bytes().tag(sync=True)

    def __init__(self) -> None:
        self._esm = _static_text("library.js")
        super().__init__(source=(files("plotly") / "package_data" / "plotly.min.js").read_bytes())


# Kept over importlib.reload, for the page has it.
_library: _PlotlyLibrary | None = globals().get("_library")


def push_plotly() -> None:
    """Send plotly.js (4.8 MB) to the page, once per kernel and not once per chart."""
    global _library
    if _library is None or _library.comm is None:
        _library = _PlotlyLibrary()

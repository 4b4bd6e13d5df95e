"""Charts that live where plotly can be drawn, and are still there where it can't.

A notebook that is read on a web site, without its kernel, or untrusted, shows the picture that was stored
beside the figure; a terminal shows its title.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dualbroker.notebook.pictures.png import COLOURS, HEIGHT, WIDTH, Bars, Candles, Line, Mark, draw_png
from dualbroker.notebook.pictures.png_canvas import INK

__all__ = ["Picture", "calm", "figure_png"]

GRID = "rgba(128,134,142,0.25)"
"""As plotly writes the pictures' own."""


class Picture:
    """A plotly figure with a plain picture beside it; put it last in a cell.

    JupyterLab shows the picture at once and makes it live when the mouse comes over it.

    Parameters
    ----------
    figure
        A plotly figure. Its look is left as it is; ``calm`` gives it the one of this house.
    png
        The plain picture, or what draws it when it is needed; None draws it from the figure, which must then
        consist of scatters, bars and candlesticks on one pair of axes.
    width, height
        Of the plain picture, as shown, in pixels; None takes the figure's height.
    """

    def __init__(
        self,
        figure: go.Figure,
        png: bytes | Callable[[], bytes] | None = None,
        *,
        width: int = WIDTH,
        height: int | None = None,
    ) -> None:
        self.figure = figure
        """To be changed, or saved with ``figure.write_html(path)``."""
        self._png = png
        self._width = width
        self._height = height or figure.layout.height or HEIGHT

    @property
    def png(self) -> bytes:
        """The plain picture: a PNG, drawn from what the figure is now unless it was given."""
        if self._png is None:
            return figure_png(self.figure, width=self._width, height=self._height)
        return self._png if isinstance(self._png, bytes) else self._png()

    @property
    def title(self) -> str:
        """Of the figure."""
        return str(self.figure.layout.title.text or "untitled")

    def __repr__(self) -> str:
        return f"<picture: {self.title}>"

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle = {
            "application/vnd.plotly.v1+json": json.loads(self.figure.to_json()),
            "image/png": self.png,
            "text/plain": repr(self),
        }
        return bundle, {"image/png": {"width": self._width, "height": self._height}}


def calm(
    figure: go.Figure, title: str, *, x_title: str = "", y_title: str = "", height: int = HEIGHT
) -> go.Figure:
    """Give a figure the look of this house, fit for a light and for a dark notebook; returns it."""
    figure.update_layout(
        template="none",
        title={"text": title, "x": 0, "xref": "paper", "xanchor": "left", "font": {"size": 15}},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": INK, "size": 12, "family": "system-ui, sans-serif"},
        colorway=list(COLOURS),
        height=height,
        margin={"t": 48, "b": 44, "l": 64, "r": 16},
        legend={"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top"},
        bargap=0.2,
        hovermode="closest",
    )
    axis = {"gridcolor": GRID, "zerolinecolor": GRID, "linecolor": GRID, "automargin": True}
    figure.update_xaxes(**axis, title={"text": x_title, "standoff": 8})
    figure.update_yaxes(**axis, title={"text": y_title, "standoff": 8})
    return figure


def figure_png(figure: go.Figure, *, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """A plotly figure of scatters, bars and candlesticks on one pair of axes, drawn without plotly.

    Raises
    ------
    ValueError
        There is something else in it.
    """
    layout = figure.layout
    bars = [trace for trace in figure.data if trace.type == "bar"]
    sideways = bool(bars) and all(trace.orientation == "h" for trace in bars)
    values = layout.xaxis if sideways else layout.yaxis
    return draw_png(
        [_mark(trace, sideways) for trace in figure.data if trace.visible in (None, True)],
        title=layout.title.text or "",
        x_title=layout.xaxis.title.text or "",
        y_title=layout.yaxis.title.text or "",
        stacked=layout.barmode in ("stack", "relative"),
        sideways=sideways,
        logarithmic=values.type == "log",
        from_zero=values.rangemode == "tozero",
        width=width,
        height=height,
    )


def _mark(trace: Any, sideways: bool) -> Mark:
    if trace.type == "candlestick":
        return Candles(*(_values(trace[name]) for name in ("x", "open", "high", "low", "close")))
    if trace.type not in ("scatter", "scattergl", "bar"):
        raise ValueError(f"figure: expected scatter, bar and candlestick traces, found {trace.type}")
    x, y = (trace.y, trace.x) if sideways else (trace.x, trace.y)
    if x is None:
        x = range(len(y))
    at, values, name = _values(x), _values(y), trace.name or ""
    colour = trace.marker.color if isinstance(trace.marker.color, str) else None
    if trace.type == "bar":
        return Bars(x=at, y=values, name=name, colour=colour)
    mode = trace.mode or "lines"
    return Line(
        x=at,
        y=values,
        name=name,
        colour=trace.line.color or colour,
        dotted=trace.line.dash not in (None, "solid"),
        steps=trace.line.shape == "hv",
        shows_line="lines" in mode,
        shows_points="markers" in mode,
    )


def _values(column: Any) -> pd.Index[Any]:
    """Plotly's column: times come back as an array of single moments."""
    values: pd.Index[Any] = pd.Index(list(column))
    return values

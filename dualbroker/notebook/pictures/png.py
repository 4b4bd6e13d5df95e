"""Small charts as PNG, for readers without a script: lines, points, bars and candles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dualbroker.notebook.pictures.png_canvas import (
    INK,
    canvas,
    name_marks,
    name_places,
    style,
    to_png,
    write,
    write_numbers,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "COLOURS",
    "DOWN",
    "HEIGHT",
    "UP",
    "WIDTH",
    "Bars",
    "Candles",
    "Line",
    "Mark",
    "draw_png",
]

COLOURS = ("#1f6fb2", "#d9730d", "#2e8b57", "#8b5fbf", "#b0395f", "#7a6a2f")
"""Of lines and bars, in order of appearance; each stands out from a white and from a near-black ground."""
UP, DOWN = "#1a7f4b", "#c02c2c"
WIDTH, HEIGHT = 760, 320
"""In the reader's pixels."""
MOST_NAMES = 18
"""Names that can be read beside each other."""
ROW = 15
"""Of a name beside a lying bar, in pixels."""
MINUTE = 1 / 1440
"""In days, which is how matplotlib counts time."""
ROOM = 0.8
"""Of a place that its bars or its candle fill."""

Values = Sequence[Any] | NDArray[Any] | pd.Series | pd.Index
"""Numbers, times, or (for places) names. Times with a zone are shown as their own zone has them."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line through points, or the points alone."""

    x: Values
    y: Values
    name: str = ""
    colour: str | None = None
    dotted: bool = False
    steps: bool = False
    """It goes level to the next point and jumps there, as a last price does."""
    shows_line: bool = True
    shows_points: bool = False


@dataclass(frozen=True, kw_only=True)
class Bars:
    """A bar at each place ``x``, as long as ``y`` says."""

    x: Values
    y: Values
    name: str = ""
    colour: str | None = None


@dataclass(frozen=True)
class Candles:
    """Open, high, low and close at each place ``x``."""

    x: Values
    open: Values
    high: Values
    low: Values
    close: Values


Mark = Line | Bars | Candles


def draw_png(
    marks: Sequence[Mark],
    *,
    title: str = "",
    x_title: str = "",
    y_title: str = "",
    stacked: bool = False,
    sideways: bool = False,
    logarithmic: bool = False,
    from_zero: bool = False,
    empty: str = "nothing to draw yet",
    width: int = WIDTH,
    height: int = HEIGHT,
) -> bytes:
    """Draw marks over one another on one pair of axes.

    Parameters
    ----------
    stacked, sideways
        Of bars: on each other, not side by side; lying, the first one at the top.
    logarithmic
        The scale of values goes by powers of ten.
    from_zero
        The scale of values begins at zero, as that of bars does anyway.
    empty
        What stands there when no mark has a value.
    width, height
        In the reader's pixels.
    """
    with canvas(width, height) as figure:
        axes = figure.add_subplot()
        style(axes, title=title, x_title=x_title, y_title=y_title)
        drawn = [mark for mark in marks if len(mark.x)]
        if drawn:
            _draw(axes, drawn, stacked=stacked, sideways=sideways, most=height // ROW)
            if logarithmic:
                (axes.set_xscale if sideways else axes.set_yscale)("log")
                write_numbers(axes.xaxis if sideways else axes.yaxis)
            elif from_zero:
                axes.set_ylim(bottom=0)
            name_marks(figure)
        else:
            write(axes, 0.5, 0.5, empty, color=INK, ha="center")
            axes.set_xticks([])
            axes.set_yticks([])
        return to_png(figure)


def _draw(axes: Axes, marks: Sequence[Mark], *, stacked: bool, sideways: bool, most: int) -> None:
    places, names, times = _places([mark.x for mark in marks])
    if names is not None:
        name_places(axes, names, sideways=sideways, most=most if sideways else MOST_NAMES)
    elif not times and all((at == at.round()).all() for at in places):
        from matplotlib.ticker import MaxNLocator

        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    step = _step(places)
    groups = sum(isinstance(mark, Bars) for mark in marks)
    share = 1 if stacked else max(1, groups)
    foot: dict[float, float] = {}
    number = 0
    for order, (mark, at) in enumerate(zip(marks, places, strict=True)):
        colour = COLOURS[order % len(COLOURS)]
        if isinstance(mark, Candles):
            _draw_candles(axes, mark, at, step * ROOM)
            continue
        values = np.asarray(pd.to_numeric(pd.Series(list(mark.y))), float)
        if isinstance(mark, Line):
            _draw_line(axes, mark, at, values, mark.colour or colour, sideways)
            continue
        width = step * ROOM / share
        offset = 0.0 if stacked else (number - (share - 1) / 2) * width
        below = np.array([foot.get(place, 0.0) for place in at]) if stacked else np.zeros(len(at))
        foot.update(zip(at.tolist(), (below + np.nan_to_num(values)).tolist(), strict=True))
        if sideways:
            axes.barh(at + offset, values, width, below, color=mark.colour or colour, label=mark.name)
        else:
            axes.bar(at + offset, values, width, below, color=mark.colour or colour, label=mark.name)
        number += 1
    if times:
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        everywhere = np.concatenate(places)
        if not np.ptp(everywhere):
            axes.set_xlim(everywhere[0] - MINUTE, everywhere[0] + MINUTE)
        locator = AutoDateLocator(maxticks=8)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _draw_line(
    axes: Axes, line: Line, at: NDArray[np.float64], values: NDArray[np.float64], colour: str, sideways: bool
) -> None:
    axes.plot(
        *((values, at) if sideways else (at, values)),
        color=colour,
        label=line.name,
        linestyle=(":" if line.dotted else "-") if line.shows_line else "",
        linewidth=1.4,
        marker="o" if line.shows_points or len(at) == 1 else "",
        markersize=5,
        drawstyle="steps-post" if line.steps else "default",
    )


def _draw_candles(axes: Axes, candles: Candles, at: NDArray[np.float64], width: float) -> None:
    first, high, low, last = (
        np.asarray(values, float) for values in (candles.open, candles.high, candles.low, candles.close)
    )
    colours = np.where(last >= first, UP, DOWN).tolist()
    axes.vlines(at, low, high, colors=colours, linewidth=0.9)
    # A candle that closed where it opened is a stroke and not nothing.
    tall = np.maximum(np.abs(last - first), (np.nanmax(high) - np.nanmin(low)) * 0.004)
    axes.bar(at, tall, width, np.minimum(first, last), color=colours)
    axes.use_sticky_edges = False


def _places(columns: Sequence[Values]) -> tuple[list[NDArray[np.float64]], list[str] | None, bool]:
    """Where marks stand, as numbers; names of the places 0, 1, 2 … if they have any; and if it is time."""
    indices: list[pd.Index[Any]] = [pd.Index(column) for column in columns]
    times = [index.tz_localize(None) for index in indices if isinstance(index, pd.DatetimeIndex)]
    if len(times) == len(indices):
        from matplotlib.dates import date2num

        return [np.array(date2num(index.to_numpy()), np.float64) for index in times], None, True
    if all(pd.api.types.is_numeric_dtype(index) for index in indices):
        return [np.array(index, np.float64) for index in indices], None, False
    number: dict[str, int] = {}
    for index in indices:
        for name in index:
            number.setdefault(str(name), len(number))
    places = [np.array([number[str(name)] for name in index], np.float64) for index in indices]
    return places, list(number), False


def _step(places: Sequence[NDArray[np.float64]]) -> float:
    """From one place to the next, the nearest two."""
    apart = np.diff(np.unique(np.concatenate(places)))
    return float(apart.min()) if len(apart) else 1.0

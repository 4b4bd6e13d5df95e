"""The pictures of failovers as PNG, for readers without plotly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dualbroker.figures import duration
from dualbroker.notebook.pictures.failover_windows import FailoverWindow
from dualbroker.notebook.pictures.png_canvas import (
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
    "FOOT",
    "SHORTEST_S",
    "WIDTH",
    "gap_heights",
    "gaps_end_s",
    "gaps_height",
    "gaps_png",
    "windows_height",
    "windows_png",
]

WIDTH = 860
ROW = 15
"""Of an instrument."""
AROUND = 92
"""Of each failover: its two lines of words, and the seconds."""
FOOT = 26
"""The legend's. All in the reader's pixels."""
BARS_SHOWN = 12
"""Of one failover, the longest gaps; more can't be read."""
SHORTEST_S = 0.001
"""Below a millisecond nothing is told apart, and a bar of nothing has no place on such a scale."""


def windows_height(windows: Sequence[FailoverWindow]) -> int:
    """Of the picture, in the reader's pixels."""
    return FOOT + sum(_height(window) for window in windows)


def _height(window: FailoverWindow) -> int:
    return AROUND + ROW * len(window.symbols)


def windows_png(windows: Sequence[FailoverWindow], colours: Mapping[str, str], band: str, mode: str) -> bytes:
    """Ticks around each failover: a row per instrument, a colour per broker, the gap shaded."""
    with canvas(WIDTH, windows_height(windows)) as figure:
        rows = figure.subplots(
            len(windows),
            squeeze=False,
            gridspec_kw={"height_ratios": [_height(window) for window in windows]},
        )
        for axes, window in zip(rows[:, 0], windows, strict=True):
            _draw_window(axes, window, colours, band, mode)
        name_marks(figure)
        return to_png(figure)


def _draw_window(
    axes: Axes, window: FailoverWindow, colours: Mapping[str, str], band: str, mode: str
) -> None:
    title = f"{window.title} · {window.words}\n{window.why} · {mode}"
    style(axes, title=title, x_title="seconds since the old source's last quote")
    name_places(axes, window.symbols, most=len(window.symbols), sideways=True)
    for broker, lines in window.ticks_s.items():
        axes.vlines(
            np.concatenate(lines),
            np.repeat(np.arange(len(lines)) - 0.33, [len(line) for line in lines]),
            np.repeat(np.arange(len(lines)) + 0.33, [len(line) for line in lines]),
            colors=colours[broker],
            linewidth=1.0,
            label=broker,
        )
    if window.silent_s:
        axes.axvspan(0, window.silent_s, color=band, alpha=0.14, linewidth=0)
    axes.axvline(window.decided_s, color=band, linestyle=":", linewidth=1.0)
    axes.set_xlim(window.start_s, window.end_s)


def gaps_height(groups: Mapping[str, pd.Series[float]]) -> int:
    """Of the picture, in the reader's pixels."""
    return sum(gap_heights(groups))


def gap_heights(groups: Mapping[str, pd.Series[float]]) -> list[int]:
    """Of each failover in the picture, in the reader's pixels."""
    return [AROUND + ROW * min(len(values), BARS_SHOWN) for values in groups.values()]


def gaps_end_s(longest_s: float) -> float:
    """Where the scale of gaps ends, in seconds: beyond the longest there is room for its figure."""
    return 4 * max(longest_s, 10 * SHORTEST_S)


def gaps_png(groups: Mapping[str, pd.Series[float]], colours: Sequence[str], mode: str) -> bytes:
    """The longest gaps of each failover as bars; lengths by powers of ten, from a millisecond on."""
    shown = {
        name: values.clip(lower=SHORTEST_S).sort_values(ascending=False, kind="stable").head(BARS_SHOWN)
        for name, values in groups.items()
    }
    heights = gap_heights(shown)
    longest_s = max(float(values.max()) for values in shown.values())
    with canvas(WIDTH, gaps_height(groups)) as figure:
        rows = figure.subplots(len(shown), squeeze=False, sharex=True, gridspec_kw={"height_ratios": heights})
        for place, (axes, (name, values)) in enumerate(zip(rows[:, 0], shown.items(), strict=True)):
            style(axes, title=f"Gap of each instrument, the longest · {mode}\n{name}", x_title="seconds")
            name_places(axes, [str(symbol) for symbol in values.index], most=BARS_SHOWN, sideways=True)
            axes.set_xscale("log")
            axes.set_xlim(SHORTEST_S, gaps_end_s(longest_s))
            write_numbers(axes.xaxis)
            axes.barh(
                range(len(values)), values - SHORTEST_S, 0.75, SHORTEST_S, color=colours[place % len(colours)]
            )
            for at, gap_s in enumerate(values):
                write(axes, gap_s * 1.04, at, duration(gap_s), va="center")
        return to_png(figure)

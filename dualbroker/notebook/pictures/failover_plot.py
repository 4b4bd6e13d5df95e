"""Pictures of failovers: who brought the ticks before and after, and how long each instrument had none.

Each is interactive where plotly can be drawn, and carries a plain picture for readers without it, such as
a notebook that is looked at on a web page.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dualbroker.errors import ArgumentError
from dualbroker.feed import Feed
from dualbroker.notebook.pictures.failover_drawing import (
    SHORTEST_S,
    WIDTH,
    gap_heights,
    gaps_end_s,
    gaps_height,
    gaps_png,
    windows_height,
    windows_png,
)
from dualbroker.notebook.pictures.failover_windows import FailoverWindow, failover_windows
from dualbroker.notebook.pictures.picture import Picture, calm
from dualbroker.notebook.pictures.png import COLOURS, DOWN

__all__ = ["plot_failovers", "plot_gaps"]

BAND = DOWN
"""Of the gap."""
GAPS_SHOWN = 40
"""Instruments of one failover, those with the longest gaps."""


def plot_failovers(feed: Feed, numbers: Iterable[int] | None = None) -> Picture:
    """Ticks around failovers: a row per instrument, a colour per broker, the gap marked.

    Parameters
    ----------
    numbers
        Of ``feed.failovers``; None takes all that are kept.

    Raises
    ------
    ValueError
        There is none.
    """
    windows = failover_windows(feed, numbers)
    if not windows:
        raise ArgumentError("numbers: expected some of feed.failovers, found none")
    brokers = list(dict.fromkeys(name for each in windows for name in (each.from_broker, each.to_broker)))
    colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(brokers)}
    figure = make_subplots(
        rows=len(windows),
        cols=1,
        vertical_spacing=min(0.3, 75 / (300 * len(windows))),
        subplot_titles=[f"{window.title} · {window.words}" for window in windows],
    )
    named: set[str] = set()
    for row, window in enumerate(windows, start=1):
        _draw_window(figure, row, window, colours, named)
    # The figure takes the place of the plain picture when the mouse comes over it, so it is as high.
    height = windows_height(windows)
    title = f"Ticks around each failover, since the old source's last · {feed.mode}"
    calm(figure, title, height=height)
    figure.update_annotations(font_size=12)
    figure.update_layout(
        margin={"t": 70, "l": 150}, legend={"yref": "container", "y": 0, "yanchor": "bottom"}
    )
    return Picture(
        figure, partial(windows_png, windows, colours, BAND, feed.mode), width=WIDTH, height=height
    )


def _draw_window(
    figure: go.Figure, row: int, window: FailoverWindow, colours: dict[str, str], named: set[str]
) -> None:
    for broker, lines in window.ticks_s.items():
        figure.add_scatter(
            row=row,
            col=1,
            # To a tenth of a millisecond: a notebook that is stored holds every digit.
            x=[round(float(second), 4) for line in lines for second in line],
            y=[symbol for symbol, line in zip(window.symbols, lines, strict=True) for _ in line],
            mode="markers",
            marker={"size": 6, "symbol": "line-ns", "line": {"width": 1.5, "color": colours[broker]}},
            name=broker,
            legendgroup=broker,
            showlegend=broker not in named,
            hovertemplate=f"%{{y}}<br>{broker}, %{{x:.3f}} s<extra></extra>",
        )
        named.add(broker)
    figure.add_vrect(
        row=row, col=1, x0=0, x1=window.silent_s, fillcolor=BAND, opacity=0.12, line_width=0, layer="below"
    )
    figure.add_vline(row=row, col=1, x=window.decided_s, line={"dash": "dot", "color": BAND, "width": 1})
    figure.update_xaxes(row=row, col=1, range=[window.start_s, window.end_s], ticksuffix=" s")
    figure.update_yaxes(
        row=row, col=1, categoryorder="array", categoryarray=window.symbols[::-1], automargin=True
    )


def plot_gaps(feed: Feed, numbers: Iterable[int] | None = None) -> Picture:
    """The gap of each instrument in each failover, in seconds, on a scale by powers of ten.

    Parameters
    ----------
    numbers
        Of ``feed.failovers``; None takes all that were not planned.

    Raises
    ------
    ValueError
        There is none, or none of them has a gap yet.
    """
    failovers = feed.failovers
    names = {row["number"]: _group_name(row) for _, row in failovers.iterrows()}
    wanted = failovers["number"][~failovers["planned"]] if numbers is None else list(numbers)
    gaps = feed.gaps()
    gaps = gaps[gaps["covered"] & gaps["number"].isin(wanted)]
    if gaps.empty:
        raise ArgumentError("numbers: expected failovers with a measured gap, found none")
    groups = {
        names[number]: rows.sort_values("gap", ascending=False, kind="stable")
        .head(GAPS_SHOWN)
        .set_index("symbol")["gap"]
        for number, rows in gaps.groupby("number")
    }
    figure = make_subplots(
        rows=len(groups),
        cols=1,
        shared_xaxes=True,
        row_heights=gap_heights(groups),
        vertical_spacing=min(0.1, 40 / gaps_height(groups)),
        subplot_titles=list(groups),
    )
    longest_s = max(float(values.max()) for values in groups.values())
    for row, values in enumerate(groups.values(), start=1):
        _draw_gaps(figure, row, values, longest_s)
    # As high as the plain picture, which it takes the place of when the mouse comes over it.
    height = gaps_height(groups)
    calm(figure, f"Gap of each instrument · {feed.mode}", height=height)
    figure.update_annotations(font_size=12, x=0, xanchor="left")
    figure.update_layout(margin={"t": 70, "l": 150}, showlegend=False)
    figure.update_xaxes(row=len(groups), col=1, title={"text": "seconds", "standoff": 8})
    return Picture(figure, partial(gaps_png, groups, COLOURS, feed.mode), width=WIDTH, height=height)


def _draw_gaps(figure: go.Figure, row: int, values: pd.Series[float], longest_s: float) -> None:
    figure.add_bar(
        row=row,
        col=1,
        x=values.clip(lower=SHORTEST_S),
        y=values.index,
        orientation="h",
        marker_color=COLOURS[(row - 1) % len(COLOURS)],
        hovertemplate="%{y}<br>%{x:.4f} s<extra></extra>",
    )
    # In powers of ten, as plotly wants the ends of such a scale.
    ends = [math.log10(SHORTEST_S), math.log10(gaps_end_s(longest_s))]
    figure.update_xaxes(row=row, col=1, type="log", tickformat="~g", dtick=1, range=ends)
    figure.update_yaxes(row=row, col=1, automargin=True, autorange="reversed")


def _group_name(failover: pd.Series[Any]) -> str:
    return f"{failover['number']}: {failover['from_broker']} → {failover['to_broker']}, {failover['why']}"

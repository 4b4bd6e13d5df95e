"""Pictures of failovers: who brought the ticks before and after, and how long each instrument had none.

Each is interactive where plotly can be drawn, and carries a plain drawing for readers without it, such as
a notebook that is looked at on a web page.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dualbroker.feed import Feed
from dualbroker.notebook.failover_drawing import gaps_svg, windows_svg
from dualbroker.notebook.failover_windows import FailoverWindow, failover_windows

__all__ = ["COLOURS", "Picture", "plot_failovers", "plot_gaps"]

COLOURS = ("#1f5f9f", "#d9730d", "#2e8b57", "#8b5fbf")
"""Of brokers and of failovers, in order of appearance."""
BAND = "#c02c2c"
"""Of the gap."""
GAPS_SHOWN = 40
"""Instruments of one failover, those with the longest gaps."""


class Picture:
    """A plotly figure with a plain drawing beside it; put it last in a cell."""

    def __init__(self, figure: go.Figure, svg: str) -> None:
        self.figure = figure
        """To be changed, or saved with ``figure.write_html(path)``."""
        self.svg = svg
        """The plain drawing, without script."""

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        title = self.figure.layout.title.text
        return {
            "application/vnd.plotly.v1+json": json.loads(self.figure.to_json()),
            "text/html": self.svg,
            "text/plain": f"<picture: {title}>",
        }


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
        raise ValueError("numbers: expected some of feed.failovers, found none")
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
    figure.update_layout(
        title=f"Ticks around each failover, since the old source's last · {feed.mode}",
        template="plotly_white",
        height=130 + 300 * len(windows),
        margin={"t": 110, "l": 150},
        legend={
            "orientation": "h",
            "yref": "container",
            "y": 0.995,
            "yanchor": "top",
            "x": 1,
            "xanchor": "right",
        },
    )
    return Picture(figure, windows_svg(windows, colours, BAND, feed.mode))


def _draw_window(
    figure: go.Figure, row: int, window: FailoverWindow, colours: dict[str, str], named: set[str]
) -> None:
    for broker, lines in window.ticks_s.items():
        figure.add_scatter(
            row=row,
            col=1,
            x=[second for line in lines for second in line],
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
        raise ValueError("numbers: expected failovers with a measured gap, found none")
    groups = {
        names[number]: rows.sort_values("gap").tail(GAPS_SHOWN).set_index("symbol")["gap"]
        for number, rows in gaps.groupby("number")
    }
    figure = go.Figure()
    for place, (name, values) in enumerate(groups.items()):
        # Below a millisecond nothing is told apart, and a bar of nothing has no place on such a scale.
        figure.add_bar(
            x=values.index, y=values.clip(lower=0.001), name=name, marker_color=COLOURS[place % len(COLOURS)]
        )
    figure.update_layout(
        title=f"Gap of each instrument · {feed.mode}",
        template="plotly_white",
        barmode="group",
        yaxis={"type": "log", "title": "seconds", "tickformat": "~g"},
        legend={"orientation": "h", "y": -0.45},
        height=460,
    )
    return Picture(figure, gaps_svg(groups, COLOURS, feed.mode))


def _group_name(failover: pd.Series[Any]) -> str:
    return f"{failover['number']}: {failover['from_broker']} → {failover['to_broker']}, {failover['why']}"

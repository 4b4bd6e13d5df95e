"""The pictures of failovers as plain SVG, for readers without plotly. Pure; all text is escaped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

import pandas as pd

from dualbroker.notebook.failover_windows import FailoverWindow

__all__ = ["gaps_svg", "windows_svg"]

WIDTH = 860
LEFT = 170
RIGHT = 16
ROW = 15
HEAD = 40
FOOT = 34
BARS_SHOWN = 12
"""Of one failover, the longest gaps; more can't be read."""
SHORTEST_S = 0.001


def windows_svg(windows: Sequence[FailoverWindow], colours: Mapping[str, str], band: str, mode: str) -> str:
    """Ticks around each failover: a row per instrument, a colour per broker, the gap shaded."""
    parts = [
        _text(0, 16, f"Ticks around each failover, since the old source's last · {mode}", "bold"),
        *_legend(colours),
    ]
    top = 34
    for window in windows:
        parts += _window(window, colours, band, top)
        top += HEAD + ROW * len(window.symbols) + FOOT
    return _drawing(parts, top)


def _window(window: FailoverWindow, colours: Mapping[str, str], band: str, top: int) -> list[str]:
    first, height = top + HEAD, ROW * len(window.symbols)

    def place(second: float) -> float:
        share = (second - window.start_s) / (window.end_s - window.start_s)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    zero, end = place(0.0), place(window.silent_s)
    parts = [
        _text(0, top + 16, f"{window.title} · {window.words}", "bold"),
        _text(0, top + 31, window.why),
        f'<rect x="{zero:.1f}" y="{first}" width="{max(1.0, end - zero):.1f}" height="{height}" '
        f'fill="{band}" opacity=".13"/>',
    ]
    for line, symbol in enumerate(window.symbols):
        parts.append(_text(LEFT - 8, first + line * ROW + 11, symbol, anchor="end"))
    for broker, lines in window.ticks_s.items():
        path = "".join(
            f"M{place(second):.1f} {first + line * ROW + 3}v9"
            for line, seconds in enumerate(lines)
            for second in seconds
        )
        parts.append(f'<path d="{path}" stroke="{colours[broker]}" fill="none"/>')
    foot = first + height + 14
    parts += [
        _text(LEFT - 8, foot, "seconds", anchor="end"),
        _text(zero - 3, foot, "0", anchor="end"),
    ]
    if not window.planned:
        parts.append(_text(end + 3, foot, f"{window.gap_max_s:.3f}"))
    return parts


def gaps_svg(groups: Mapping[str, pd.Series[float]], colours: Sequence[str], mode: str) -> str:
    """The longest gaps of each failover as bars; lengths by powers of ten, from a millisecond on."""
    longest = max(float(values.max()) for values in groups.values())
    decades = max(1.0, math.log10(max(longest, 10 * SHORTEST_S) / SHORTEST_S))
    parts = [_text(0, 16, f"Gap of each instrument, the longest · {mode}", "bold")]
    top = 30
    for number, (name, values) in enumerate(groups.items()):
        shown = values.sort_values(ascending=False).head(BARS_SHOWN)
        parts.append(_text(0, top + 16, name))
        for line, (symbol, gap_s) in enumerate(shown.items()):
            y = top + 24 + line * ROW
            length = math.log10(max(gap_s, SHORTEST_S) / SHORTEST_S) / decades * (WIDTH - LEFT - 80)
            parts += [
                _text(LEFT - 8, y + 11, str(symbol), anchor="end"),
                f'<rect x="{LEFT}" y="{y + 2}" width="{max(1.0, length):.1f}" height="{ROW - 4}" '
                f'fill="{colours[number % len(colours)]}"/>',
                _text(LEFT + max(1.0, length) + 6, y + 11, f"{gap_s:.3f} s"),
            ]
        top += 24 + ROW * len(shown) + 14
    return _drawing(parts, top)


def _legend(colours: Mapping[str, str]) -> list[str]:
    parts = []
    for place, (name, colour) in enumerate(reversed(list(colours.items()))):
        x = WIDTH - RIGHT - place * 110
        parts += [
            _text(x, 16, name, anchor="end"),
            f'<rect x="{x - 12 - 7 * len(name):.0f}" y="7" width="9" height="9" fill="{colour}"/>',
        ]
    return parts


def _text(x: float, y: float, words: str, weight: str = "normal", anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}" text-anchor="{anchor}">{escape(words)}</text>'
    )


def _drawing(parts: Sequence[str], height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'style="max-width:860px;width:100%;font:12px system-ui,sans-serif;fill:currentColor">'
        f"{''.join(parts)}</svg>"
    )

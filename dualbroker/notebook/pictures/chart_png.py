"""A rolling chart as a PNG, drawn quickly: six charts must not wait for their pictures. Pure.

The pictures of ``notebook.png`` look better and can more, and take too long for each live chart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from dualbroker.clock import ist
from dualbroker.figures import number
from dualbroker.notebook.pictures.png_canvas import GRID, INK, few_colours

__all__ = ["HEIGHT", "WIDTH", "chart_png"]

WIDTH, HEIGHT = 760, 300
"""As shown, in the reader's pixels; twice as many are drawn."""

_SCALE = 2
_LEFT, _RIGHT, _TOP, _BOTTOM = 8, 76, 34, 26
_GROUND = f"{INK}00"
"""None, and edges of letters fade into their own colour."""
_LINE, _UP, _DOWN = "#1f6fb2", "#1a7f4b", "#c02c2c"
_STEPS = (1, 2, 2.5, 5, 10)
_TIMES_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 86400, 604800)
_MARKS = 6
_DOT = 3
_MS_NS = 1_000_000

Numbers = NDArray[np.float64]


def chart_png(
    rows: Numbers,
    start_ms: float,
    end_ms: float,
    decimals: int,
    title: str,
    candle_ms: float | None = None,
    held_ms: float | None = None,
) -> bytes:
    """Draw the rows of a series (``notebook.chart_series``) between two times.

    Parameters
    ----------
    rows
        Of a line (pairs of time in ms, UTC, and price), or of candles (start, open, high, low, close).
    start_ms, end_ms
        Left and right edge, ms, UTC.
    decimals
        Of prices.
    candle_ms
        Width of a candle; None draws a line.
    held_ms
        Until when the last price of a line held for certain (ms, UTC), dotted from there on; None is to the
        right edge.
    """
    image = Image.new("RGBA", (WIDTH * _SCALE, HEIGHT * _SCALE), _GROUND)
    plot = _Plot(ImageDraw.Draw(image), start_ms, end_ms, decimals)
    plot.write(_LEFT, 8, title, INK, 14)
    prices = rows[:, 1:] if candle_ms is not None else rows[:, 1::2]
    if not rows.size:
        plot.write(WIDTH / 2, HEIGHT / 2, "no tick yet", INK, 12, "mm")
    else:
        plot.scale(float(prices.min()), float(prices.max()))
        plot.grid()
        if candle_ms is None:
            plot.line(rows.reshape(-1, 2), end_ms if held_ms is None else held_ms)
        else:
            plot.candles(rows, candle_ms)
    return few_colours(image, smallest=False)


class _Plot:
    """One pair of axes; lengths are the reader's pixels."""

    def __init__(self, draw: ImageDraw.ImageDraw, start_ms: float, end_ms: float, decimals: int) -> None:
        self._draw = draw
        self._start_ms, self._end_ms = start_ms, max(end_ms, start_ms + 1)
        self._decimals = decimals
        self._low, self._high = 0.0, 1.0

    def scale(self, low: float, high: float) -> None:
        """Let prices from low to high fill the height, with some air."""
        air = (high - low) * 0.05 or max(abs(high) * 1e-3, 10.0**-self._decimals)
        self._low, self._high = low - air, high + air

    def grid(self) -> None:
        """Lines and numbers at round prices and times."""
        for value in _round_values(self._low, self._high):
            y = self._y(value)
            self._stroke([(_LEFT, y), (WIDTH - _RIGHT, y)], GRID)
            self.write(WIDTH - _RIGHT + 6, y, number(value, self._decimals), INK, 11, "lm")
        span_s = (self._end_ms - self._start_ms) / 1000
        step_s = next((step for step in _TIMES_S if span_s / step <= _MARKS), _TIMES_S[-1])
        form = "%H:%M:%S" if step_s < 60 else "%H:%M" if span_s < 86_400 else "%d %b %H:%M"
        for moment_ms in _round_times(self._start_ms, self._end_ms, step_s):
            x = self._x(moment_ms)
            self._stroke([(x, _TOP), (x, HEIGHT - _BOTTOM)], GRID)
            words = f"{ist(int(moment_ms) * _MS_NS):{form}}"
            # Below its line, but whole at the edge.
            self.write(max(x, 4 * len(words)), HEIGHT - _BOTTOM + 6, words, INK, 11, "ma")

    def line(self, points: Numbers, held_ms: float) -> None:
        """A last price holds until the next; the very last one is dotted from a time on."""
        shown: list[tuple[float, float]] = []
        for moment_ms, value in points.tolist():
            x, y = self._x(max(moment_ms, self._start_ms)), self._y(value)
            if shown:
                shown.append((x, shown[-1][1]))
            shown.append((x, y))
        end, level = self._x(self._end_ms), shown[-1][1]
        held = min(end, max(self._x(held_ms), shown[-1][0]))
        shown.append((held, level))
        self._stroke(shown, _LINE, 1.5)
        for x in np.arange(held + _DOT, end, 2 * _DOT).tolist():
            self._stroke([(x, level), (min(x + _DOT, end), level)], _LINE, 1.5)

    def candles(self, rows: Numbers, width_ms: float) -> None:
        half = max(0.5, 0.35 * (self._x(self._start_ms + width_ms) - _LEFT))
        for begin_ms, opening, high, low, close in rows.tolist():
            x = self._x(begin_ms + width_ms / 2)
            if x < _LEFT:
                continue
            colour = _UP if close >= opening else _DOWN
            self._stroke([(x, self._y(high)), (x, self._y(low))], colour)
            top, bottom = self._y(max(opening, close)), self._y(min(opening, close))
            box = (x - half, top, x + half, max(bottom, top + 1))
            self._draw.rectangle([edge * _SCALE for edge in box], fill=colour)

    def write(self, x: float, y: float, words: str, colour: str, size: int, anchor: str = "la") -> None:
        # Pillow's own font knows none of these.
        words = words.replace("−", "-").replace("–", "-").replace("₹", "Rs ")
        font = ImageFont.load_default(size * _SCALE)
        self._draw.text((x * _SCALE, y * _SCALE), words, fill=colour, font=font, anchor=anchor)

    def _stroke(self, points: list[tuple[float, float]], colour: str, width: float = 1.0) -> None:
        self._draw.line([(x * _SCALE, y * _SCALE) for x, y in points], colour, round(width * _SCALE))

    def _x(self, moment_ms: float) -> float:
        share = (moment_ms - self._start_ms) / (self._end_ms - self._start_ms)
        return _LEFT + share * (WIDTH - _LEFT - _RIGHT)

    def _y(self, value: float) -> float:
        share = (value - self._low) / (self._high - self._low)
        return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)


def _round_values(low: float, high: float) -> Iterator[float]:
    rough = (high - low) / _MARKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(each * power for each in _STEPS if each * power >= rough * 0.999)
    for place in range(math.ceil(low / step), math.floor(high / step) + 1):
        yield place * step


def _round_times(start_ms: float, end_ms: float, step_s: int) -> Iterator[float]:
    """Round on India's clock."""
    offset_ms = timedelta(hours=5, minutes=30) / timedelta(milliseconds=1)
    step_ms = step_s * 1000
    first = math.ceil((start_ms + offset_ms) / step_ms)
    for place in range(first, math.floor((end_ms + offset_ms) / step_ms) + 1):
        yield place * step_ms - offset_ms

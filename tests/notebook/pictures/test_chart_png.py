"""The quick picture of a chart."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dualbroker.notebook.pictures.chart_png import HEIGHT, WIDTH, chart_png

END_MS = pd.Timestamp("2026-03-02 15:00", tz="Asia/Kolkata").value / 1e6
MINUTE_MS = 60_000.0
UP, DOWN, LINE = (26, 127, 75), (192, 44, 44), (31, 111, 178)


def _drawn(png: bytes) -> tuple[Image.Image, set[tuple[int, ...]]]:
    image = Image.open(io.BytesIO(png)).convert("RGBA")
    colours = image.getcolors(1000)
    assert colours is not None
    return image, {colour[:3] for _, colour in colours if colour[3] == 255}  # type: ignore[index]


def _line_pixels(png: bytes) -> list[int]:
    """Columns of the picture that have a pixel of the line's colour."""
    image = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))[..., :3].astype(int)
    near = (np.abs(image - np.array(LINE)) < 24).all(axis=2).any(axis=0)
    columns: list[int] = np.flatnonzero(near).tolist()
    return columns


def _near(colours: set[tuple[int, ...]], wanted: tuple[int, ...]) -> bool:
    return any(max(abs(a - b) for a, b in zip(colour, wanted, strict=True)) < 24 for colour in colours)


def test_a_line_and_candles_are_drawn_small_and_fine() -> None:
    times = np.linspace(END_MS - 10 * MINUTE_MS, END_MS, 500)
    prices = 100 + np.sin(times / 50_000)
    line = chart_png(np.column_stack([times, prices] * 3), END_MS - 10 * MINUTE_MS, END_MS, 2, "X")
    starts = END_MS - MINUTE_MS * np.arange(10, 0, -1)
    candles = np.column_stack([starts, prices[:10], prices[:10] + 1, prices[:10] - 1, prices[10:20] * 1.001])
    candles[::2, 4] = candles[::2, 1] - 0.5
    bars = chart_png(candles, END_MS - 10 * MINUTE_MS, END_MS, 2, "X", MINUTE_MS)
    for png in (line, bars):
        assert len(png) < 40_000
        assert _drawn(png)[0].size == (2 * WIDTH, 2 * HEIGHT)
        assert _drawn(png)[0].getpixel((0, 0)) == (0, 0, 0, 0), "it lies on its reader's ground"
    assert _near(_drawn(line)[1], LINE)
    assert _near(_drawn(bars)[1], UP)
    assert _near(_drawn(bars)[1], DOWN)


def test_what_is_not_known_to_hold_is_dotted() -> None:
    rows = np.array([[END_MS - 9 * MINUTE_MS, 100.0] * 3])
    start_ms = END_MS - 10 * MINUTE_MS
    whole, held = (
        _line_pixels(chart_png(rows, start_ms, END_MS, 2, "X", held_ms=until))
        for until in (None, END_MS - 5 * MINUTE_MS)
    )
    left = [x for x in whole if x < max(whole) / 2]
    assert set(left) <= set(held), "solid as long as it held for certain"
    assert 0.6 < len(held) / len(whole) < 0.9


@pytest.mark.parametrize("prices", [[], [5.0], [5.0, 5.0], [0.05, 150_000.0]])
@pytest.mark.parametrize("span_ms", [1.0, 1000.0, 400 * 24 * 60 * MINUTE_MS])
def test_nothing_at_all_and_the_extremes_are_drawn_too(prices: list[float], span_ms: float) -> None:
    rows = np.array([[END_MS - span_ms / 2, price] * 3 for price in prices]).reshape(len(prices), 6)
    assert chart_png(rows, END_MS - span_ms, END_MS, 2, "−0.20 – X").startswith(b"\x89PNG")

"""The surface that small pictures are drawn on, and how axes on it look.

Only matplotlib's objects are used, none of its global state: no backend is chosen and no window opened. It is
loaded at the first picture. Any thread may draw.
"""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from dualbroker.figures import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from PIL.Image import Image

__all__ = [
    "GRID",
    "INK",
    "canvas",
    "few_colours",
    "name_marks",
    "name_places",
    "style",
    "to_png",
    "write",
    "write_numbers",
]

INK, GRID = "#757b83", "#80868e40"
"""As readable on a white ground as on a near-black one: a picture has no ground, it lies on its reader's."""
FONT = "DejaVu Sans"
"""Comes with matplotlib, so that a picture is the same on every system."""
PIXELS_PER_INCH = 100
SCALE = 1.0
"""Pixels drawn for each one shown: JupyterLab's plotly shows a picture in its own size in any case."""
PALETTE = 64
"""Colours kept, each opacity its own: a chart has few, and the file is a quarter as large."""
OPACITIES = 5
"""Of the edges of letters and lines."""
MOST_LETTERS = 75
"""Of names that stand beside each other, before they are turned."""

_lock = threading.Lock()


@contextmanager
def canvas(width: int, height: int) -> Iterator[Figure]:
    """An empty figure, so large as shown; for one thread at a time, since matplotlib's caches are for one."""
    with _lock:
        _load_quietly()
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        size = (width / PIXELS_PER_INCH, height / PIXELS_PER_INCH)
        figure = Figure(figsize=size, dpi=PIXELS_PER_INCH * SCALE, facecolor="none", layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def _load_quietly() -> None:
    """Load matplotlib without its remark, in a person's cell, that it looks through the fonts."""
    log = logging.getLogger("matplotlib")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        import matplotlib.font_manager  # noqa: F401
    finally:
        log.setLevel(level)


def to_png(figure: Figure) -> bytes:
    """The figure as a PNG of few colours, without a ground."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    surface = figure.canvas
    assert isinstance(surface, FigureCanvasAgg)
    surface.draw()
    return few_colours(Image.fromarray(np.array(surface.buffer_rgba())))


def few_colours(picture: Image, *, smallest: bool = True) -> bytes:
    """A picture with opacities (RGBA) as a PNG of few colours; a third smaller takes five times as long."""
    from PIL import Image

    steps = 255 / OPACITIES
    opacity = np.rint(np.rint(np.arange(256) / steps) * steps).astype(np.uint8)
    pixels = np.array(picture)
    pixels[..., 3] = opacity[pixels[..., 3]]
    # One colour, where there is nothing to be seen.
    pixels *= pixels[..., 3:] > 0
    few = Image.fromarray(pixels).quantize(PALETTE, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    out = io.BytesIO()
    few.save(out, "PNG", optimize=smallest)
    return out.getvalue()


def style(axes: Axes, *, title: str = "", x_title: str = "", y_title: str = "") -> None:
    """Make axes calm: a quiet grid, no box, numbers grouped the Indian way."""
    axes.set_facecolor("none")
    axes.set_title(title, loc="left", fontsize=10, color=INK, fontfamily=FONT, parse_math=False)
    axes.set_xlabel(x_title, fontsize=8, color=INK, fontfamily=FONT, parse_math=False)
    axes.set_ylabel(y_title, fontsize=8, color=INK, fontfamily=FONT, parse_math=False)
    axes.grid(True, color=GRID, linewidth=0.7, linestyle="-")
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(GRID)
    axes.tick_params(which="both", colors=INK, labelsize=8, labelcolor=INK, labelfontfamily=FONT, length=0)
    for axis in (axes.xaxis, axes.yaxis):
        write_numbers(axis)
        axis.get_offset_text().set(size=8, color=INK, fontfamily=FONT)


def write_numbers(axis: Axis) -> None:
    """Grouped the Indian way; each new kind of scale has to be told again."""
    axis.set_major_formatter(_number)


def _number(value: float, position: float) -> str:
    if abs(value) < 1000:
        return f"{value:g}".replace("-", "−")
    return number(value, 0 if value == round(value) else 1)


def write(axes: Axes, x: float, y: float, words: str, **how: Any) -> None:
    """Write words at a place in data; a ``$`` in them is a dollar and begins no formula."""
    axes.text(x, y, words, **{"fontsize": 8, "color": INK, **how}, fontfamily=FONT, parse_math=False)


def name_places(axes: Axes, names: Sequence[str], *, most: int, sideways: bool = False) -> None:
    """Write names beside the places 0, 1, 2 …; of more than ``most`` only some."""
    places = range(0, len(names), -(-len(names) // most))
    (axes.yaxis if sideways else axes.xaxis).grid(False)
    shown = [names[place] for place in places]
    if sideways:
        axes.set_yticks(places, shown, fontfamily=FONT, parse_math=False)
        axes.set_ylim(len(names) - 0.4, -0.6)
        return
    long = sum(map(len, shown)) > MOST_LETTERS
    turned: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if long else {}
    axes.set_xticks(places, shown, fontfamily=FONT, parse_math=False, **turned)
    axes.set_xlim(-0.6, len(names) - 0.4)


def name_marks(figure: Figure) -> None:
    """A legend below the drawing for everything that has a name in it, each name once."""
    marks = {
        name: handle
        for axes in figure.axes
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    if len(marks) < 2:
        return  # the title says what it is
    legend = figure.legend(
        list(marks.values()),
        list(marks),
        loc="outside lower left",
        ncols=min(len(marks), 5),
        frameon=False,
        fontsize=8,
        labelcolor=INK,
        handlelength=1.4,
    )
    for text in legend.get_texts():
        text.set_fontfamily(FONT)
        text.set_parse_math(False)

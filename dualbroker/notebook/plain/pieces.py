"""What a plain dashboard is made of, as HTML and as columns of text. Pure; all text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from dualbroker.figures import number

__all__ = [
    "ROWS_SHOWN",
    "Cell",
    "Row",
    "State",
    "block",
    "code",
    "gone_words",
    "more",
    "no_source_words",
    "problem",
    "rows_table",
    "text_columns",
    "texts",
]

State = Mapping[str, Any]
Row = Mapping[str, Any]
Cell = str | tuple[str, str] | tuple[str, str, str]
"""Text; or text, the CSS classes of its cell, and what is shown when it is pointed at."""

GONE_NAMED = 3

ROWS_SHOWN = 30
"""Of a table; the frames have all of them."""


def problem(text: str) -> str:
    """One thing that is wrong."""
    return f'<div class="problem">{escape(text)}</div>'


def no_source_words(rows: Iterable[Row]) -> list[str]:
    """Why no broker carries quotes (rows of ``broker_name`` and ``why``), a line for each."""
    return [f"No broker carries quotes. {row['broker_name']}: {row['why']}" for row in rows]


def gone_words(state: State) -> list[str]:
    """Which instruments that a quote table was opened for are not subscribed any more, as a line or none."""
    names = state["instruments"]["gone"] if "instruments" in state else []
    if not names:
        return []
    rest = f" and {len(names) - GONE_NAMED} more" if len(names) > GONE_NAMED else ""
    named = f"{', '.join(names[:GONE_NAMED])}{rest}"
    return [f"Not subscribed any more: {named}; feed.subscribe brings it back."]


def texts(cells: Iterable[Cell]) -> list[str]:
    """Cells without their classes."""
    return [cell if isinstance(cell, str) else cell[0] for cell in cells]


def text_columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of aligned columns; a head that begins with # stands over numbers, which align right."""
    names = [head.removeprefix("#") for head in heads]
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    align = [str.rjust if head.startswith("#") else str.ljust for head in heads]
    return [
        "  ".join(cell(text, width) for cell, text, width in zip(align, row, widths, strict=True))
        for row in (names, *rows)
    ]


def block(inner: str) -> str:
    """What carries the dashboard's looks."""
    # In place: JupyterLab takes style sheets out of a notebook that it does not trust, and leaves these.
    return f'<div class="dualbroker cold" style="margin-bottom:10px">{inner}</div>'


def code(text: str) -> str:
    """Something to type."""
    return f"<code>{escape(text)}</code>"


def more(count: int, what: str, where: str, shown: int = ROWS_SHOWN) -> str:
    """Where the rest of a cut table is; empty when it was not cut."""
    if count <= shown:
        return ""
    return f'<div class="quiet">{shown} of {number(count)} {what}; all of them: {code(where)}</div>'


def rows_table(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """A table; a head that begins with # stands over numbers."""
    head = "".join(
        f'<th class="number">{escape(text[1:])}</th>' if text[0] == "#" else f"<th>{escape(text)}</th>"
        for text in heads
    )
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<table class="rows"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return f"<td>{escape(cell)}</td>"
    text, css, *more_words = cell
    title = f' title="{escape(more_words[0])}"' if more_words and more_words[0] else ""
    return f'<td class="{css}"{title}>{escape(text)}</td>'

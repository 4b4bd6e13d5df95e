"""The one ES module that draws the state, and its looks: joined out of the files under ``static``."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files

from dualbroker.colours import css_colours
from dualbroker.view.heads import heads_script
from dualbroker.view.parts import PARTS, panels_script

__all__ = ["MADE", "SCRIPTS", "STYLES", "script", "source", "style"]

SCRIPTS = (
    "heads.js",
    "words.js",
    "nodes.js",
    "table.js",
    "chart.js",
    "headline.js",
    *(script for part in PARTS.values() for script in part.scripts),
    "attached.js",
    "help.js",
    "panels.js",
    "dashboard.js",
)
"""Each after those that it imports from. No two of them declare the same name."""

MADE: dict[str, Callable[[], str]] = {
    "heads.js": heads_script,
    "panels.js": panels_script,
    "colours.css": lambda: css_colours(".dualbroker"),
}
"""Those that are no files, and what makes them."""

STYLES = ("colours.css", "base.css", "parts.css", "tables.css", "layout.css")

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./[a-z]+\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)


@cache
def source() -> str:
    """The module as one self-contained text, with the default export that anywidget wants.

    ``export default { render({ model, el }) }`` reads the traits ``state``, ``slow`` (laid under the state,
    may be absent), ``part`` (``monitor``, or a part of ``view.parts.PARTS``) and ``options``, and returns
    a function that ends it.
    """
    return "\n".join(map(script, SCRIPTS))


def script(name: str) -> str:
    """One of ``SCRIPTS`` to be joined with others: it neither imports nor exports."""
    return _EXPORT.sub("", _IMPORT.sub("", _read(name)))


@cache
def style() -> str:
    """The style sheet; every rule of it is bound to ``.dualbroker``."""
    return "\n".join(_read(name) for name in STYLES)


def _read(name: str) -> str:
    if name in MADE:
        return MADE[name]()
    return files("dualbroker.view").joinpath("static", name).read_text(encoding="utf-8")

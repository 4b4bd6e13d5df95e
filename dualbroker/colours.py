"""The colours of everything that is shown. Calm: one accent; green and red for direction and for state."""

from __future__ import annotations

__all__ = ["COLOURS", "css_colours"]

COLOURS = {
    "ground": ("#ffffff", "#14171a"),
    "panel": ("#f7f8fa", "#1c2024"),
    "line": ("#dfe3e8", "#31373e"),
    "text": ("#1b2026", "#e6e9ec"),
    "quiet": ("#5a6572", "#9aa5b1"),
    "accent": ("#1f5f9f", "#7db4ea"),
    "good": ("#1a6e3c", "#6ccf94"),
    "warn": ("#8a5300", "#e8b15c"),
    "bad": ("#b3261e", "#f2887f"),
    "up-flash": ("#bfe8cd", "#1f5236"),
    "down-flash": ("#f6c9c5", "#66302c"),
    "any-flash": ("#dbe7f4", "#2b3c4e"),
    "carried": ("#1f5f9f", "#6aa5e0"),
    "naive": ("#c9d3de", "#3d4651"),
    "shade": ("#f3ecdb", "#2b2820"),
    "money": ("#dcebfa", "#203346"),
}
"""By name: on a light ground, and on a dark one."""


def css_colours(selector: str) -> str:
    """A CSS rule that gives what the selector means each colour as a variable."""
    variables = "".join(
        f"  --{name}: light-dark({light}, {dark});\n" for name, (light, dark) in COLOURS.items()
    )
    return f"{selector} {{\n  color-scheme: light dark;\n{variables}}}\n"

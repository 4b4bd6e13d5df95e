"""A page of a few words, without script and without any file: for a login. Looks as the product does."""

from __future__ import annotations

from html import escape

from dualbroker.colours import css_colours

__all__ = ["STYLE", "plain_page"]

STYLE = (
    css_colours(":root")
    + """
:root {
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  color: var(--text);
  background: var(--ground);
}
* { box-sizing: border-box; }
body { margin: 0; padding: 16px; }
main { max-width: 30rem; margin: 10vh auto 0; padding: 24px; background: var(--panel);
  border: 1px solid var(--line); border-radius: 8px; }
h1 { display: flex; align-items: center; gap: 10px; margin: 0 0 16px; font-size: 17px; }
h1 svg { flex: none; width: 24px; height: 24px; }
p { margin: 0 0 12px; overflow-wrap: anywhere; }
p:last-child { margin: 0; }
code { font: 14px ui-monospace, Menlo, Consolas, monospace; }
label { display: block; margin: 16px 0 4px; font-weight: 600; }
input, button { font: inherit; min-height: 44px; border-radius: 6px; }
input { width: 100%; padding: 8px 12px; color: inherit; background: var(--ground);
  border: 1px solid var(--line); }
button { width: 100%; margin: 12px 0; padding: 8px 16px; color: var(--ground); background: var(--accent);
  border: 0; font-weight: 600; cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.quiet { color: var(--quiet); font-size: 14px; }
.good { color: var(--good); font-weight: 600; }
.wrong { color: var(--bad); font-weight: 600; }
"""
)
"""What is touched is 44 px high."""

_ICON = (
    '<svg viewBox="0 0 16 16" aria-hidden="true"><rect width="16" height="16" rx="3" fill="#2563a8"/>'
    '<path d="M3 10l3-4 3 3 4-5" fill="none" stroke="#fff" stroke-width="1.8"/>'
    '<path d="M3 13h10" stroke="#fff" stroke-width="1.4"/></svg>'
)


def plain_page(title: str, body: str) -> str:
    """A whole page.

    Parameters
    ----------
    title
        Text: the heading, and the name of the tab.
    body
        HTML below it.
    """
    shown = escape(title)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{shown}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{_ICON}{shown}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )

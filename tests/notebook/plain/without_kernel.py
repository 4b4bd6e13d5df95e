"""What has to hold of a notebook that is read without its kernel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbconvert import HTMLExporter
from nbformat import NotebookNode

__all__ = ["LARGEST_BYTES", "ROOT", "as_page", "bundles", "problems"]

ROOT = Path(__file__).resolve().parents[3]
LARGEST_BYTES = 200_000
WIDGET = "application/vnd.jupyter.widget-view+json"
RICH_AND_PLAIN = ("text/html", "image/png")
"""What every viewer shows, without a script and without a kernel."""

_UNWANTED = {
    "a path of this machine": re.compile(
        "|".join(
            (
                re.escape(str(ROOT)),
                r"(?<![\w.])/(?:home|root|tmp|Users|work)/\w",
                r"[A-Za-z]:\\+(?:Users|Temp)",
                r"site-packages",
            )
        )
    ),
    "a secret's name with a value": re.compile(
        r"(?i)(susertoken|access_token|api_secret|totp_secret|password)\W{1,6}\w{4,}"
    ),
    "a warning or an error": re.compile(r"Traceback \(most recent|\w+Warning:"),
    "a view that needs a kernel": re.compile(r"model not found|Loading widget"),
}


def bundles(outputs: list[Any]) -> Iterator[dict[str, Any]]:
    """What was displayed, in its several forms."""
    for output in outputs:
        if output["output_type"] in ("display_data", "execute_result"):
            yield output["data"]


def problems(cell_id: str, outputs: list[Any]) -> list[str]:
    """What a reader without a kernel would miss in a cell's outputs, or must not find there."""
    found = []
    for output in outputs:
        if output["output_type"] == "error" or output.get("name") == "stderr":
            found.append(f"{cell_id}: {output['output_type']} {str(output.get('text', ''))[:200]}")
    for bundle in bundles(outputs):
        if "text/plain" not in bundle:
            found.append(f"{cell_id}: expected text/plain beside {', '.join(bundle)}")
        if set(bundle) != {"text/plain"} and not any(form in bundle for form in RICH_AND_PLAIN):
            found.append(f"{cell_id}: expected one of {', '.join(RICH_AND_PLAIN)} beside {', '.join(bundle)}")
        if "<script" in str(bundle.get("text/html", "")):
            found.append(f"{cell_id}: text/html needs a script")
    words = str([output.get("text", output.get("data", "")) for output in outputs])
    found += [f"{cell_id}: {what}" for what, pattern in _UNWANTED.items() if pattern.search(words)]
    return found


def as_page(notebook: NotebookNode) -> str:
    """As ``jupyter nbconvert --to html`` makes it, from what is stored: no kernel takes part."""
    page: str = HTMLExporter().from_notebook_node(notebook)[0]
    return page

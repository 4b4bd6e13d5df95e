"""Runs notebooks on simulated brokers and stores what they show, so that they read well on a web page.

    python -m tests.notebook.store_outputs notebooks/savings.ipynb

No widget state is stored, and nothing that differs with the machine; what
``tests/notebook/plain/without_kernel.py`` finds fault with is not stored at all.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from tests.notebook.plain.without_kernel import LARGEST_BYTES, problems

__all__ = ["store_outputs"]


def store_outputs(path: Path) -> None:
    """Run a notebook from top to bottom and write it back with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    language = dict(notebook.metadata.language_info)
    folder = {"metadata": {"path": str(path.resolve().parent)}}
    NotebookClient(
        notebook, timeout=300, store_widget_state=False, record_timing=False, resources=folder
    ).execute()
    notebook.metadata.language_info = {"name": language["name"]}  # and not the version that ran it
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    found = [words for cell in cells for words in problems(cell.id, cell.outputs)]
    text = nbformat.writes(notebook, ensure_ascii=False)
    if len(text.encode("utf-8")) >= LARGEST_BYTES:
        found.append(f"expected less than {LARGEST_BYTES:,} bytes, found {len(text.encode('utf-8')):,}")
    if found:
        sys.exit("\n".join(found))
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        store_outputs(Path(name))

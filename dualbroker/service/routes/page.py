"""``/``: the page, and the files it is made of."""

from __future__ import annotations

import mimetypes
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

__all__ = ["page_files", "router", "view_files"]

_PAGE_FILES = Path(str(files("dualbroker.service"))) / "static"
_VIEW_FILES = Path(str(files("dualbroker.view"))) / "static"

router = APIRouter(include_in_schema=False)


@router.get("/")
async def page() -> FileResponse:
    return FileResponse(_PAGE_FILES / "index.html")


def page_files() -> StaticFiles:
    """What only the page has: how the state gets there."""
    _know_scripts()
    return StaticFiles(directory=_PAGE_FILES)


def view_files() -> StaticFiles:
    """What draws the state, wherever it is shown."""
    _know_scripts()
    return StaticFiles(directory=_VIEW_FILES)


def _know_scripts() -> None:
    # On Windows other programs change what .js means, and browsers refuse modules that are no script.
    mimetypes.add_type("text/javascript", ".js")

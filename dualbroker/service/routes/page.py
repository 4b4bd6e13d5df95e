"""``/``: the page, and the files it is made of."""

from __future__ import annotations

import mimetypes
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from dualbroker.view import module

__all__ = ["page_files", "router"]

_PAGE_FILES = Path(str(files("dualbroker.service"))) / "static"

router = APIRouter(include_in_schema=False)


@router.get("/")
async def page() -> FileResponse:
    return FileResponse(_PAGE_FILES / "index.html")


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """What can be asked, and a way to try it.

    Its addresses are relative, as all of the page's are: a proxy may serve us below a path of its own.
    """
    app: FastAPI = request.app
    return get_swagger_ui_html(
        openapi_url="openapi.json",
        title=app.title,
        swagger_js_url="static-offline-docs/swagger-ui-bundle.js",
        swagger_css_url="static-offline-docs/swagger-ui.css",
        swagger_favicon_url="static/icon.svg",
    )


@router.get("/static/view/dashboard.js")
async def view_script() -> Response:
    """What draws the state, on the page as in a notebook."""
    return Response(module.source(), media_type="text/javascript")


@router.get("/static/view/dashboard.css")
async def view_style() -> Response:
    return Response(module.style(), media_type="text/css")


def page_files() -> StaticFiles:
    """What only the page has: how the state gets there."""
    # On Windows other programs change what .js means, and browsers refuse modules that are no script.
    mimetypes.add_type("text/javascript", ".js")
    return StaticFiles(directory=_PAGE_FILES)

"""What a browser gets where a token is demanded and it has none: a form for it, without any script."""

from __future__ import annotations

import base64
import hashlib

from starlette.responses import HTMLResponse

from dualbroker.plain_page import STYLE, plain_page

__all__ = ["LOGIN_HEADERS", "login_page"]

_FORM = """{wrong}<p>This service is reached with its token. Open the link that was printed where it was
started, or enter the token here: it is the value of <code>DUALBROKER_TOKEN</code>, if that was set.</p>
<form method="post" action="login">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Open</button>
</form>
<p class="quiet">Then this browser sees the prices and orders of its brokers for a week. Nothing here places
an order.</p>"""
_WRONG = '<p class="wrong" role="alert">That was not the token.</p>\n'

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

LOGIN_HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )
}


def login_page(*, wrong: bool) -> HTMLResponse:
    """The form, as a refusal (401)."""
    page = plain_page("dualbroker", _FORM.format(wrong=_WRONG if wrong else ""))
    return HTMLResponse(page, status_code=401, headers=LOGIN_HEADERS)

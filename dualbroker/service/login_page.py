"""What a browser gets where a token is demanded and it has none: a form for it, without any script."""

from __future__ import annotations

import base64
import hashlib

from starlette.responses import HTMLResponse

__all__ = ["LOGIN_HEADERS", "login_page"]

_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 32rem; margin: 12vh auto; padding: 0 1rem; }
input, button { font: inherit; padding: .4rem .6rem; }
input { width: 100%; box-sizing: border-box; margin: .3rem 0 .8rem; }
.wrong { color: light-dark(#b3261e, #f2b8b5); }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>dualbroker</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>dualbroker</h1>
{wrong}<p>This service demands its token. Open the link that was printed where it was started,
or enter the token (the value of DUALBROKER_TOKEN, if that was set).</p>
<form method="post" action="login">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Open</button>
</form>
</main>
</body>
</html>
"""
_WRONG = '<p class="wrong" role="alert">That was not the token.</p>\n'

_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

LOGIN_HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )
}


def login_page(*, wrong: bool) -> HTMLResponse:
    """The form, as a refusal (401)."""
    page = _PAGE.format(style=_STYLE, wrong=_WRONG if wrong else "")
    return HTMLResponse(page, status_code=401, headers=LOGIN_HEADERS)

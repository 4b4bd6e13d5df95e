"""The headless face: a web API over a running manager, and one page."""

from __future__ import annotations

from dualbroker.extras import needs_extra

with needs_extra("service"):
    import starlette  # noqa: F401  (the lightest of what the extra brings)

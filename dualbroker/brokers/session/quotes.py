"""Quote messages for families that decode them by hand: any value that stores hold, by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgspec

from dualbroker.model import QUOTE_FIELDS, QuoteUpdate

__all__ = ["FullQuote", "QuoteDelta"]


def _message(name: str, *, is_snapshot: bool) -> Callable[..., QuoteUpdate]:
    fields: list[Any] = [("exchange", str), ("token", str), ("feed_time", int | None, None)]
    fields += [(field, float | None, None) for field in QUOTE_FIELDS]
    namespace = {"is_snapshot": is_snapshot, "has_depth": False, "__module__": __name__}
    made: Any = msgspec.defstruct(name, fields, namespace=namespace, kw_only=True, gc=False)
    return cast("Callable[..., QuoteUpdate]", made)


FullQuote = _message("FullQuote", is_snapshot=True)
"""A `dualbroker.model.QuoteUpdate` that replaces all that was known: ``exchange``, ``token``, ``feed_time``
(epoch seconds) and every name of ``QUOTE_FIELDS``, each None unless given."""
QuoteDelta = _message("QuoteDelta", is_snapshot=False)
"""The same, but None means unchanged."""

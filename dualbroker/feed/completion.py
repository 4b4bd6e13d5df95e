"""Completes the names of instruments in IPython, inside the quotes of ``feed.ticks('``."""

from __future__ import annotations

import logging
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from dualbroker.model import Instrument

__all__ = ["COMPLETED", "complete_in_ipython", "symbols_for", "typed_name"]

logger = logging.getLogger("dualbroker")

COMPLETED = ("ticks", "bars", "depth", "unsubscribe", "chart")
"""Methods of a feed that take the name of an instrument which was subscribed."""

PRIORITY = 200
"""Above IPython's own matchers, which would offer the files of the folder."""

_CALL = re.compile(
    rf"""
    (?<![\w.])(?P<feed>[^\W\d]\w*) \s*\.\s* (?:{"|".join(COMPLETED)}) \s*\(\s*
    (?:symbols?\s*=\s*)?
    (?:[\[(]\s*(?:(?:"[^"\n]*"|'[^'\n]*')\s*,\s*)*)?   # of several, the ones before
    (?P<quote>["'])(?P<typed>(?:(?!(?P=quote))[^\n\\])*)$
    """,
    re.VERBOSE,
)


def typed_name(text: str) -> tuple[str, str] | None:
    """Out of what stands before the cursor: the feed's variable, and what is typed of an instrument's name.

    None where no name of an instrument is being typed.
    """
    found = _CALL.search(text)
    return None if found is None else (found["feed"], found["typed"])


def symbols_for(typed: str, instruments: Iterable[Instrument]) -> list[str]:
    """The names that begin so, whatever their case.

    With its exchange comes a name that stands at several of them, and each one once an exchange is typed.
    """
    qualified = dict.fromkeys(instrument.qualified_name for instrument in instruments)
    plain = {name: name.partition(":")[2] for name in qualified}
    times = Counter(plain.values())
    begins = typed.casefold()
    found = []
    for name, symbol in plain.items():
        if ":" in typed:
            shown = name if name.casefold().startswith(begins) else None
        else:
            shown = (symbol if times[symbol] == 1 else name) if symbol.casefold().startswith(begins) else None
        if shown is not None:
            found.append(shown)
    return sorted(found)


def _matches(context: Any, names: Mapping[str, Any]) -> dict[str, Any]:
    """What IPython asks for: the completions of a cell's text up to the cursor."""
    from IPython.core.completer import SimpleCompletion

    from dualbroker.feed.feed import Feed

    lines = context.full_text.split("\n")[: context.cursor_line]
    typed = typed_name("\n".join([*lines, context.text_until_cursor]))
    feed = None if typed is None else names.get(typed[0])
    if typed is None or not isinstance(feed, Feed) or feed.closed:
        return {"completions": []}
    symbols = symbols_for(typed[1], feed.manager.quotes.instruments)
    return {
        "completions": [SimpleCompletion(text=symbol, type="instrument") for symbol in symbols],
        "matched_fragment": typed[1],
        "suppress": bool(symbols),
        "ordered": True,
    }


def complete_in_ipython() -> None:
    """Have IPython complete names from now on, once per shell; outside of IPython nothing happens.

    A failure is logged and nothing worse, for no feed should fail to open over it.
    """
    if "IPython" not in sys.modules:
        return
    try:
        from IPython.core.completer import context_matcher
        from IPython.core.getipython import get_ipython

        shell = get_ipython()  # type: ignore[no-untyped-call,unused-ignore]
        if shell is None:
            return
        matchers = shell.Completer.custom_matchers
        if any(getattr(matcher, "__name__", "") == "dualbroker_symbols" for matcher in matchers):
            return

        def dualbroker_symbols(context: Any) -> Any:
            try:
                return _matches(context, shell.user_ns)
            except Exception:
                logger.debug("names of instruments could not be completed", exc_info=True)
                return {"completions": []}

        as_matcher: Any = context_matcher(priority=PRIORITY, identifier="dualbroker.symbols")
        matchers.append(as_matcher(dualbroker_symbols))
    except Exception:
        logger.debug("IPython does not take a completer of instruments", exc_info=True)

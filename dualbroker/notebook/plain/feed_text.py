"""A feed as a readable text, for a terminal and a log."""

from __future__ import annotations

from dualbroker.feed.runtime import Runtime
from dualbroker.figures import number
from dualbroker.notebook.plain.snapshot import snapshot_text
from dualbroker.view.named import with_named_rows
from dualbroker.view.state import view_state

__all__ = ["feed_text"]


def feed_text(feed: Runtime) -> str:
    """Where prices and orders come from, how each broker does, how much is held."""
    source = feed.manager
    state = with_named_rows(view_state(source, source.clock.now_ns(), "summary"))
    counts = (
        f"{number(len(source.wanted()))} instruments · {number(source.quotes.tick_count)} ticks · "
        f"{number(len(source.orders.states))} orders"
    )
    closed = "\nThe feed is closed; dualbroker.connect() opens a new one." if feed.closed else ""
    return f"{snapshot_text('summary', state)}\n\n{counts} · {source.origin}{closed}"

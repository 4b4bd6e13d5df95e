"""Every live view of a feed, opened here: asked for again it is the same one, so that nothing piles up."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from dualbroker.errors import ConfigError
from dualbroker.extras import needs_extra
from dualbroker.feed.runtime import Runtime
from dualbroker.view.state import view_state

with needs_extra("notebook"):
    from dualbroker.notebook.live.chart import ChartView
    from dualbroker.notebook.live.controls import ControlsView
    from dualbroker.notebook.live.kernel import in_kernel
    from dualbroker.notebook.live.live_view import LiveView
    from dualbroker.notebook.live.publisher import publisher_of
    from dualbroker.notebook.live.state_view import StateView
    from dualbroker.notebook.plain.feed_text import feed_text
    from dualbroker.notebook.plain.snapshot import part_snapshot

__all__ = [
    "LiveView",
    "display_feed",
    "open_bandwidth_chart",
    "open_cards",
    "open_chart",
    "open_controls",
    "open_monitor",
    "open_order_table",
    "open_part",
    "open_position_table",
    "open_quote_table",
    "open_summary",
]


def open_part(
    feed: Runtime,
    key: Hashable,
    part: str,
    state_of: Callable[[int], dict[str, Any]],
    snapshot_of: Callable[[int], dict[str, Any]],
    options: Mapping[str, Any] | None = None,
) -> LiveView:
    """A live view that a part of the dashboard's module draws.

    Parameters
    ----------
    key
        Tells it from other views of the feed; the one of that key that lives is given again.
    part
        One of ``view.parts.PARTS``.
    state_of
        What the part draws, as of a moment (UTC ns); called on the publisher's thread.
    snapshot_of
        The same for a reader without a kernel, by mimetype: ``text/html`` without scripts, ``image/png``,
        and always ``text/plain``.
    options
        What the module is told once.
    """
    return publisher_of(feed).open(key, lambda: StateView(feed, part, state_of, snapshot_of, options=options))


def _open(
    feed: Runtime, part: str, symbols: Sequence[str] | None = None, broker: str | None = None
) -> LiveView:
    manager = feed.manager
    chosen = None if symbols is None else frozenset(symbols)
    return open_part(
        feed,
        (part, chosen, broker),
        part,
        lambda now_ns: view_state(manager, now_ns, part, chosen, broker),
        lambda now_ns: part_snapshot(manager, now_ns, part, chosen, broker),
    )


def open_monitor(feed: Runtime, updates_per_second: float | None, controls: bool) -> LiveView:
    """All of it, below the controls unless they are not wanted."""
    publisher = publisher_of(feed)
    if updates_per_second is not None:
        publisher.set_rate(updates_per_second)
    if not controls:
        return _open(feed, "monitor")
    manager = feed.manager

    def make() -> StateView:
        return StateView(
            feed,
            "monitor",
            lambda now_ns: view_state(manager, now_ns, "monitor"),
            lambda now_ns: part_snapshot(manager, now_ns, "monitor"),
            above=ControlsView(feed, publisher),
        )

    return publisher.open(("monitor", "with controls"), make)


def open_cards(feed: Runtime) -> LiveView:
    return _open(feed, "cards")


def open_quote_table(feed: Runtime, symbols: Sequence[str] | None) -> LiveView:
    """``symbols``: qualified names; None is all that is subscribed."""
    return _open(feed, "quotes", symbols=symbols)


def open_order_table(feed: Runtime, broker: str | None) -> LiveView:
    names = [health.broker_name for health in feed.manager.all_health()]
    if broker is not None and broker not in names:
        raise ConfigError(f"broker: expected one of {', '.join(names)}, found {broker!r}")
    return _open(feed, "orders", broker=broker)


def open_position_table(feed: Runtime) -> LiveView:
    return _open(feed, "desk")


def open_bandwidth_chart(feed: Runtime) -> LiveView:
    return _open(feed, "bandwidth")


def open_summary(feed: Runtime) -> LiveView:
    return _open(feed, "summary")


def open_chart(feed: Runtime, index: int, candles: str | None, minutes: float | None) -> LiveView:
    """``index``: the instrument's, in the feed's store."""
    key = ("chart", feed.manager.quotes.instruments[index].key, candles, minutes)
    return publisher_of(feed).open(key, lambda: ChartView(feed, index, candles, minutes))


def open_controls(feed: Runtime) -> LiveView:
    publisher = publisher_of(feed)
    return publisher.open("controls", lambda: ControlsView(feed, publisher))


def display_feed(feed: Runtime) -> None:
    """A feed by itself in a cell: a short live summary; in a terminal, or once it is closed, a text."""
    if feed.closed or not in_kernel():
        print(feed_text(feed))
        return
    open_summary(feed)._ipython_display_()

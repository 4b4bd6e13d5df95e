"""What a person sets in a notebook: what streams, who carries quotes, how often views are written.

Callbacks come on whichever thread the kernel likes. They hand the work to the feed's own loop and return at
once; what comes of it is written by the publisher's thread, into the controls and nowhere else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from datetime import date
from functools import partial
from html import escape
from typing import Any

import ipywidgets

from dualbroker.clock import ist
from dualbroker.feed.runtime import Runtime
from dualbroker.figures import UNKNOWN, number
from dualbroker.instruments.search import Found
from dualbroker.instruments.words import instrument_details, instrument_title
from dualbroker.model import Instrument
from dualbroker.notebook.live.live_view import LiveView
from dualbroker.notebook.live.publisher import Publisher
from dualbroker.view.rows import price_decimals

__all__ = ["ControlsView", "found_words", "instrument_words"]

HITS_SHOWN = 30
SEARCH_PAUSE_S = 0.25
"""After the last key, before it is looked for."""
RATES = (1, 2, 4, 8)
AUTO = "auto"


def instrument_words(instrument: Instrument, today: date, last_price: float | None = None) -> str:
    """An instrument in a list to choose from: ``NIFTY 26000 CE · NFO · 1 Dec · lot 75 · 131.45``, as on the
    page. ``last_price`` in rupees, None where it is not streamed."""
    price = "" if last_price is None else number(last_price, price_decimals(instrument))
    words = (instrument_title(instrument), instrument.exchange, instrument_details(instrument, today), price)
    return " · ".join(filter(None, words))


def found_words(words: str, found: Found) -> str:
    """Where it was looked for, so that "nothing" is not taken for more than it is; the page says the same."""
    missed = [f"{name} could not be searched: {why}" for name, why in found.not_searched.items()]
    where = ", ".join(found.searched)
    said = (
        f"Searched {where}." if found.instruments else f"Nothing on {where or 'any exchange'} fits “{words}”."
    )
    return " ".join([said, *missed])


class ControlsView(LiveView):
    """Search and subscribe, the broker that carries quotes, the update rate."""

    what = "controls"

    def __init__(self, feed: Runtime, publisher: Publisher) -> None:
        super().__init__()
        self._feed = feed
        self._publisher = publisher
        self._hits: dict[str, Instrument] = {}
        self._typed: tuple[str, float] | None = None
        self._searched = ""
        self._entered = ""
        self._policy: tuple[str | None, str | None] | None = None
        self._telling = threading.local()
        self._make()
        self._widget = ipywidgets.VBox(
            [
                ipywidgets.HBox(
                    [self._search, self._add, self._remove, self._sources, self._rate],
                    layout={"flex_flow": "row wrap", "align_items": "center"},
                ),
                self._found,
                self._words,
            ]
        )

    def _make(self) -> None:
        self._search = ipywidgets.Text(
            placeholder="search, Enter adds: nifty 26000 ce",
            continuous_update=True,
            layout={"width": "300px"},
        )
        self._found = ipywidgets.Select(options=[], rows=7, layout={"width": "460px", "display": "none"})
        button = {"width": "auto"}
        self._add = ipywidgets.Button(description="Subscribe", disabled=True, layout=button)
        self._remove = ipywidgets.Button(description="Unsubscribe", disabled=True, layout=button)
        self._sources = ipywidgets.Dropdown(
            description="quotes from",
            options=[],
            layout={"width": "250px"},
            style={"description_width": "initial"},
        )
        self._rate = ipywidgets.Dropdown(
            description="updates per second",
            options=self._rates(),
            value=self._publisher.updates_per_second,
            layout={"width": "190px"},
            style={"description_width": "initial"},
        )
        self._words = ipywidgets.HTML()
        self._search.observe(self._when_typed, "value")
        self._search.on_msg(lambda _widget, content, _buffers: self._when_sent(content))
        self._found.observe(self._when_chosen, "index")
        self._add.on_click(lambda _: self._subscribe())
        self._remove.on_click(lambda _: self._unsubscribe())
        self._sources.observe(self._when_source_chosen, "value")
        self._rate.observe(self._when_rate_chosen, "value")

    def _rates(self) -> list[tuple[str, float]]:
        rates = sorted({*map(float, RATES), self._publisher.updates_per_second})
        return [(f"{rate:g}", rate) for rate in rates]

    @property
    def widget(self) -> ipywidgets.Widget:
        return self._widget

    # Searching

    def _when_typed(self, change: dict[str, Any]) -> None:
        self._typed = (str(change["new"]).strip(), time.monotonic())

    def _look_for_typed(self) -> None:
        typed = self._typed
        if typed is None or time.monotonic() - typed[1] < SEARCH_PAUSE_S:
            return
        self._typed = None
        self._searched = words = typed[0]
        if words:
            self._ask(self._feed.manager.find(words, limit=HITS_SHOWN), partial(self._show_found, words))
        else:
            self._show_hits(words, [])
            self._say("")

    def _show_found(self, words: str, found: Found) -> None:
        if words != self._searched or self.closed:
            return
        self._show_hits(words, found.instruments)
        self._say(found_words(words, found))
        if self._entered == words and found.instruments:
            self._subscribe()
        self._entered = ""

    def _when_sent(self, content: dict[str, Any]) -> None:
        """Enter adds what is chosen; where the answer is still on its way, its first."""
        if content.get("event") != "submit":
            return
        words = str(self._search.value).strip()
        if words and words == self._searched and self._chosen() is not None:
            self._subscribe()
        else:
            self._entered = words

    def _show_hits(self, words: str, hits: list[Instrument], chosen: Instrument | None = None) -> None:
        if words != self._searched or self.closed:
            return
        self._hits = {}
        for hit in hits:
            label = self._label(hit)
            # Two of the same words, such as series of one share, are told apart by their symbols.
            self._hits[f"{label} · {hit.symbol}" if label in self._hits else label] = hit
        self._found.options = list(self._hits)
        self._found.layout.display = "" if hits else "none"
        if hits:
            self._found.index = hits.index(chosen) if chosen in hits else 0
        self._show_buttons()

    def _label(self, hit: Instrument) -> str:
        manager = self._feed.manager
        words = instrument_words(
            hit, ist(manager.clock.now_ns()).date(), manager.quotes.last_price_of(hit.key)
        )
        return f"● {words}" if hit.key in manager.wanted() else words

    def _when_chosen(self, change: dict[str, Any]) -> None:
        self._show_buttons()

    def _chosen(self) -> Instrument | None:
        return self._hits.get(self._found.value)

    def _show_buttons(self) -> None:
        chosen = self._chosen()
        held = chosen is not None and chosen.key in self._feed.manager.wanted()
        self._add.disabled = chosen is None or held
        self._remove.disabled = not held

    # Subscribing

    def _subscribe(self) -> None:
        if (chosen := self._chosen()) is not None:
            self._say(f"Subscribing {chosen.qualified_name} …")
            self._ask(self._feed.manager.subscribe([chosen]), lambda _: self._after_subscribing(chosen))

    def _unsubscribe(self) -> None:
        if (chosen := self._chosen()) is not None:
            self._ask(self._feed.manager.unsubscribe([chosen]), lambda _: self._after(chosen, "released"))

    def _after_subscribing(self, chosen: Instrument) -> None:
        self._after(chosen, "subscribed")
        for view in self._publisher.views:
            view.show(chosen.qualified_name)

    def _after(self, chosen: Instrument, done: str) -> None:
        self._show_hits(self._searched, list(self._hits.values()), chosen)
        held = chosen.key in self._feed.manager.wanted()
        rest = "; it streams on, for somebody else holds it too" if done != "subscribed" and held else ""
        self._say(f"{chosen.qualified_name}: {done}{rest}.")

    # Who carries quotes, and how often views are written

    def _when_source_chosen(self, change: dict[str, Any]) -> None:
        chosen = change["new"]
        if getattr(self._telling, "now", False) or chosen is None:
            return
        self._say(f"Quotes from {chosen} …")
        self._ask(self._feed.manager.set_quote_source(chosen), lambda _: self._moved(chosen))

    def _moved(self, chosen: str) -> None:
        self._policy = None
        carrying = self._feed.primary or "no broker"
        why = "chosen by what is measured" if chosen == AUTO else "by your choice"
        self._say(f"Quotes from {carrying}, {why}.")

    def _when_rate_chosen(self, change: dict[str, Any]) -> None:
        if not getattr(self._telling, "now", False):
            self._publisher.set_rate(change["new"])

    # What is written, on the publisher's thread

    def _is_unseen(self) -> bool:
        # Nobody says whether somebody looks, and there is next to nothing to write.
        return False

    def _write(self) -> None:
        self._look_for_typed()
        self._telling.now = True
        try:
            self._show_policy()
            if self._rate.value != self._publisher.updates_per_second:
                self._rate.options = self._rates()
                self._rate.value = self._publisher.updates_per_second
        finally:
            self._telling.now = False

    def _show_policy(self) -> None:
        """Who is chosen, and who carries quotes where that is somebody else; written when it has changed,
        so that a choice which is on its way is not taken back."""
        policy = (self._feed.manager.preferred, self._feed.primary)
        if policy == self._policy:
            return
        self._policy = policy
        chosen, now = policy
        names = self._feed.manager.streaming_brokers()
        labels = {name: f"{name} (now {now or UNKNOWN})" if name == chosen != now else name for name in names}
        labels[AUTO] = f"{AUTO} (now {now or UNKNOWN})" if chosen is None else AUTO
        self._sources.options = [(label, name) for name, label in labels.items()]
        self._sources.value = chosen if chosen in names else AUTO

    def _write_failure(self, words: str) -> None:
        self._say(words)

    def _say(self, words: str) -> None:
        def write() -> None:
            if not self.closed:
                self._words.value = escape(words)

        self._publisher.soon(write)

    def _ask(self, work: Coroutine[Any, Any, Any], then: Callable[[Any], None]) -> None:
        """Have the feed do something; what comes of it is told on the publisher's thread."""

        def done(future: Future[Any]) -> None:
            self._publisher.soon(partial(self._tell, future, then))

        try:
            self._feed.submit(work).add_done_callback(done)
        except Exception as error:
            self._say(f"{type(error).__name__}: {error}")

    def _tell(self, future: Future[Any], then: Callable[[Any], None]) -> None:
        if self.closed:
            return
        try:
            result = future.result()
        except CancelledError:
            return
        except Exception as error:
            self._policy = None
            self._say(str(error))
            return
        then(result)

    def _snapshot(self) -> dict[str, Any]:
        words = "Controls of a live feed; they work while its kernel runs."
        return {"text/html": f"<p><small>{words}</small></p>", "text/plain": words}

"""The desk of a feed that runs its brokers: every account's books, kept by reads and by the order stream."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from dualbroker.brokers.base import Broker
from dualbroker.clock import NS_PER_S, Clock, ist
from dualbroker.config.schema import DeskConfig
from dualbroker.desk.books import DeskStore
from dualbroker.desk.desk import Desk
from dualbroker.desk.positions import DELIVERY
from dualbroker.manager.desk.reader import DeskReader
from dualbroker.manager.order_follower import OrderFollower, OrderSource
from dualbroker.market_hours import MarketHours
from dualbroker.model import FillReport, OrderKey, Side, UpdateSource
from dualbroker.stores.order_state import OrderState
from dualbroker.stores.orders import OrderEvent

__all__ = ["HOLDER", "DeskKeeper"]

logger = logging.getLogger("dualbroker")

HOLDER = "desk"
"""Under which it holds what it has streamed."""
_EXCHANGES = ("NSE", "BSE", "NFO", "BFO", "CDS", "MCX")
CURVE_EVERY_S = 1.0


class DeskKeeper:
    """Keeps the books of all accounts, and the curve of the day's profit.

    Parameters
    ----------
    source
        Whose orders, and who streams.
    desk
        What is worked out of the books.
    subscribes
        Whether what is held is streamed by itself.
    states
        The ledger's states, by their keys.
    note
        Told by broker's name what went wrong and what is done about it.
    """

    def __init__(
        self,
        source: OrderSource,
        store: DeskStore,
        desk: Desk,
        *,
        settings: DeskConfig,
        subscribes: bool,
        states: Mapping[OrderKey, OrderState],
        market_hours: MarketHours,
        clock: Clock,
        note: Callable[[str, str, str], None],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._store = store
        self._desk = desk
        self._settings = settings
        self._subscribes = subscribes
        self._states = states
        self._market_hours = market_hours
        self._clock = clock
        self._note = note
        self._spawn = spawn
        self._follower = OrderFollower(source, HOLDER, self._wanted)
        self._kept: dict[str, None] = {}
        """Names once wanted today: what is traded on and off is not subscribed and unsubscribed each time."""
        self._kept_day: date | None = None
        self.readers: dict[str, DeskReader] = {}
        self._unexplained: dict[str, dict[tuple[str, str, str], bool]] = {}
        """By broker: positions whose profit nothing explained at the last read, and whether that was told."""

    def add_broker(self, broker: Broker) -> None:
        """Keep one more account's books."""
        self._store.account(broker.name)
        if self._settings.read:
            self.readers[broker.name] = DeskReader(
                broker,
                self._store,
                every_s=self._settings.read_every,
                market_is_open=self._market_is_open,
                note=partial(self._note, broker.name),
                on_read=partial(self._after_read, broker.name),
            )

    def start(self) -> None:
        """Begin to read, to draw the curve, and to hold what is held."""
        if not self._settings.read:
            return
        for reader in self.readers.values():
            self._spawn(reader.run())
        self._spawn(self._draw_curve())
        if self._subscribes:
            self._follower.look()
            self._spawn(self._follower.run())

    # What happens

    def on_connected(self, name: str) -> None:
        if name in self.readers:
            self.readers[name].connected()

    def on_down(self, name: str, why: str) -> None:
        if name in self.readers:
            self.readers[name].down(why)

    def on_trades(self, name: str, fills: Sequence[FillReport], asked_ns: int) -> None:
        """A trade book was read."""
        self._store.take_trade_book(name, fills, asked_ns)
        if name in self.readers:
            self.readers[name].reconciled()

    def on_order(self, event: OrderEvent) -> None:
        """Something happened to an order: a fill counts at once, and the books are read soon."""
        update = event.update
        state = self._states.get(update.key)
        if state is not None and update.source is UpdateSource.STREAM and update.fill_id is not None:
            self._store.take_fill(
                FillReport(
                    broker_name=update.broker_name,
                    order_id=update.order_id,
                    trading_day=update.trading_day,
                    fill_id=update.fill_id,
                    quantity=update.fill_quantity,
                    price=update.fill_price,
                    exchange=state.exchange,
                    token=state.token,
                    symbol=state.symbol,
                    product=state.product,
                    side=None if state.side is None else Side(state.side),
                    fill_time_ns=update.fill_time_ns or update.exchange_time_ns,
                    receive_time_ns=update.receive_time_ns,
                )
            )
        reader = self.readers.get(update.broker_name)
        if reader is not None:
            delivery = state is not None and state.product in DELIVERY and bool(state.filled_quantity)
            reader.order_event(delivery=delivery)
            self._follower.look()

    # The rest

    def _after_read(self, name: str) -> None:
        self._follower.look()
        self._audit(name)

    def _audit(self, name: str) -> None:
        """A profit that no rule explains, in two reads after each other, is an incident."""
        found = {
            (line.held.exchange, line.held.symbol, line.held.product): line.found.rule
            for line in self._desk.check()
            if line.held.broker_name == name and line.found.explained is False and not line.held.doubt
        }
        before = self._unexplained.get(name, {})
        for key, rule in found.items():
            if key in before and not before[key]:
                words = "the two profits differ" if rule == "unexplained" else rule
                self._note(
                    name,
                    f"{name}: the profit of {key[0]}:{key[1]} ({key[2]}) can't be explained: {words}",
                    "feed.pnl_check() shows both figures; compare them with the broker's own page",
                )
        self._unexplained[name] = {key: key in before for key in found}

    def _market_is_open(self) -> bool:
        return self._market_hours.any_open(_EXCHANGES, self._clock.now_ns())

    def _wanted(self) -> list[str]:
        today = ist(self._clock.now_ns()).date()
        if today != self._kept_day:
            self._kept_day = today
            self._kept = {}
        self._kept |= dict.fromkeys(f"{exchange}:{symbol}" for exchange, symbol in self._desk.wanted())
        return list(self._kept)

    async def _draw_curve(self) -> None:
        """A point a second for each account, while the market is open."""
        while True:
            await asyncio.sleep(CURVE_EVERY_S)
            now_ns = self._clock.now_ns()
            if not self._market_is_open():
                continue
            second_ns = now_ns // NS_PER_S * NS_PER_S
            for point in self._desk.curve_points(second_ns):
                self._store.add_point(point)

"""Watches a run: what must hold at every moment is looked at twice a second, and at every batch of ticks."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping
from typing import Any

from dualbroker.chaos.changes import SourceChanges
from dualbroker.chaos.market import market_is_open
from dualbroker.chaos.schedule import Schedule
from dualbroker.chaos.troubles import REST_IS_DOWN, Troubles
from dualbroker.chaos.world import World
from dualbroker.model import FeedType, InstrumentKey
from dualbroker.simulator.broker import SimulatedBroker
from dualbroker.stores.health import BrokerState

__all__ = ["Complaints", "LogWatch", "Watch", "allowed_gap_s", "hand_over_s", "streams"]

SAMPLE_EVERY_S = 0.5
MOST_COMPLAINTS = 20
"""Of one rule: the first ones tell."""


class Complaints:
    """What broke which rule, in words."""

    def __init__(self) -> None:
        self.by_rule: dict[str, list[str]] = {}

    def add(self, rule: str, words: str) -> None:
        known = self.by_rule.setdefault(rule, [])
        if len(known) < MOST_COMPLAINTS:
            known.append(words)


def hand_over_s(schedule: Schedule) -> float:
    """Longest time in which two brokers may stream one instrument: an acknowledgement that comes late."""
    return 12.0 + 2 * schedule.latency_s


def allowed_gap_s(schedule: Schedule) -> float:
    """Longest time without quotes while some broker is well: silence is noticed, the market is asked by REST
    at a source that may not answer, another broker takes over and acknowledges."""
    liveness = schedule.settings["liveness"]
    noticed = max(
        liveness["quotes_silent_after"] + 2 * liveness["probe_every"],
        liveness["ping_every"] + liveness["pong_within"],
        liveness["heartbeat_every"] + liveness["heartbeat_within"],
    )
    return float(noticed) + 8.0


def streams(broker: SimulatedBroker) -> set[int]:
    """Positions of the instruments that a broker streams on any of its open connections."""
    return {index for session in broker.sessions for index, _ in session.subscribed}


class LogWatch(logging.Handler):
    """Keeps what the client logs with a traceback: nothing unforeseen may happen, whatever comes."""

    def __init__(self, complaints: Complaints) -> None:
        super().__init__(logging.ERROR)
        self._complaints = complaints

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            words = f"{record.getMessage()}: {type(error).__name__}: {error}"
            self._complaints.add("nothing unforeseen", words)

    def take_from_loop(self, loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        """An exception handler of the loop."""
        words = f"{context.get('message')}: {context.get('exception')!r}"
        self._complaints.add("nothing unforeseen", words)


class Watch:
    """Looks at the client and at the simulator, and complains."""

    def __init__(
        self, world: World, troubles: Troubles, complaints: Complaints, changes: SourceChanges
    ) -> None:
        self._world = world
        self._changes = changes
        self._troubles = troubles
        self._complaints = complaints
        self._brokers = {broker.name: broker for broker in world.simulation.brokers}
        self._two_since_s: dict[int, float] = {}
        self._streamed: dict[str, dict[int, float]] = {name: {} for name in world.names}
        """By broker and position: when it was last seen to be streamed."""
        # Shortly before midnight an empty book may be tomorrow's.
        down = [word for word in REST_IS_DOWN if word != "no_data" or world.schedule.moment != "midnight"]
        self._blind = {name: troubles.spans(name, down) for name in world.names}
        """By broker: when no book could be read, but for those that were complained about."""
        self._orders_known_since_s = dict.fromkeys(world.names, math.inf)
        self._places: dict[int, int | None] = {}
        self._rows_seen = 0
        self._last_rows = 0
        self._last_move_s = 0.0
        self._last_prices: dict[InstrumentKey, tuple[float | None, ...]] = {}
        self._hand_over_s = hand_over_s(world.schedule)
        self._allowed_gap_s = allowed_gap_s(world.schedule)
        self._ready_since_s = dict.fromkeys(world.names, math.inf)

    async def run(self) -> None:
        """Look, for as long as nobody cancels it."""
        self._world.manager.quote_listeners.append(self.look_at_ticks)
        while True:
            self.look()
            await asyncio.sleep(SAMPLE_EVERY_S)

    def look(self) -> None:
        now_s = asyncio.get_running_loop().time()
        self._look_at_streams(now_s)
        self._look_at_readiness(now_s)
        self._look_at_flow(now_s)
        self._look_at_books(now_s)

    # One source

    def _look_at_streams(self, now_s: float) -> None:
        count: dict[int, list[str]] = {}
        for name, broker in self._brokers.items():
            streamed = self._streamed[name]
            for index in streams(broker):
                streamed[index] = now_s
                count.setdefault(index, []).append(name)
        self._look_at_limits()
        double = {index: names for index, names in count.items() if len(names) > 1}
        for index in [index for index in self._two_since_s if index not in double]:
            del self._two_since_s[index]
        for index, names in double.items():
            since_s = self._two_since_s.setdefault(index, now_s)
            lasted_s = now_s - since_s
            if lasted_s <= self._hand_over_s:
                continue
            if all(self._troubles.is_well(name, since_s - self._hand_over_s, now_s) for name in names):
                self._complaints.add(
                    "one source",
                    f"{self._name(index)} was streamed by {' and '.join(names)} for {lasted_s:.1f} s "
                    f"until {now_s:.1f} s, both of them well; a hand-over may take {self._hand_over_s:.1f} s",
                )
                self._two_since_s[index] = now_s

    def _look_at_limits(self) -> None:
        for name, settings in self._world.schedule.broker_settings.items():
            most = settings.get("max_subscriptions")
            if most is None:
                continue
            for session in self._brokers[name].sessions:
                count = len({index for index, _ in session.subscribed})
                if count > most:
                    self._complaints.add(
                        "limits", f"{name} streams {count} instruments, though it may stream {most}"
                    )

    # Prices keep coming

    def _look_at_readiness(self, now_s: float) -> None:
        """Since when each broker could have carried the quotes: it was well, and had the client connected."""
        for name, broker in self._brokers.items():
            is_ready = (
                any(session.account is not None for session in broker.sessions)
                and self._troubles.can_stream(name, now_s)
                and self._troubles.is_well(name, now_s - SAMPLE_EVERY_S, now_s)
            )
            self._ready_since_s[name] = min(self._ready_since_s[name], now_s) if is_ready else math.inf

    def _look_at_flow(self, now_s: float) -> None:
        store = self._world.manager.quotes
        rows = store.total_rows
        moving = market_is_open(self._world.clock.now_ns()) and not self._world.simulation.stopped
        prices = self._prices()
        # What is wanted only now has not moved, and what was released moves for nobody.
        stands_still = all(self._last_prices.get(key, price) == price for key, price in prices.items())
        if rows != self._last_rows or not moving or stands_still:
            self._last_rows, self._last_move_s, self._last_prices = rows, now_s, prices
            return
        gap_s = now_s - self._last_move_s
        if gap_s <= self._allowed_gap_s:
            return
        well = [name for name in self._world.names if self._ready_since_s[name] <= self._last_move_s]
        if well:
            health = self._world.manager.health
            self._complaints.add(
                "prices keep coming",
                f"no quote from {self._last_move_s:.1f} s to {now_s:.1f} s, though {', '.join(well)} "
                f"was well and {self._allowed_gap_s:.1f} s are enough to move; primary is "
                f"{self._world.manager.primary}; "
                + "; ".join(f"{name} {each.words}" for name, each in health.items()),
            )
            self._last_move_s = now_s

    def _prices(self) -> dict[InstrumentKey, tuple[float | None, ...]]:
        """What is wanted, as the market has it now."""
        market = self._world.market
        wanted = self._world.manager.wanted()
        places = {key: place for key in wanted if (place := market.index_of(key)) is not None}
        quotes = {key: market.quote(place) for key, place in places.items()}
        return {key: (quote.get("ltp"), quote.get("volume")) for key, quote in quotes.items()}

    # A failed read is no empty book

    def _look_at_books(self, now_s: float) -> None:
        for name, health in self._world.manager.health.items():
            known_s = self._orders_known_since_s[name]
            known_s = min(known_s, now_s) if self._has_orders_beyond_doubt(name) else math.inf
            self._orders_known_since_s[name] = known_s
            for span in self._blind[name]:
                begun_s = span[0] + _ON_ITS_WAY_S
                if health.state is not BrokerState.LIVE:
                    # A poll believes the book; the reconcile, which compares it with the trades, does not.
                    begun_s += self._world.config.orders.reconcile_every
                if not begun_s < now_s <= span[1] or health.last_book_ns is None or health.book_problem:
                    continue
                read_s = (health.last_book_ns - self._world.clock.now_ns()) / 1e9 + now_s
                if read_s > max(begun_s, known_s + _IN_THE_BOOK_S):
                    self._complaints.add(
                        "a failed read is no book",
                        f"{name}: its order book counts as read at {read_s:.1f} s, while none could be read "
                        f"from {span[0]:.1f} s to {span[1]:.1f} s",
                    )
                    self._blind[name] = [each for each in self._blind[name] if each != span]

    def _has_orders_beyond_doubt(self, name: str) -> bool:
        """That "no data" is wrong can be known only by who knew of orders before; then they are in doubt."""
        return any(
            key[0] == name and not state.doubt for key, state in self._world.manager.orders.states.items()
        )

    # Tags

    def look_at_ticks(self) -> None:
        """Called with every batch that was stored: each row's broker was the source, and streams it."""
        store = self._world.manager.quotes
        market = self._world.market
        for block, start, stop in store.rows_since(self._rows_seen):
            for place in range(start, stop):
                index = block.instruments[place]
                name = store.broker_names[block.brokers[place]]
                market_index = self._place_of(index)
                if name != store.source(index):
                    self._complaints.add(
                        "tags",
                        f"a tick of {self._name(market_index)} is stored as {name}'s, while its source is "
                        f"{store.source(index)}",
                    )
                if not self._may_have_sent(name, market_index):
                    self._complaints.add(
                        "tags",
                        f"a tick of {self._name(market_index)} is stored as {name}'s, "
                        "which does not stream it",
                    )
                row = block.row(place)
                if market_index is not None:
                    self._changes.see(market_index, name, int(row[0]))
                price, volume = row[2], row[8]
                pair = (price, None if volume != volume else volume)
                if market_index is None or pair not in market.past[market_index]:
                    self._complaints.add(
                        "values",
                        f"{self._name(market_index)}: last price {price} with volume {volume} is stored, "
                        "which the market never had",
                    )
        self._rows_seen = store.total_rows

    def _place_of(self, index: int) -> int | None:
        if index not in self._places:
            self._places[index] = self._world.market.index_of(
                self._world.manager.quotes.instruments[index].key
            )
        return self._places[index]

    def _may_have_sent(self, name: str, index: int | None) -> bool:
        """Whether a broker streams an instrument, or did so lately: what was sent is late by faults."""
        if index is None:
            return False
        for session in self._brokers[name].sessions:
            if any((index, kind) in session.subscribed for kind in FeedType):
                return True
        seen_s = self._streamed[name].get(index, -1e9)
        now_s = asyncio.get_running_loop().time()
        return now_s - seen_s < _LATE_S or not self._troubles.is_well(name, seen_s - 1.0, now_s)

    def _name(self, index: int | None) -> str:
        return (
            "an unknown instrument" if index is None else self._world.market.instruments[index].qualified_name
        )


_ON_ITS_WAY_S = 12.0
"""A book that was read before REST went down is taken in when its trades and histories are, ten seconds
later where these are not answered."""
_IN_THE_BOOK_S = 3.0
"""An order that was first seen so shortly before a book was asked for may be missing in it."""
_LATE_S = 5.0

"""Everything at the other end of the wire in one object: one market, several brokers, no I/O.

Drivers move it on by elapsed time and carry its bytes: `server` over real sockets, `memory` inside a
process and in virtual time. For the same market, seed and sequence of calls it does the same.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from dualbroker.errors import DualBrokerError
from dualbroker.model import Instrument
from dualbroker.noren.times import ist_day
from dualbroker.simulator.broker import BrokerRules, SimulatedBroker, TokensDie
from dualbroker.simulator.day import DayCalendar, Turn, still_listed
from dualbroker.simulator.faults.faults import ALL_BROKERS, NO_FAULTS, Faults, Strike, changed
from dualbroker.simulator.faults.planned import PlannedStrike, PlannedStrikes
from dualbroker.simulator.market.market import Market
from dualbroker.simulator.trading.accounts import generate_account
from dualbroker.simulator.trading.actor import OrderActor
from dualbroker.simulator.wire.catalogue import Catalogue
from dualbroker.simulator.wire.fan_out import QuoteFanOut

__all__ = ["Simulation"]

_MATCH_INTERVAL_NS = 50_000_000


class Simulation:
    """Simulated brokers over one market.

    Parameters
    ----------
    market
        Synthetic or replayed; the simulation moves it.
    broker_names
        One broker each.
    seed
        Of accounts, tokens, fills and the actors' orders.
    orders_per_minute
        Of the actor on each account; 0 for none.
    accounts_per_broker
        Clients of each broker.
    rules
        How the brokers behave where real ones differ: all of them, or by name.
    hold
        True: market and actors wait for ``release``.
    trading_days
        True: days turn, by market time. Orders end at the close; the books are empty and expired
        derivatives gone from midnight on; session tokens die at 03:00 IST. For synthetic markets.
    session
        When the market opens and closes every day, nanoseconds after midnight IST; outside it nothing
        moves and no actor trades. None: it is always open.
    tokens_die
        What becomes of connections whose session token dies; ``never``: none dies at 03:00.
    """

    def __init__(
        self,
        market: Market,
        broker_names: Sequence[str],
        *,
        seed: int = 0,
        orders_per_minute: float = 0.0,
        accounts_per_broker: int = 1,
        rules: BrokerRules | Mapping[str, BrokerRules] | None = None,
        hold: bool = False,
        trading_days: bool = False,
        session: tuple[int, int] | None = None,
        tokens_die: TokensDie = "close",
    ) -> None:
        self.market = market
        self.fan_out = QuoteFanOut(market)
        self.held = hold
        self.stopped = False
        self.ticks_produced = 0
        """Changes of the market so far, watched or not: the rows sent by a replay."""
        self.running_ns = 0
        """Time it has been moved on by."""
        self._next_match_ns = 0
        self._planned = PlannedStrikes()
        self._calendar = DayCalendar(session, trading_days=trading_days)
        self._tokens_die = tokens_die
        catalogue = Catalogue(market.instruments)
        self.brokers = [
            SimulatedBroker(
                name,
                [generate_account(seed, name, number) for number in range(accounts_per_broker)],
                market,
                self.fan_out,
                catalogue,
                rules=rules.get(name, BrokerRules())
                if isinstance(rules, Mapping)
                else rules or BrokerRules(),
                seed=seed,
                tokens_die=tokens_die,
            )
            for name in broker_names
        ]
        self._actors = [
            OrderActor(
                trading,
                market,
                orders_per_minute=orders_per_minute,
                dice=random.Random(f"actor/{seed}/{broker.name}/{uid}"),
            )
            for broker in self.brokers
            for uid, trading in broker.trading.items()
        ]
        self._was_open = True
        self._trading_ns = 0
        """Time during which the actors could trade."""

    def step(self, elapsed_ns: int) -> None:
        """Move on: the market, then orders against it, then the actors; fills the sessions' outboxes."""
        self.running_ns += elapsed_ns
        for planned in self._planned.due(self.running_ns, self.market.now_ns()):
            self.strike(planned.broker, planned.strike)
        for broker in self.brokers:
            broker.carry_on(self.running_ns)
        if self.held or self.stopped:
            return
        if self._calendar.never_turns:
            self._trade(elapsed_ns)
        else:
            self._live_through(elapsed_ns)

    def _tell_whether_open(self) -> None:
        is_open = self.is_open
        if is_open != self._was_open:
            self._was_open = is_open
            for broker in self.brokers:
                for trading in broker.trading.values():
                    trading.market_is_open = is_open

    def catch_up(self, now_ns: int) -> None:
        """Let the market's clock go ahead to a later time, as if nothing was traded until then.

        For a live market on real sockets, whose feed times are compared with receive times: what it took to
        start, a busy machine or a wait for ``release`` must not leave its clock behind. A replay keeps its
        own time, and a market whose days turn is moved on by ``step`` alone.
        """
        late_ns = now_ns - self.market.now_ns()
        if late_ns > 0 and not self.stopped and self._calendar.never_turns:
            self.market.rest(late_ns)

    def _live_through(self, elapsed_ns: int) -> None:
        """Move on piece by piece, from one turn of the day to the next."""
        market = self.market
        while elapsed_ns > 0:
            turn_ns, turn = self._calendar.next_turn(market.now_ns())
            piece_ns = min(elapsed_ns, turn_ns - market.now_ns())
            elapsed_ns -= piece_ns
            self._tell_whether_open()
            if self.is_open:
                # What an actor does at a turn itself belongs to the time after it.
                self._trade(piece_ns, with_actors=market.now_ns() + piece_ns < turn_ns)
            else:
                market.rest(piece_ns)
            if market.now_ns() >= turn_ns and self._calendar.trading_days:
                self._take_turn(turn)
        self._tell_whether_open()

    def _take_turn(self, turn: Turn) -> None:
        if turn is Turn.MIDNIGHT:
            self.market.begin_day()
        for broker in self.brokers:
            if turn is Turn.CLOSE:
                broker.end_orders()
            elif turn is Turn.MIDNIGHT:
                broker.begin_day()
            elif turn is Turn.TOKENS_DIE and self._tokens_die != "never":
                broker.expire_tokens()

    def _trade(self, elapsed_ns: int, *, with_actors: bool = True) -> None:
        ticks = self.market.advance(elapsed_ns)
        self.ticks_produced += len(ticks)
        self.fan_out.publish(ticks)
        if self.running_ns >= self._next_match_ns:
            self._next_match_ns = self.running_ns + _MATCH_INTERVAL_NS
            for broker in self.brokers:
                broker.match_orders()
        self._trading_ns += elapsed_ns
        if with_actors and not self.market.finished:
            for actor in self._actors:
                actor.act(self._trading_ns)

    def release(self) -> None:
        """Start a held market; no-op when it runs."""
        if self.held:
            self.held = False

    def stop(self) -> None:
        """No more ticks, fills or orders of the actors from now on; brokers still answer."""
        self.stopped = True

    def set_faults(self, name: str, **changes: Any) -> None:
        """Turn faults of a broker, or of ``all``, on or off; those that are not named stay as they are.

        Raises
        ------
        DualBrokerError
            There is no such broker or switch, or a switch can't be set to that; nothing has changed then.
        """
        brokers = self._named(name)
        for broker, faults in [(broker, changed(broker.faults, changes)) for broker in brokers]:
            _put(faults, broker)

    def clear_faults(self, name: str = ALL_BROKERS) -> None:
        """Turn every fault of a broker, or of ``all``, off.

        Raises
        ------
        DualBrokerError
            There is no such broker.
        """
        for broker in self._named(name):
            _put(NO_FAULTS, broker)

    def strike(self, name: str, strike: Strike) -> None:
        """Strike the open connections of a broker, or of ``all``.

        Raises
        ------
        DualBrokerError
            There is no such broker.
        """
        for broker in self._named(name):
            broker.strike(strike)

    def plan_strike(self, planned: PlannedStrike) -> None:
        """Schedule a strike for its moment.

        Raises
        ------
        DualBrokerError
            There is no such broker.
        """
        self._named(planned.broker)
        self._planned.add(planned, self.market.now_ns())

    def faults(self) -> dict[str, Faults]:
        """The faults of every broker."""
        return {broker.name: broker.faults for broker in self.brokers}

    @property
    def is_open(self) -> bool:
        """Whether the market is within its session now."""
        return self._calendar.is_open(self.market.now_ns())

    def listed(self, broker_name: str = "") -> Sequence[Instrument]:
        """What is listed today; at a broker, if one is named, without what it lacks."""
        day, lacks = self.listing(broker_name)
        instruments = self.market.instruments
        if day is not None:
            instruments = still_listed(instruments, day)
        return [item for item in instruments if item.symbol not in lacks] if lacks else instruments

    def listing(self, broker_name: str = "") -> tuple[date | None, frozenset[str]]:
        """By what the lists of two days or brokers differ: the day, if days turn, and what is lacking."""
        day = ist_day(self.market.now_ns()) if self._calendar.trading_days else None
        lacks = [broker.faults.lacks for broker in self.brokers if broker.name == broker_name]
        return day, lacks[0] if lacks else frozenset()

    def state(self) -> dict[str, object]:
        """How far it is."""
        return {
            "market_time_ns": self.market.now_ns(),
            "running_ns": self.running_ns,
            "held": self.held,
            "stopped": self.stopped,
            "finished": self.market.finished,
            "rows_sent": self.ticks_produced,
            "instruments": len(self.market.instruments),
            "connections": {broker.name: len(broker.sessions) for broker in self.brokers},
        }

    def truth(self) -> dict[str, object]:
        """What a perfect observer would know: last prices, orders, order messages, by broker."""
        prices: dict[str, float] = {}
        for index, instrument in enumerate(self.market.instruments):
            last = self.market.quote(index).get("ltp")
            if last is not None:
                prices[f"{instrument.exchange}|{instrument.token}"] = last
        return {
            "last_prices": prices,
            "orders": {broker.name: _order_states(broker) for broker in self.brokers},
            "order_updates": {broker.name: broker.order_frames_produced for broker in self.brokers},
        }

    def _named(self, name: str) -> list[SimulatedBroker]:
        brokers = [broker for broker in self.brokers if name in (broker.name, ALL_BROKERS)]
        if not brokers:
            known = ", ".join([*(broker.name for broker in self.brokers), ALL_BROKERS])
            raise DualBrokerError(f"expected one of {known}, found {name!r}")
        return brokers


def _put(faults: Faults, broker: SimulatedBroker) -> None:
    """In place: anyone who holds a broker's faults sees the change."""
    for field in Faults.__struct_fields__:
        setattr(broker.faults, field, getattr(faults, field))
    broker.follow_faults()


def _order_states(broker: SimulatedBroker) -> dict[str, dict[str, object]]:
    return {
        order.number: {
            "status": order.status.value,
            "quantity": order.terms.quantity,
            "filled_quantity": order.last.filled_quantity,
            "average_price": round(order.last.average_price, 4),
            "updates": len(order.events),
        }
        for trading in broker.trading.values()
        for order in trading.desk.orders.values()
    }

"""Watches for what is worth an alert, keeps it, and has it sent."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial

from dualbroker.alerts.delivery import Delivered, Delivery, make_target
from dualbroker.alerts.engine import AlertEngine, Cause, Condition
from dualbroker.alerts.quiet import is_quiet
from dualbroker.alerts.rules import (
    RULES,
    DayLimits,
    PriceLevel,
    broker_conditions,
    failover_alert,
    margin_conditions,
    order_alert,
    price_condition,
    profit_conditions,
    stop_conditions,
)
from dualbroker.clock import NS_PER_S, market_day
from dualbroker.config.alerts import AlertsConfig
from dualbroker.errors import ArgumentError, DualBrokerError
from dualbroker.manager.source import FeedSource
from dualbroker.market_hours import Phase
from dualbroker.model import Instrument
from dualbroker.stores.alerts import Alert, AlertStore
from dualbroker.stores.orders import OrderEvent
from dualbroker.stores.tick_blocks import TickBlock

__all__ = ["Alerting"]

logger = logging.getLogger("dualbroker")

LOOK_EVERY_S = 1.0
SUBSCRIBE_AGAIN_S = 15.0
TEST_WITHIN_S = 30.0
HOLDER = "alerts"
_CASH = "NSE"


class Alerting:
    """The alerts of one feed.

    Parameters
    ----------
    source
        What is watched.
    config
        The section ``alerts``.
    store
        Where alerts are kept for whoever shows them.
    note
        Told of what went wrong with sending: cause and what to do.
    """

    def __init__(
        self, source: FeedSource, config: AlertsConfig, store: AlertStore, note: Callable[[str, str], None]
    ) -> None:
        self._source = source
        self._config = config
        self._store = store
        self._note = note
        self._engine = AlertEngine()
        self._rules: set[str] = set(config.rules)
        self._levels: dict[PriceLevel, Instrument | None] = {
            PriceLevel(each.symbol, each.above, each.below): None for each in config.prices
        }
        """With the instrument of each, once it is streamed."""
        self._reached: dict[PriceLevel, Condition | None] = {}
        """What the newest trades said of each; not of those without any yet."""
        self._day_limits = DayLimits(config.max_loss, config.max_drawdown)
        self._high: tuple[date, float] | None = None
        """The highest sum of all profits of a day."""
        self._next_row = 0
        self._failovers = 0
        self._subscribed_day: date | None = None
        self._subscribe_at_s = 0.0
        self._was_quiet = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self.delivery = Delivery([])

    def open(self) -> None:
        """Make ready to send.

        Raises
        ------
        MissingExtraError
            An address needs apprise, which is not installed.
        ConfigError
            An address is none that apprise knows.
        """
        self._loop = asyncio.get_running_loop()
        self._source.order_listeners.append(self._on_order)
        addresses = [address.get_secret_value() for address in self._config.send_to]
        for number, address in enumerate(addresses, 1):
            made = make_target(
                number, address, simulated=self._source.is_simulated, on_failure=self._on_failure
            )
            self.delivery.targets.append(made)

    def close(self) -> None:
        """Send what waits, if that is quick, and end."""
        self.delivery.close()

    async def run(self) -> None:
        """Look each second, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self._hold_levels()
                self.look()
            except Exception:
                logger.exception("a look for alerts failed; the next one follows")

    # What a person asks for

    async def add(self, what: str, above: float | None = None, below: float | None = None) -> None:
        """Tell of a price level, or of one more rule.

        Raises
        ------
        ValueError
            ``what`` is no rule, and no level is given, or both are.
        UnknownInstrumentError, AmbiguousInstrumentError
            There is no such instrument.
        """
        levels = [level for level in (above, below) if level is not None]
        if not levels and what in RULES:
            self._rules.add(what)
            return
        if len(levels) != 1 or not (0 < levels[0] < math.inf):
            raise ArgumentError(
                f"expected one of {', '.join(RULES)}, or an instrument with above or below, a price; "
                f"found {what[:64]!r}, above {above}, below {below}"
            )
        level = PriceLevel(what, above, below)
        self._levels[level] = await self._subscribe(what)

    async def remove(self, what: str) -> int:
        """Tell of a rule, or of all price levels of an instrument, no longer; how many there were."""
        if what in self._rules:
            self._rules.remove(what)
            return 1
        gone = [level for level in self._levels if level.symbol == what]
        for level in gone:
            self._reached.pop(level, None)
        held = [instrument for level in gone if (instrument := self._levels.pop(level)) is not None]
        left = {instrument.key for instrument in self._levels.values() if instrument is not None}
        unused = [instrument for instrument in held if instrument.key not in left]
        if unused:
            await self._source.unsubscribe(unused, holder=HOLDER)
        return len(gone)

    async def test(self) -> list[Delivered]:
        """Send a message to each target now, and show one; what came of each."""
        alert = self._store.add(
            Alert(state="test", rule="test", words="this is a test"), self._source.clock.now_ns()
        )
        tries = {target.name: asyncio.wrap_future(target.send_now(alert)) for target in self.delivery.targets}
        if tries:
            await asyncio.wait(tries.values(), timeout=TEST_WITHIN_S)
        late = f"no answer within {TEST_WITHIN_S:g} s"
        return [
            found.result() if found.done() else Delivered(name, late, TEST_WITHIN_S)
            for name, found in tries.items()
        ]

    # What is seen

    def _on_order(self, event: OrderEvent) -> None:
        found = order_alert(event, self._source.clock.now_ns())
        if found is not None and found[1].rule in self._rules:
            self._tell(self._engine.happened(self._now_s(), *found))

    def look(self) -> None:
        """Take in what there is at this moment."""
        now_s = self._now_s()
        holding, unknown = broker_conditions(self._source.all_health())
        if {"no_stop", "triggered"} & self._rules:
            found, not_known = stop_conditions(self._source.desk.stops())
            holding |= found
            unknown |= not_known
        for cause in [cause for cause, condition in holding.items() if condition.rule not in self._rules]:
            del holding[cause]
        for found, not_known in (self._prices(), *self._desk()):
            holding |= found
            unknown |= not_known
        self._tell(self._engine.observe(now_s, holding, unknown))
        for failover in self._source.incidents.failovers_snapshot():
            if failover.number > self._failovers:
                self._failovers = failover.number
                if not failover.planned and "failover" in self._rules:
                    self._tell(self._engine.happened(now_s, *failover_alert(failover)))
        self._tell(self._engine.due(now_s))
        self._end_of_quiet_hours()

    def _desk(self) -> Iterator[tuple[dict[Cause, Condition], set[Cause]]]:
        """What the day's profit and the accounts' margins are worth telling."""
        desk = self._source.desk
        if self._config.max_margin_percent is not None:
            yield margin_conditions(self._config.max_margin_percent, desk.limits())
        if self._config.max_loss is None and self._config.max_drawdown is None:
            return
        profit, day = desk.profit()[-1], market_day(self._source.clock.now_ns())
        if profit.complete:
            before = self._high[1] if self._high is not None and self._high[0] == day else profit.total
            self._high = (day, max(before, profit.total))
        high = self._high[1] if self._high is not None and self._high[0] == day else None
        yield profit_conditions(self._day_limits, profit, high)

    def _prices(self) -> tuple[dict[Cause, Condition], set[Cause]]:
        """Which price levels are reached, by their newest trades, and of which nobody can say."""
        holding: dict[Cause, Condition] = {}
        unknown: set[Cause] = set()
        store, first = self._source.quotes, self._next_row
        self._next_row = store.total_rows
        blocks = list(store.rows_since(max(first, store.first_row))) if self._levels else []
        for level, instrument in self._levels.items():
            index = None if instrument is None else store.index_of(instrument.key)
            if instrument is not None and index is not None:
                prices = [price for block in blocks for price in self._traded(block, index, instrument)]
                if prices:
                    was_there = self._reached.get(level) is not None
                    self._reached[level] = price_condition(level, min(prices), max(prices), was_there)
            if instrument is None or level not in self._reached or not self._is_firm(instrument):
                unknown.add(("price", level))
            elif (condition := self._reached[level]) is not None:
                holding["price", level] = condition
        return holding, unknown

    def _traded(
        self, rows: tuple[TickBlock, int, int], index: int, instrument: Instrument
    ) -> Iterator[float]:
        """Last prices of an instrument, but for those of an auction, which are indicative."""
        block, start, stop = rows
        ticks = block.published()[start:stop][block.published_instruments()[start:stop] == index]
        for receive_ns, feed_s, ltp in ticks[["receive_time", "feed_time", "ltp"]].tolist():
            at_ns = receive_ns if math.isnan(feed_s) else min(receive_ns, int(feed_s) * NS_PER_S)
            if ltp > 0 and self._source.market_hours.phase(instrument.exchange, at_ns) is Phase.CONTINUOUS:
                yield ltp

    def _is_firm(self, instrument: Instrument) -> bool:
        """Whether its price is one at which somebody trades, and of now."""
        now_ns = self._source.clock.now_ns()
        if self._source.market_hours.phase(instrument.exchange, now_ns) is not Phase.CONTINUOUS:
            return False
        name = self._source.source_of(instrument.key)
        return name is not None and self._source.serves(name) and not self._source.why_stale(name)

    async def _hold_levels(self) -> None:
        """Have the instruments of price levels streamed, each day anew."""
        if not self._levels or self._source.primary is None or self._now_s() < self._subscribe_at_s:
            return
        day = market_day(self._source.clock.now_ns())
        missing = [
            level
            for level, instrument in self._levels.items()
            if instrument is None or day != self._subscribed_day
        ]
        self._subscribed_day = day
        for level in missing:
            try:
                found: Instrument | None = await self._subscribe(level.symbol)
            except DualBrokerError as error:
                found = None  # yesterday's key may be another contract's today
                self._subscribe_at_s = self._now_s() + SUBSCRIBE_AGAIN_S
                logger.warning("alert %s: %s", level.words, error)
            if level in self._levels:
                self._levels[level] = found

    async def _subscribe(self, symbol: str) -> Instrument:
        exchange = "NFO"
        try:
            [accepted] = await self._source.subscribe([symbol], exchange, holder=HOLDER)
        except DualBrokerError:
            [accepted] = await self._source.subscribe([symbol], _CASH, holder=HOLDER)
        return accepted.instrument

    # What is told

    def _tell(self, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            told = self._store.add(alert, self._source.clock.now_ns())
            logger.info("Alert: %s%s", "over: " if told.state == "resolved" else "", told.words)
            if not self._is_quiet():
                self.delivery.send(told)

    def _is_quiet(self) -> bool:
        return is_quiet(self._config.quiet_minutes, self._source.clock.now_ns())

    def _end_of_quiet_hours(self) -> None:
        """What began in them and is not over is sent at their end."""
        was_quiet, self._was_quiet = self._was_quiet, self._is_quiet()
        if was_quiet and not self._was_quiet:
            for condition in self._engine.raised:
                words = f"since the quiet hours: {condition.words}"
                alert = Alert(
                    state="raised",
                    rule=condition.rule,
                    words=words,
                    broker_name=condition.broker_name,
                    symbol=condition.symbol,
                )
                self.delivery.send(self._store.add(alert, self._source.clock.now_ns()))

    def _on_failure(self, name: str, problem: str) -> None:
        """Told on a target's own thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            action = "the alert stays in feed.alerts; feed.test_alerts() tries the address"
            loop.call_soon_threadsafe(
                partial(self._note, f"an alert was not delivered to {name}: {problem}", action)
            )

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()

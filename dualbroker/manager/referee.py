"""Has a sample streamed by all brokers, now and then or all day, and keeps what the comparison shows.

What the source brings is read from the quote store, what the others bring comes apart; neither is touched on
a tick's way to anybody else.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable

import msgspec
import numpy as np

from dualbroker.background import BackgroundTasks
from dualbroker.clock import NS_PER_S, Clock, market_day
from dualbroker.errors import ArgumentError, ConnectionFailedError, RequestRefusedError
from dualbroker.market_hours import MarketHours, Phase
from dualbroker.model import InstrumentKey, MessageKind, QuoteBatch
from dualbroker.referee.comparison import Summary
from dualbroker.referee.recorder import Recorder
from dualbroker.referee.sample import choose_sample
from dualbroker.referee.verdict import counting_lags
from dualbroker.routing.driver import Routing
from dualbroker.stores.bandwidth import BandwidthStore
from dualbroker.stores.incidents import IncidentStore
from dualbroker.stores.quotes import QuoteStore

__all__ = ["LONGEST_COMPARISON_S", "BrokerReferee", "ComparedBroker"]

logger = logging.getLogger("dualbroker")

LONGEST_COMPARISON_S = 3600.0
SHORTEST_COMPARISON_S = 1.0
LOOK_S = 1.0
STRETCH_S = 300.0
"""How long a sample is kept in a comparison that goes on all day."""
ACTIVITY_S = 60.0
ACTIVITY_ROWS = 50_000
"""Of the newest stored updates, within these seconds: how lively each instrument is."""


class ComparedBroker(msgspec.Struct, frozen=True, kw_only=True):
    """One broker's figures."""

    broker_name: str
    reference: str
    """The broker with which it is compared; itself, for that one."""
    begun_ns: int
    """UTC."""
    until_ns: int
    read_blur_s: float
    """Receive times may be so much too late, since reads of busy sockets are gathered."""
    figures: Summary


class _Comparison:
    """One that is under way, or over."""

    def __init__(self, reference: str, begun_ns: int) -> None:
        self.recorder = Recorder()
        self.recorder.set_reference(reference)
        self.reference = reference
        self.begun_ns = begun_ns
        self.ended_ns: int | None = None
        self.contradictions: set[tuple[str, InstrumentKey]] = set()
        """Told as incidents."""


class BrokerReferee:
    """Compares brokers: once, when a person asks, or all day within a budget.

    Parameters
    ----------
    prepare
        Has every broker's own keys of what is wanted.
    budget_percent
        Of the quote bytes, for a comparison that goes on all day; None: there is none.
    blur_s
        The longest time by which gathered reads are late.
    """

    def __init__(
        self,
        routing: Routing,
        *,
        quotes: QuoteStore,
        bandwidth: BandwidthStore,
        incidents: IncidentStore,
        market_hours: MarketHours,
        clock: Clock,
        wall_clock: Clock,
        prepare: Callable[[], Awaitable[None]],
        background: BackgroundTasks,
        budget_percent: float | None,
        blur_s: float,
    ) -> None:
        self._routing = routing
        self._machine = routing.machine
        self._quotes = quotes
        self._bandwidth = bandwidth
        self._incidents = incidents
        self._market_hours = market_hours
        self._clock = clock
        self._wall_clock = wall_clock
        self._prepare = prepare
        self._background = background
        self._budget_percent = budget_percent
        self._blur_s = blur_s
        self._once: _Comparison | None = None
        self._all_day: _Comparison | None = None
        self._sample: dict[InstrumentKey, int] = {}
        """With the index in the quote store."""
        self._ours: dict[str, dict[InstrumentKey, InstrumentKey]] = {}
        """By broker and key there."""
        self._rows_seen = 0
        self._times: Counter[InstrumentKey] = Counter()
        self._prepared_for: tuple[str | None, frozenset[str]] = None, frozenset()
        """The primary and the brokers that served when their keys were last looked up."""

    # What brokers bring

    def take(self, batch: QuoteBatch) -> None:
        """Quotes of the sample by a broker that is not their source."""
        ours = self._ours.get(batch.broker_name, {})
        for update in batch.updates:
            key = ours.get((update.exchange, update.token))
            if key is None:
                continue  # on its way when its probe ended
            unit = self._quotes.instruments[self._sample[key]].quote_unit
            volume = None if update.volume is None else update.volume * unit
            self._note(batch.broker_name, key, batch.receive_time_ns, volume, update.ltp)

    def restart(self, name: str) -> None:
        """A broker's connection is another one or no more: nothing is compared across that."""
        self._collect()
        for comparison in self._under_way:
            comparison.recorder.restart(name, self._clock.now_ns())

    @property
    def _under_way(self) -> list[_Comparison]:
        return [each for each in (self._once, self._all_day) if each is not None and each.ended_ns is None]

    def _note(
        self, broker: str, key: InstrumentKey, time_ns: int, volume: float | None, price: float | None
    ) -> None:
        for comparison in self._under_way:
            comparison.recorder.note(broker, key, time_ns, volume, price)

    def _collect(self) -> None:
        """Take what the sources have brought since the last look from the quote store."""
        store, since = self._quotes, self._rows_seen
        self._rows_seen = store.total_rows
        if not self._sample:
            return
        keys = {index: key for key, index in self._sample.items()}
        sampled = np.array(list(keys), np.int32)
        for block, start, stop in store.rows_since(since):
            indices = block.published_instruments()[start:stop]
            for at in (np.flatnonzero(np.isin(indices, sampled)) + start).tolist():
                row = block.published()[at]
                volume, price = float(row["volume"]), float(row["ltp"])
                self._note(
                    store.broker_names[block.brokers[at]],
                    keys[int(block.instruments[at])],
                    int(row["receive_time"]),
                    None if volume != volume else volume,
                    None if price != price else price,
                )

    # The sample

    def _use(self, keys: Iterable[InstrumentKey]) -> None:
        """Have these sampled from now on, and no others."""
        self._collect()
        now_ns = self._clock.now_ns()
        before = self._sample
        self._sample = {key: index for key in keys if (index := self._quotes.index_of(key)) is not None}
        for comparison in self._under_way:
            comparison.recorder.end([key for key in before if key not in self._sample], now_ns)
        self._times.update(key for key in self._sample if key not in before)
        at = self._machine.keys.at
        self._ours = {
            name: {there: key for key in self._sample if (there := at(name, key)) is not None}
            for name in self._machine.standing.brokers
        }
        for key, index in self._sample.items():
            source = self._quotes.source(index)
            if key not in before and source is not None:
                # What it shows already, it has shown before all that comes.
                self._note(source, key, now_ns, self._quotes.volume(index), self._quotes.last_price(index))
        self._routing.sample(self._sample)

    def _activity(self) -> dict[InstrumentKey, float]:
        """Updates a second of what is streamed and trades continuously now.

        In a pre-open session and in an auction prices are indicative, and nothing is compared.
        """
        store = self._quotes
        counts: Counter[int] = Counter()
        oldest_ns = self._clock.now_ns() - round(ACTIVITY_S * NS_PER_S)
        for block, start, stop in store.rows_since(max(store.first_row, store.total_rows - ACTIVITY_ROWS)):
            is_new = block.published()["receive_time"][start:stop] >= oldest_ns
            found, times = np.unique(block.published_instruments()[start:stop][is_new], return_counts=True)
            counts.update(dict(zip(found.tolist(), times.tolist(), strict=True)))
        now_ns = self._wall_clock.now_ns()
        wanted = self._machine.holders.wanted
        continuous = {
            exchange: self._market_hours.phase(exchange, now_ns) is Phase.CONTINUOUS
            for exchange in self._machine.holders.exchanges
        }
        return {
            key: counts[index] / ACTIVITY_S
            for key in wanted
            if continuous.get(key[0])
            and self._machine.moves.is_served(key)
            and (index := store.index_of(key)) is not None
        }

    def _comparable(self) -> list[str]:
        """Brokers that serve and can stream a sample."""
        return [
            name
            for name in self._machine.standing.brokers
            if name in self._machine.probes.able and self._machine.standing.serves(name)
        ]

    async def _follow_brokers(self) -> None:
        """Another primary, or a broker that is back: it may be one whose keys were not looked up yet."""
        standing = self._machine.standing.primary, frozenset(self._comparable())
        if standing != self._prepared_for:
            self._prepared_for = standing
            await self._prepare()
            self._use(list(self._sample))

    # Once

    @property
    def _is_asked(self) -> bool:
        """Whether a comparison that a person has asked for is under way."""
        return self._once is not None and self._once.ended_ns is None

    async def begin(self, seconds: float) -> None:
        """Compare the brokers for so long, with the liveliest instruments and without a budget.

        Raises
        ------
        ArgumentError
            The time is out of bounds.
        RequestRefusedError
            A comparison is under way, or nothing is streamed that could be compared.
        ConnectionFailedError
            Fewer than two brokers can stream now.
        """
        if not SHORTEST_COMPARISON_S <= seconds <= LONGEST_COMPARISON_S:
            raise ArgumentError(
                f"seconds: expected {SHORTEST_COMPARISON_S:.0f} to {LONGEST_COMPARISON_S:.0f}, "
                f"found {seconds:g}"
            )
        names = self._comparable()
        primary = self._machine.standing.primary
        if len(names) < 2 or primary is None:
            found = ", ".join(names) or "none"
            raise ConnectionFailedError(
                f"expected at least two brokers that are connected and stream quotes, found {found}"
            )
        await self._prepare()
        # Asked after what has to be waited for: two may begin at once.
        if self._is_asked:
            raise RequestRefusedError(
                "a comparison of brokers is under way; its figures come when it is over"
            )
        activity = self._activity()
        if not activity:
            raise RequestRefusedError(
                "nothing can be compared: expected subscribed instruments that trade continuously now, found "
                f"{len(self._machine.holders.wanted)} subscribed and none of them so; "
                "subscribe to some, in market hours"
            )
        reference = primary if primary in names else names[0]
        self._once = comparison = _Comparison(reference, self._clock.now_ns())
        self._use(choose_sample(activity, len(names) - 1, None, {}))
        self._background.spawn(self._run_once(comparison, seconds))

    async def _run_once(self, comparison: _Comparison, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end_s = loop.time() + seconds
        try:
            while (left_s := end_s - loop.time()) > 0:
                await asyncio.sleep(min(LOOK_S, left_s))
                self._collect()
                await self._follow_brokers()
        finally:
            self._collect()
            comparison.ended_ns = self._clock.now_ns()
            self._tell_contradictions(comparison, comparison.ended_ns)
            self._use(())

    # All day

    async def run(self) -> None:
        """Compare all day within the budget; without one it returns at once."""
        if self._budget_percent is None:
            return
        loop = asyncio.get_running_loop()
        change_s = 0.0
        while True:
            await asyncio.sleep(LOOK_S)
            self._collect()
            if self._is_asked:
                change_s = 0.0
                continue
            names = self._comparable()
            is_over = self._spent() > self._budget_percent / 100
            if len(names) < 2 or is_over:
                if self._sample:
                    self._use(())
                continue
            if loop.time() < change_s:
                await self._follow_brokers()
                continue
            change_s = loop.time() + STRETCH_S
            await self._prepare()
            if self._is_asked:
                continue
            now_ns = self._clock.now_ns()
            if self._all_day is None or market_day(self._all_day.begun_ns) != market_day(now_ns):
                primary = self._machine.standing.primary
                reference = primary if primary in names else names[0]
                self._all_day = _Comparison(reference or names[0], now_ns)
                # What is sampled goes on from here: its tapes of yesterday are no part of today's.
                self._use(())
            self._tell_contradictions(self._all_day, now_ns)
            self._machine.standing.lags = counting_lags(self._all_day.recorder.summaries(now_ns))
            activity = self._activity()
            self._use(choose_sample(activity, len(names) - 1, self._budget_percent, self._times))

    def _spent(self) -> float:
        """Bytes of probes for each byte of quotes; 0 before the first."""
        totals = self._bandwidth.totals().values()
        quotes, probes = (
            sum(kinds[kind].bytes for kinds in totals) for kind in (MessageKind.QUOTES, MessageKind.PROBE)
        )
        return probes / quotes if quotes else 0.0

    def _tell_contradictions(self, comparison: _Comparison, now_ns: int) -> None:
        for (name, key), words in comparison.recorder.contradictions(now_ns).items():
            if (name, key) in comparison.contradictions:
                continue
            comparison.contradictions.add((name, key))
            symbol = self._machine.moves.name(key)
            cause = f"seems to show another instrument, or another unit, as {symbol}: {words}"
            logger.warning("%s %s", name, cause)
            self._incidents.note(now_ns, name, cause, "nothing is moved; it should not be its source")

    # What is found

    def results(self) -> list[ComparedBroker]:
        """The figures of the comparison that a person has asked for last, else of the day so far, the
        reference first; none where nothing was compared yet."""
        comparison = self._once or self._all_day
        if comparison is None:
            return []
        if comparison.ended_ns is None:
            self._collect()
        until_ns = comparison.ended_ns or self._clock.now_ns()
        figures: dict[str, Summary] = comparison.recorder.summaries(until_ns)
        return [
            ComparedBroker(
                broker_name=name,
                reference=comparison.reference,
                begun_ns=comparison.begun_ns,
                until_ns=until_ns,
                read_blur_s=self._blur_s,
                figures=each,
            )
            for name in (comparison.reference, *self._machine.standing.brokers)
            if (each := figures.pop(name, None)) is not None
        ]

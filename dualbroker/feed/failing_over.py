"""The part of a feed that tells what went wrong, and that mends it: other quotes, books read anew."""

from __future__ import annotations

from collections.abc import Awaitable

import pandas as pd

from dualbroker.errors import ArgumentError
from dualbroker.feed import frames
from dualbroker.feed.running_feed import RunningFeed
from dualbroker.feed.simulator import SimulatorHandle

__all__ = ["FailingOverFeed"]


class FailingOverFeed(RunningFeed):
    """Failovers, gaps, incidents, the choice of the quote source, reconciles, and a simulator's faults."""

    @property
    def failovers(self) -> pd.DataFrame:
        """One row per change of the broker that carries quotes, in order, planned ones too.

        Columns: number, time, from_broker, to_broker, why, planned, detected_after (from the last sign of
        the old source's quotes to the decision; NaN for a planned one, and where the old source failed
        before it had taken over itself), instruments (to be moved), gap_p50, gap_p99, gap_max (from the last
        quote before it to each instrument's first of the new source), uncovered (instruments that the new
        broker does not bring; ``feed.gaps`` names them), finished. Seconds, as float64.
        ``attrs["dropped_failovers"]`` counts older ones that are no longer kept.
        """
        store = self._manager.incidents
        table = frames.failovers_frame(store.failovers_snapshot())
        return self._stamp(table, dropped_failovers=store.dropped_failovers)

    def gaps(self, number: int | None = None) -> pd.DataFrame:
        """The gap of each instrument in one failover, or with None in every one that is kept.

        Columns: number (of the failover), symbol, exchange, token, from_broker, to_broker, gap (seconds),
        covered. An instrument that the new broker does not bring is not covered, and its gap is NaN.

        Raises
        ------
        ValueError
            No failover that is kept bears the number.
        """
        kept = self._manager.incidents.failovers_snapshot()
        wanted = [failover for failover in kept if number in (None, failover.number)]
        if number is not None and not wanted:
            known = f"{kept[0].number} to {kept[-1].number}" if kept else "none yet"
            raise ArgumentError(f"number: expected one of feed.failovers ({known}), found {number!r}")
        return self._stamp(frames.gaps_frame(wanted, self._manager.quotes))

    @property
    def incidents(self) -> pd.DataFrame:
        """Everything that went wrong, in order: number, time, broker_name, cause, action.

        ``cause`` says what happened, ``action`` what was done about it or what a person should do;
        ``broker_name`` is NaN where it is about the feed as a whole. ``attrs["dropped_incidents"]`` counts
        older ones that are no longer kept.
        """
        store = self._manager.incidents
        table = frames.incidents_frame(store.incidents_snapshot())
        return self._stamp(table, dropped_incidents=store.dropped_incidents)

    def set_quote_source(self, broker_name: str) -> pd.DataFrame:
        """Let a broker carry the quotes from now on, and again after every failover away from it.

        It streams an instrument before the old source is told to stop, so that no tick is lost or counted
        twice. ``"auto"`` leaves the choice to what is measured, and moves nothing by itself.

        Returns
        -------
        DataFrame
            The hand-over's row of ``feed.failovers``; no row when nothing had to be moved. What the broker
            does not know or acknowledge stays where it was; ``feed.gaps`` names it.

        Raises
        ------
        ConfigError
            No enabled broker that streams bears that name; the message lists those that do.
        ConnectionFailedError
            It is not connected, so the quotes stay where they are.
        """
        return self._call(self._set_quote_source(broker_name))

    def set_quote_source_async(self, broker_name: str) -> Awaitable[pd.DataFrame]:
        """The async twin of :meth:`set_quote_source`."""
        return self._call_async(self._set_quote_source(broker_name))

    async def _set_quote_source(self, broker_name: str) -> pd.DataFrame:
        failover = await self._manager.set_quote_source(broker_name)
        return self._stamp(frames.failovers_frame([] if failover is None else [failover]))

    def reconnect(self, broker_name: str) -> None:
        """Give a broker's connection up and open another, also where it is parked or another program has it.

        Returns at once; ``feed.brokers`` says how it goes on.

        Raises
        ------
        ConfigError
            No enabled broker bears that name.
        """
        self._call(self._reconnect(broker_name))

    def reconnect_async(self, broker_name: str) -> Awaitable[None]:
        """The async twin of :meth:`reconnect`."""
        return self._call_async(self._reconnect(broker_name))

    async def _reconnect(self, broker_name: str) -> None:
        await self._manager.reconnect(broker_name)

    def reconcile(self, broker: str | None = None) -> pd.DataFrame:
        """Read the books of one broker, or of every broker, now, and make the orders equal to them.

        It happens by itself on each connection and every ``orders.reconcile_every`` seconds; what it
        changes is in ``feed.order_events`` with the source "reconcile".

        Returns
        -------
        DataFrame
            One row per broker: time (when the order book was asked for), read (whether it could be read
            and believed), orders and fills (in its books; <NA> where they could not be read), changes
            (order events it brought), seconds (it took), problem (in words, empty when there is none).
            Nothing that is known is changed by a book that could not be read.

        Raises
        ------
        ConfigError
            No enabled broker bears that name.
        """
        return self._call(self._reconcile(broker))

    def reconcile_async(self, broker: str | None = None) -> Awaitable[pd.DataFrame]:
        """The async twin of :meth:`reconcile`."""
        return self._call_async(self._reconcile(broker))

    async def _reconcile(self, broker: str | None) -> pd.DataFrame:
        return self._stamp(frames.reconciled_frame(await self._manager.reconcile(broker)))

    @property
    def simulator(self) -> SimulatorHandle | None:
        """Breaks the built-in simulated brokers on purpose; None where brokers are real."""
        if self._manager.simulator is None:
            return None
        return SimulatorHandle(self._manager, self._call, self._call_async)

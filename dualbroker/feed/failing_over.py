"""The part of a feed that tells what went wrong, and that moves the quotes to another broker."""

from __future__ import annotations

from collections.abc import Awaitable

import pandas as pd

from dualbroker.errors import CannotCarryQuotesError, UnknownBrokerError
from dualbroker.feed import frames
from dualbroker.feed.running_feed import RunningFeed
from dualbroker.feed.simulator import SimulatorHandle

__all__ = ["FailingOverFeed"]


class FailingOverFeed(RunningFeed):
    """Failovers and their gaps, incidents, the choice of the quote source, a simulator's faults."""

    @property
    def failovers(self) -> pd.DataFrame:
        """One row per change of the broker that carries quotes, in order, planned ones too.

        Columns: number, time, from_broker, to_broker, why, planned, detected_after (from the last sign of
        the old source's quotes to the decision; NaN for a planned one), instruments (to be moved),
        gap_p50, gap_p99, gap_max (from the last quote of the old source to each instrument's first of the
        new one), uncovered (instruments that the new broker does not bring; ``feed.gaps`` names them),
        finished. Seconds, as float64. ``attrs["dropped_failovers"]`` counts older ones that are no longer
        kept.
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
            raise ValueError(f"number: expected one of feed.failovers ({known}), found {number!r}")
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
        """Let another broker carry the quotes: its stream is made before the old one ends; nothing is lost.

        Returns
        -------
        DataFrame
            The hand-over's row of ``feed.failovers``; no row when that broker carries them already.

        Raises
        ------
        UnknownBrokerError
            No enabled broker bears that name.
        CannotCarryQuotesError
            The broker has no socket for quotes, by the config.
        ConnectionFailedError
            The broker is not up, so the quotes stay where they are.
        """
        return self._call(self._set_quote_source(broker_name))

    def set_quote_source_async(self, broker_name: str) -> Awaitable[pd.DataFrame]:
        """The async twin of :meth:`set_quote_source`."""
        return self._call_async(self._set_quote_source(broker_name))

    async def _set_quote_source(self, broker_name: str) -> pd.DataFrame:
        self._require_quote_source(broker_name)
        failover = await self._manager.set_quote_source(broker_name)
        return self._stamp(frames.failovers_frame([] if failover is None else [failover]))

    def _require_quote_source(self, broker_name: str) -> None:
        sections = {section.name: section for section in self._config.enabled_brokers}
        if broker_name not in sections:
            raise UnknownBrokerError(
                f"broker_name: expected one of {', '.join(sections)}, found {broker_name!r}"
            )
        if sections[broker_name].orders != "stream":
            able = ", ".join(name for name, section in sections.items() if section.orders == "stream")
            raise CannotCarryQuotesError(
                f"broker_name: expected a broker with a socket ({able or 'there is none'}), found "
                f"{broker_name}, whose orders are read by REST; set orders: stream for it in config.yaml"
            )

    @property
    def simulator(self) -> SimulatorHandle | None:
        """Breaks the built-in simulated brokers on purpose; None where brokers are real."""
        if self._manager.simulator is None:
            return None
        return SimulatorHandle(self._manager, self._call, self._call_async)

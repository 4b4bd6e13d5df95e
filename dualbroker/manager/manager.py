"""The async core: connects every broker, gives each its role, and keeps what they say.

Quotes come from one broker, the primary; orders from every broker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date

from dualbroker.config.schema import Around
from dualbroker.errors import ConfigError, ConnectionFailedError
from dualbroker.manager.answers import AnsweringManager
from dualbroker.manager.config_subscriptions import CONFIG_HOLDER, EVERY_ORDER
from dualbroker.manager.options_around import options_around
from dualbroker.manager.reconcile import ReconcileResult
from dualbroker.manager.running import AUTO
from dualbroker.model import FeedType, Instrument
from dualbroker.routing.driver import Subscribed
from dualbroker.stores.incidents import Failover

__all__ = ["WebSocketManager"]


class WebSocketManager(AnsweringManager):
    """Runs all brokers of a config.

    ``async with WebSocketManager(config) as manager: ...`` starts and stops it.

    Parameters
    ----------
    config
        A validated config.
    transport, clock, wall_clock, rng
        The network, receive times, the time of day, and chance; real ones unless given.
    market_hours
        When markets are open; as the config says unless given.
    """

    # Subscriptions: told to the primary, and to nobody else

    async def resolve(self, names: Sequence[str | Instrument], exchange: str = "NFO") -> list[Instrument]:
        """The instruments of these names, by the symbol master of the broker that carries quotes."""
        return await self.masters.resolve_all(self._quote_broker(), names, exchange)

    async def subscribe_symbol(self, symbol: str, exchange: str = "NFO") -> Subscribed:
        """Stream one instrument from the primary, and from nobody else."""
        return (await self.subscribe([symbol], exchange))[0]

    async def subscribe(
        self,
        names: Sequence[str | Instrument],
        exchange: str = "NFO",
        *,
        depth: bool = False,
        holder: str = "user",
    ) -> list[Subscribed]:
        """Stream instruments from the primary. All names are looked up before any is subscribed.

        Raises
        ------
        UnknownInstrumentError, AmbiguousInstrumentError
            With the closest matches.
        ConnectionFailedError
            No broker carries quotes.
        """
        instruments = await self.resolve(names, exchange)
        kind = FeedType.DEPTH if depth else FeedType.TOUCHLINE
        accepted = await self.routing.hold(holder, instruments, kind)
        self._background.spawn(self._prepare_mappings())
        return accepted

    async def unsubscribe(
        self, names: Sequence[str | Instrument], exchange: str = "NFO", *, holder: str = "user"
    ) -> None:
        """Let one holder let go; an instrument that nobody holds any more is streamed no longer."""
        self.routing.release(holder, await self.resolve(names, exchange))

    async def subscribe_orders(self, *, holder: str = "user") -> list[Subscribed]:
        """Stream what has an order at any broker, from now on also what gets one.

        It is held apart from what the holder subscribes itself. Orders of the newest trading day count, and
        those that are not final; at most ``order_follower.MOST_FOLLOWED`` instruments are followed.

        Raises
        ------
        ConnectionFailedError
            No broker carries quotes.
        """
        self._quote_broker()
        return await self._order_followers.follow(holder)

    async def unsubscribe_orders(self, *, holder: str = "user") -> None:
        """Follow the orders for a holder no longer, and let go of what was held for that."""
        await self._order_followers.leave(holder)

    async def release(self, holder: str) -> None:
        """Let go of everything that a holder holds."""
        self.routing.release(holder)

    async def options_around(
        self, underlying: str, *, expiry: int | date | str = 0, strikes: int = 5
    ) -> list[Instrument]:
        """Calls and puts of the strikes nearest to the underlying's last price.

        Parameters
        ----------
        expiry
            0 is the nearest expiry, 1 the next one; or its day, a date or a text such as ``2030-01-31``.
        strikes
            How many on each side of the one at the money.
        """
        return await options_around(self.masters, self._quote_broker(), underlying, expiry, strikes)

    async def _take_up_config_subscriptions(self) -> None:
        left = await self._from_config.take_up(self.config.subscribe)
        if left:
            self._background.spawn(self._from_config.keep_trying(left))

    async def _subscribe_entry(self, entry: str | Around) -> None:
        if isinstance(entry, str) and entry.casefold() == EVERY_ORDER:
            await self.subscribe_orders(holder=CONFIG_HOLDER)
            return
        names: Sequence[str | Instrument] = [entry] if isinstance(entry, str) else []
        if isinstance(entry, Around):
            names = await self.options_around(entry.underlying, expiry=entry.expiry, strikes=entry.strikes)
        accepted = await self.subscribe(names, holder=CONFIG_HOLDER)
        self._taken_up.update(row.instrument.key for row in accepted)

    async def _renew_config_subscriptions(self) -> None:
        """What the config wants on a new day: other strikes and expiries, most likely, than yesterday."""
        before = self.routing.machine.holders.held_by(CONFIG_HOLDER)
        self._taken_up.clear()
        left = await self._from_config.take_up(self.config.subscribe)
        if left:
            self._background.spawn(self._from_config.keep_trying(left))
            return
        self.routing.release_keys(CONFIG_HOLDER, [key for key in before if key not in self._taken_up])

    # Who carries quotes

    async def set_quote_source(self, name: str) -> Failover | None:
        """Let a broker carry the quotes from now on, and again after every failover away from it.

        The new source streams an instrument before the old one is told to stop, so that no tick is lost
        or counted twice. ``auto`` leaves the choice to what is measured, and moves nothing by itself.

        Returns
        -------
        Failover
            What was moved; its ``uncovered`` names instruments that the broker does not know, or has not
            acknowledged: these stay where they were. None when nothing had to be moved.

        Raises
        ------
        ConfigError
            No enabled broker that streams has this name.
        ConnectionFailedError
            It is not connected.
        """
        streaming = [each for each, broker in self.brokers.items() if broker.config.orders == "stream"]
        if name != AUTO and name not in streaming:
            raise ConfigError(
                f"set_quote_source: expected auto or one of {', '.join(streaming)}, found {str(name)[:40]!r}"
            )
        if name == AUTO:
            self.routing.machine.standing.preferred = None
            return None
        if not self.serves(name):
            raise ConnectionFailedError(f"{name} can't carry quotes now: {self.health[name].words}")
        await self._prepare_mappings(name)
        return await self.routing.move_to(name)

    async def reconnect(self, name: str) -> None:
        """Give a broker's connection up and open another, also where it is parked or was evicted.

        Raises
        ------
        ConfigError
            No enabled broker has this name.
        """
        if name not in self.brokers:
            known = ", ".join(self.brokers)
            raise ConfigError(f"reconnect: expected one of {known}, found {str(name)[:40]!r}")
        self.brokers[name].reconnect("asked for by a person")

    async def _prepare_mappings(self, *names: str) -> None:
        """Have these brokers' keys of what is wanted, or all brokers': a failover can't wait for a master."""
        source = self._quote_broker()
        indices = map(self.quotes.index_of, self.wanted())
        wanted = [self.quotes.instruments[index] for index in indices if index is not None]
        for broker in [self.brokers[name] for name in names or self.brokers]:
            if broker.config.orders == "stream":
                await self.mapping.prepare(source, broker, wanted)

    # Orders

    async def reconcile(self, broker: str | None = None) -> list[ReconcileResult]:
        """Make the ledger equal to the books of one broker, or of every broker, now.

        A failed read raises nothing: each result says what it found.

        Raises
        ------
        ConfigError
            No enabled broker bears that name.
        """
        if broker is not None and broker not in self.reconcilers:
            raise ConfigError(f"broker: expected one of {', '.join(self.reconcilers)}, found {broker!r}")
        asked = [self.reconcilers[broker]] if broker is not None else list(self.reconcilers.values())
        return list(await asyncio.gather(*(reconciler.reconcile_now() for reconciler in asked)))

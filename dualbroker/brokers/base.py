"""The contract every broker keeps, no matter who wrote it.

A broker is found by its ``type`` through the entry point group ``dualbroker.brokers``.

======================  =========  ==========================================================
method                  required   what it does
======================  =========  ==========================================================
``login``               yes        open a session, or take up a saved one
``start_websocket``     yes        orders (and quotes) begin to flow; reconnects by itself
``set_quote_callback``  yes        begin or end carrying quotes on the socket that is open
``subscribe``           yes        stream these instruments on the connection that is open
``unsubscribe``         yes        stop streaming them
``wait_acknowledged``   yes        which of them have brought a full quote
``unacknowledged``      yes        which of them have not, in all that time
``order_book``          yes        all orders of the day, by REST
``trade_book``          yes        all fills of the day, by REST
``quote``               yes        one full quote, by REST
``master_urls``         yes        where an exchange's symbol master is
``close``               yes        close the socket, leave the session alone
``order_history``       optional   all steps of one order, by REST
``reconnect``           optional   give the connection up and open another
``renew_session``       optional   the same with a new session
``refresh``             optional   ask for full quotes of all that is streamed
``set_probes``          optional   keep what is only compared apart from the quotes
``session_has_ended``   optional   whether the night has ended the session
``wait_for_login``      optional   return once a person has logged in
``position_book``       optional   all positions, by REST
``holdings``            optional   all shares in the depository, by REST
``limits``              optional   money and margin, by REST
``logout``              optional   end the session at the broker
``stored_login``        optional   the session kept on this machine, and a person's login
``rest_address``        optional   where its REST calls go, for the doctor
``registered_address``  optional   what it asks of the address that a login comes from
``section``             optional   the model of its section in config.yaml
``max_subscriptions``   optional   instruments that it streams on one connection
======================  =========  ==========================================================

No broker places, changes or cancels an order.
"""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from dualbroker.clock import Clock
from dualbroker.config.schema import BrokerConfig, LivenessConfig
from dualbroker.errors import NotOfferedError, RequestRefusedError
from dualbroker.model import (
    FeedType,
    FillReport,
    Holding,
    InstrumentKey,
    Limits,
    MessageKind,
    OrderUpdate,
    Position,
    QuoteBatch,
    QuoteUpdate,
)
from dualbroker.storage.tokens import SavedSession
from dualbroker.stores.bandwidth import Traffic
from dualbroker.stores.health import BrokerHealth
from dualbroker.transport.base import Transport

__all__ = ["Broker", "BrokerContext", "OrderCallback", "QuoteCallback", "StoredLogin"]

OrderCallback = Callable[[OrderUpdate], None]
QuoteCallback = Callable[[QuoteBatch], None]


def _nobody_is_told(*words: str) -> None:
    pass


@dataclass(frozen=True)
class BrokerContext:
    """What a broker is given instead of reaching for it: network, time, chance, and where to report."""

    transport: Transport
    clock: Clock
    """Stamps what is received; in a replay it is the market's time."""
    wall_clock: Clock
    """The time of day for logins and tokens, also in a replay."""
    random: random.Random
    health: BrokerHealth
    traffic: dict[MessageKind, Traffic]
    state_directory: Path | None
    """Where tokens and locks are kept; None keeps nothing and locks nothing (simulated brokers)."""
    on_connected: Callable[[str], None]
    """Called with the broker's name each time its order stream is up, also after a reconnect. Quotes are
    subscribed after that, on each connection from nothing."""
    on_down: Callable[[str, str], None] = _nobody_is_told
    """Called with the broker's name and the reason, once for each outage: the moment a connection that was up
    is of no use, or when the first one can't be had; and when a broker is parked."""
    note: Callable[[str, str, str], None] = _nobody_is_told
    """Called with the broker's name, what else went wrong, and what is done about it or what a person should
    do: once for each new problem, never for each try."""
    liveness: LivenessConfig = field(default_factory=LivenessConfig)
    """How long signs of life may be missing."""
    desk_share: float = 1.0
    """Share of the login's REST rates within which positions, holdings and limits are read."""
    conceal: Callable[[str], str] = str
    """Keeps what is private out of the broker's own words; to be used on all of them that are shown."""


class StoredLogin(Protocol):
    """One login's session as it is kept on this machine: what ``dualbroker login`` and ``logout`` work on."""

    def page(self) -> str | None:
        """The address of the page on which a person logs in; None where no person is needed.

        Raises
        ------
        ConfigError
            The section lacks what the page is opened with.
        """
        ...

    async def take_code(self, code: str) -> SavedSession:
        """Turn the code that the page gave into a session, and keep it.

        Raises
        ------
        LoginRefusedError
            The code is worth nothing, or it is another user's.
        """
        ...

    def holder(self) -> str | None:
        """Who works with the kept session at the moment, in words; None when nobody does."""
        ...

    def kept(self) -> SavedSession | None:
        """The session that is kept; None when there is none."""
        ...

    async def end_kept(self) -> bool | None:
        """End the kept session and forget it: whether it was alive; None when none was kept."""
        ...


class Broker(ABC):
    """One login at one broker: its session, its one socket, its REST calls."""

    can_probe: ClassVar[bool] = False
    """Whether ``set_probes`` does what it says; else this broker is never compared with others."""
    section: ClassVar[type[BrokerConfig]] = BrokerConfig
    """The model of a broker of this type in config.yaml."""
    max_subscriptions: ClassVar[int | None] = None
    """Instruments that brokers of this family stream on one connection; None is unknown. Optional."""

    def __init__(self, config: BrokerConfig, context: BrokerContext) -> None:
        self.config = config
        self.context = context
        self.name = config.name
        self.health = context.health

    @abstractmethod
    async def login(self) -> None:
        """Open a session, or take up one that was saved.

        Raises
        ------
        LoginRefusedError
            The broker says no, or a person has to log in first. Nobody retries.
        LoginHeldError
            Another process on this machine holds this login.
        ConnectionFailedError, RetryableBrokerError
            Trying again later may help.
        """

    @abstractmethod
    async def start_websocket(
        self, order_callback: OrderCallback, quote_callback: QuoteCallback | None = None
    ) -> None:
        """Let orders flow, and quotes too if a callback for them is given.

        Returns once the stream is up for the first time. From then on it reconnects by itself, until
        ``close`` or until the broker is parked. Each new connection streams orders; what is to be
        subscribed on it is sent to it again after ``on_connected``.
        """

    @abstractmethod
    def set_quote_callback(self, quote_callback: QuoteCallback | None) -> None:
        """Begin (or with None end) carrying quotes, on the socket that is open."""

    @abstractmethod
    async def subscribe(self, keys: Sequence[InstrumentKey], feed_type: FeedType) -> None:
        """Stream these instruments on the connection that is open; those already streamed change their kind.

        Nothing of it is kept over a reconnect, and without a connection nothing is done.
        """

    @abstractmethod
    async def unsubscribe(self, keys: Sequence[InstrumentKey]) -> None:
        """Stop streaming these instruments."""

    @abstractmethod
    async def wait_acknowledged(
        self, keys: Collection[InstrumentKey], timeout_s: float
    ) -> set[InstrumentKey]:
        """Those of the keys that the broker has acknowledged, waiting no longer than the time given."""

    @abstractmethod
    def unacknowledged(self, for_s: float) -> list[InstrumentKey]:
        """Instruments asked for at least so long ago on the connection that is open, and not acknowledged."""

    @abstractmethod
    async def order_book(self) -> list[OrderUpdate]:
        """All orders of the day. An empty list means that the broker says so; a failed read raises."""

    @abstractmethod
    async def trade_book(self) -> list[FillReport]:
        """All fills of the day. An empty list means that the broker says so; a failed read raises."""

    @abstractmethod
    async def quote(self, key: InstrumentKey) -> QuoteUpdate:
        """One full quote by REST, checked to be of the instrument that was asked for."""

    @abstractmethod
    def master_urls(self, exchange: str) -> list[str]:
        """Where this broker's symbol master of an exchange is downloaded, in one part or several."""

    @property
    @abstractmethod
    def master_source(self) -> str:
        """Names whose masters these are, so that brokers that share them share a cache; "" keeps none."""

    @abstractmethod
    async def close(self) -> None:
        """Close the socket and release the login. The session at the broker lives on."""

    async def order_history(self, order_id: str) -> list[OrderUpdate]:
        """All steps of one order of the day, oldest first, each with ``as_of_ns``. Optional.

        An empty list means that the broker knows no such order; a failed read raises.
        """
        raise RequestRefusedError(f"{self.name}: this type of broker has no order history here")

    def reconnect(self, why: str) -> None:
        """Give up the current connection and open another one. Optional."""
        raise RequestRefusedError(f"{self.name}: this type of broker can't reconnect on demand")

    def renew_session(self, why: str) -> None:
        """The session is dead: open a new one, and with it a new connection. Optional."""
        self.reconnect(why)

    async def refresh(self, keys: Collection[InstrumentKey] | None = None) -> None:
        """Ask again for these of the instruments that are streamed, or for all, as if for the first time.

        Optional. What is acknowledged again brings a full quote; what was lost at the broker comes back.
        """
        return

    def set_probes(self, keys: Collection[InstrumentKey], callback: QuoteCallback) -> None:
        """Bring the quotes of these keys to ``callback`` alone, and count their bytes as ``probe``. Optional.

        They are no sign of life: ``health.last_quote_ns`` stays. Only called where ``can_probe`` is true.
        """
        return

    def session_has_ended(self) -> bool:
        """Whether the session is one that brokers have dropped by now. Optional."""
        return False

    async def wait_for_login(self) -> None:
        """Return once a person has logged in at this broker elsewhere. Optional; else it never returns."""
        await asyncio.Event().wait()

    async def position_book(self) -> list[Position]:
        """All positions, those that are closed today too. Optional.

        An empty list means that the broker says so; a failed read raises, and ``NotOfferedError`` where this
        type of broker has no such book here: then the desk says "not read".
        """
        raise NotOfferedError(f"{self.name}: this type of broker has no position book here")

    async def holdings(self) -> list[Holding]:
        """All shares in the depository. Optional; empty and failed as in ``position_book``."""
        raise NotOfferedError(f"{self.name}: this type of broker has no book of holdings here")

    async def limits(self) -> Limits:
        """Money and margin, its words mapped to one set. Optional; a failed read raises."""
        raise NotOfferedError(f"{self.name}: this type of broker has no limits here")

    @property
    def stored_login(self) -> StoredLogin | None:
        """The session that is kept on this machine. Optional; None where none is ever kept."""
        return None

    @property
    def rest_address(self) -> str | None:
        """Where its REST calls go, so that the doctor can say whether anybody answers. Optional."""
        return None

    @property
    def registered_address(self) -> str:
        """What the broker asks of the address that a login comes from, in words for a person. Optional."""
        return ""

    async def logout(self) -> None:
        """End the session at the broker. Optional."""
        raise RequestRefusedError(f"{self.name}: this type of broker has no logout here")

"""What a fake broker has to be able to do, so that a client of it can be checked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Any, ClassVar
from unittest import SkipTest

from dualbroker.brokers.base import BrokerContext
from dualbroker.clock import Clock
from dualbroker.model import InstrumentKey
from dualbroker.transport.base import Transport

__all__ = ["Stand"]


class Stand(ABC):
    """The fake other end of one broker under test, made on the loop of the check.

    All of it is in one process, and in virtual time unless ``real_time`` is set. A method that is not
    overridden leaves out the checks that need it.
    """

    real_time: ClassVar[bool] = False
    """True where real sockets or threads are used: waits take their time then."""
    clock: Clock | None = None
    """What the broker's clock is, where the fake has one of its own."""

    transport: Transport
    """The way to the fake."""
    section: Mapping[str, Any]
    """The broker's section in config.yaml, ``type`` and a ``user_id`` included."""
    keys: tuple[InstrumentKey, InstrumentKey]
    """Two instruments that it quotes."""

    @abstractmethod
    def secrets(self) -> Collection[str]:
        """Passwords, keys and tokens, none of which may be shown."""

    async def log_in_as_person(self, context: BrokerContext) -> None:
        """Save a session, as a person's daily login does; nothing where the broker logs in by itself."""
        return

    async def stop(self) -> None:
        """Release what it holds."""
        return

    # What it is told to do

    @abstractmethod
    async def bring_quote(self, key: InstrumentKey) -> None:
        """Let an instrument tick, for the sockets that stream it."""

    @abstractmethod
    async def bring_order(self) -> None:
        """Let a new order appear, in the book and on the sockets."""

    @abstractmethod
    def close_sockets(self) -> None:
        """Close all sockets as a server does that goes down (1001)."""

    def send_garbage(self) -> None:
        """Send messages that can't be read on all sockets."""
        raise SkipTest("this fake sends no garbage")

    def evict(self) -> None:
        """Close all sockets as when another program takes this login."""
        raise SkipTest("this broker is not known to evict")

    def end_sessions(self) -> None:
        """All tokens are dead from now on, and sockets that used them are closed; logins are accepted."""
        raise SkipTest("this fake ends no session")

    def refuse_logins(self) -> None:
        """From now on no login by password is accepted."""
        raise SkipTest("a session of this broker is opened by a person")

    def fail_reads(self, on: bool) -> None:
        """Whether REST reads fail, as at a gateway that is down."""
        raise SkipTest("this fake's reads do not fail")

    # What it knows

    @abstractmethod
    def order_ids(self) -> Collection[str]:
        """Orders in its book."""

    @abstractmethod
    def open_sockets(self) -> int:
        """Sockets that are open now."""

    def login_calls(self) -> int:
        """Logins asked for so far."""
        raise SkipTest("this fake counts no logins")

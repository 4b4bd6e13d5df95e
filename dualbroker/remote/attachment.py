"""A feed's attachment to a service: joined, lost and joined again, and calls over it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from dualbroker.background import BackgroundTasks
from dualbroker.clock import Clock, ist
from dualbroker.errors import ConnectionFailedError, DualBrokerError
from dualbroker.forking import BoundToProcess
from dualbroker.manager.instruments.masters import LONGEST_NAME, require_short
from dualbroker.model import FeedType, Instrument, InstrumentKey
from dualbroker.remote.address import normal_address
from dualbroker.remote.failures import error_of
from dualbroker.remote.link import Link, open_link
from dualbroker.remote.messages import Answer, ClientMessage, Message
from dualbroker.remote.mirror import Mirror
from dualbroker.routing.driver import Subscribed

__all__ = ["OWN_HOLDER", "Attachment", "holder_part", "short_names"]

logger = logging.getLogger("dualbroker")

CALL_WITHIN_S = 90.0
"""A hand-over of all quotes may take a minute."""
FIRST_PAUSE_S = 0.2
MOST_NOTES = 100
LONGEST_PAUSE_S = 5.0
OWN_HOLDER = "user"
"""Holds what a person subscribes; at the service it has the client's name."""


class _ServiceClock:
    """The service's time, carried on between its messages; of a replay, as far as it has got."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._heard_ns = 0
        self._heard_at_ns = 0

    def now_ns(self) -> int:
        heard_ns = self._mirror.time_ns
        if heard_ns != self._heard_ns:
            self._heard_ns, self._heard_at_ns = heard_ns, time.monotonic_ns()
        if self._mirror.replays or not heard_ns:
            return heard_ns
        return heard_ns + time.monotonic_ns() - self._heard_at_ns

    def follow(self, feed_time_s: int) -> None:
        """It follows the service."""


class Attachment(BoundToProcess):
    """Keeps a copy of a running service, and asks it.

    Parameters
    ----------
    address
        Of the service: ``http://127.0.0.1:8000``, or ``https://…`` behind a proxy.
    token
        Where the service demands one.
    open_link
        Opens the connection; a real one unless given.

    Raises
    ------
    ConfigError
        It is no address.
    """

    def __init__(
        self,
        address: str,
        token: str | None = None,
        *,
        open_link: Callable[[str, str | None], Awaitable[Link]] = open_link,
    ) -> None:
        self.address = normal_address(address)
        self._token = token
        self._open_link = open_link
        self._mirror = Mirror()
        self.clock: Clock = _ServiceClock(self._mirror)
        self._client = secrets.token_hex(16)
        self._background = BackgroundTasks()
        self._link: Link | None = None
        self._why_lost = "it was never joined"
        self._calls: dict[int, asyncio.Future[Answer]] = {}
        self._call_count = 0
        self._held: dict[str, dict[InstrumentKey, tuple[Instrument, FeedType]]] = {}
        self._notes: deque[tuple[int, str, str]] = deque(maxlen=MOST_NOTES)
        """Incidents of the link itself, which no service knows."""
        self._ready: asyncio.Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    # From beginning to end

    async def start(self) -> None:
        """Join the service; returns when the day so far is here.

        Raises
        ------
        ConnectionFailedError
            No service answers there.
        ConfigError
            It demands a token, or another one.
        """
        self._loop = asyncio.get_running_loop()
        ready = self._ready = self._loop.create_future()
        await self._join()
        run = self._background.spawn(self._run())
        await asyncio.wait([ready, run], return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            raise ConnectionFailedError(
                f"the service at {self.address} was joined and lost: {self._why_lost}"
            )

    async def stop(self) -> None:
        """Release everything, and leave."""
        link = self._link
        if link is not None:
            with contextlib.suppress(DualBrokerError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await link.send(ClientMessage(goodbye=True))
        await self._background.cancel()
        if link is not None:
            await link.close()
        self._link = None
        self._mirror.close()
        self._fail_calls("the feed is closed")

    async def _join(self) -> bool:
        """Open the link; whether the service has started over since the last one."""
        link = await self._open_link(self.address, self._token)
        try:
            await link.send(
                ClientMessage(streams=self._mirror.wish(), client=self._client, run=self._mirror.run or None)
            )
            hello = await link.hello()
        except BaseException:
            await link.close()
            raise
        started_over = self._mirror.take_hello(hello)
        if started_over:
            # The copy of the incidents begins again with the service; that the link was lost stays true.
            for time_ns, cause, action in self._notes:
                self._mirror.incidents.note(time_ns, None, cause, action)
        self._link = link
        if hello.last_close:
            self._note(f"the service had closed the link: {hello.last_close}", "what was missed is sent now")
        return started_over

    async def _run(self) -> None:
        """Take what comes; join again whenever the link is lost."""
        while True:
            assert self._link is not None
            try:
                while True:
                    self._take(await self._link.receive())
            except DualBrokerError as error:
                self._lost(str(error))
            except Exception as error:
                logger.exception("a message of the service at %s could not be taken", self.address)
                self._lost(f"{type(error).__name__}: {error}")
            if self._ready is not None and not self._ready.done():
                return
            await self._rejoin()

    def _take(self, message: Message) -> None:
        self._mirror.take(message)
        if message.answer is not None:
            waiting = self._calls.pop(message.answer.id, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(message.answer)
        if message.error is not None:
            logger.warning("the service refused a message: %s", message.error.message)
        if message.ready and self._ready is not None and not self._ready.done():
            self._ready.set_result(None)

    def _lost(self, why: str) -> None:
        link, self._link = self._link, None
        self._why_lost = why
        if link is not None:
            self._background.spawn(link.close())
        as_of = ist(self._mirror.time_ns)
        problem = (
            f"the service at {self.address} is out of reach ({why}); what is shown is of {as_of:%H:%M:%S}, "
            "and it is joined again by itself"
        )
        self._mirror.lost(problem)
        self._note(f"the link to {self.address} was lost: {why}", "it is joined again by itself")
        logger.warning("%s", problem)
        self._fail_calls(problem)

    def _fail_calls(self, problem: str) -> None:
        calls, self._calls = self._calls, {}
        for waiting in calls.values():
            if not waiting.done():
                waiting.set_exception(ConnectionFailedError(problem))

    async def _rejoin(self) -> None:
        loop = asyncio.get_running_loop()
        begun_s, pause_s = loop.time(), FIRST_PAUSE_S
        while True:
            # Everybody who has lost a service that starts again would otherwise come at once.
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            try:
                started_over = await self._join()
                break
            except DualBrokerError as error:
                self._why_lost = str(error)
            except Exception as error:
                # It says that it joins again by itself: no failure may end that.
                why = f"{type(error).__name__}: {error}"
                if why != self._why_lost:
                    logger.exception("joining the service at %s failed in an unforeseen way", self.address)
                self._why_lost = why
        away = f"after {loop.time() - begun_s:.1f} s"
        if started_over:
            self._note(
                f"the service at {self.address} has restarted, and was joined again {away}",
                "ticks begin with its start; subscriptions of this feed are made again",
            )
        else:
            self._note(
                f"the service at {self.address} was joined again {away}",
                "ticks and orders of the time between are sent, none is missing",
            )
        self._background.spawn(self._hold_again())

    async def _hold_again(self) -> None:
        """Subscribe again what this client held: the service may have released it, or know nothing of it."""
        today = ist(self._mirror.time_ns or time.time_ns()).date()
        for holder, held in list(self._held.items()):
            for kind in FeedType:
                wanted = [
                    instrument
                    for instrument, held_as in held.values()
                    if held_as is kind and (instrument.expiry is None or instrument.expiry >= today)
                ]
                if not wanted:
                    continue
                try:
                    await self._subscribe_there(wanted, "NFO", kind is FeedType.DEPTH, holder)
                except (DualBrokerError, ValueError) as error:
                    self._note(
                        f"{len(wanted)} instruments could not be subscribed again: {error}",
                        "subscribe to them again once the service carries quotes",
                    )

    def _note(self, cause: str, action: str) -> None:
        time_ns = self.clock.now_ns()
        self._notes.append((time_ns, cause, action))
        self._mirror.incidents.note(time_ns, None, cause, action)

    async def _ask(self, call: str, answer_type: Any, **arguments: Any) -> Any:
        link = self._link
        if link is None:
            raise ConnectionFailedError(
                f"the service at {self.address} is out of reach ({self._why_lost}); "
                "it is joined again by itself"
            )
        self._call_count += 1
        number = self._call_count
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._calls[number] = waiting
        try:
            await link.send(ClientMessage(id=number, call=call, arguments=arguments))
            async with asyncio.timeout(CALL_WITHIN_S):
                answer = await waiting
        except TimeoutError:
            raise ConnectionFailedError(
                f"the service at {self.address} has not answered for {CALL_WITHIN_S:.0f} s"
            ) from None
        finally:
            self._calls.pop(number, None)
        if answer.error is not None:
            raise error_of(answer.error)
        return msgspec.msgpack.decode(answer.result, type=answer_type)

    async def _subscribe_there(
        self, names: Sequence[str | Instrument], exchange: str, depth: bool, holder: str
    ) -> list[Subscribed]:
        accepted: list[Subscribed] = await self._ask(
            "subscribe",
            list[Subscribed],
            names=short_names(names),
            exchange=exchange[:LONGEST_NAME],
            depth=depth,
            holder=holder_part(holder),
        )
        return accepted


def short_names(names: Sequence[str | Instrument]) -> list[str | Instrument]:
    """The names, none of them too long to be one.

    Raises
    ------
    UnknownInstrumentError
        One is.
    """
    for name in names:
        if isinstance(name, str):
            require_short(name)
    return list(names)


def holder_part(holder: str) -> str:
    """What distinguishes a holder within a client."""
    return "" if holder == OWN_HOLDER else holder

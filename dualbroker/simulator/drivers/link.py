"""The link from a broker to one client as the broker's faults make it, whatever carries it.

Two drivers use it: ``connection`` on real sockets, ``memory_websocket`` on a loop's timers.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from dualbroker.simulator.broker import SimulatedBroker
from dualbroker.simulator.faults.faults import Strike
from dualbroker.simulator.wire.framing import half_frame, text_frame
from dualbroker.simulator.wire.stream import StreamSession

__all__ = ["GARBAGE", "Carrier", "FaultyLink", "is_answered"]

_MOST_WAITING = 100_000
"""Frames of one connection behind a black hole; beyond it the broker has given the connection up."""
_MOST_UNDER_WAY = 10_000
"""Reads that a delay keeps from the client; the same. At one each 10 ms they are a hundred seconds."""
_OVERSIZED_BYTES = 1_500_000
"""Clients commonly take a megabyte."""
GARBAGE = (
    b"",
    b"not JSON at all",
    b'{"t":"tf","e":"NSE","tk":"26000","lp":"25',
    b"[]",
    b"null",
    b'"tf"',
    b"{}",
    b'{"t":null}',
    b'{"t":"unheard-of","e":"NSE","tk":"26000","lp":"1.00"}',
    b'{"e":"NSE","tk":"26000","lp":"1.00"}',
    b'{"t":"tf","lp":"1.00"}',
    b'{"t":"om"}',
    b"[" * 5000,
)
"""All are well-formed WebSocket text: only the application can find that they are none of its messages."""


class Carrier(Protocol):
    """What brings to the client what the link lets through; each call takes effect at the client's end."""

    def write(self, frames: Sequence[bytes]) -> None:
        """Bring whole frames, in one piece."""
        ...

    def begin(self, frame: bytes) -> None:
        """Bring the beginning of a frame."""
        ...

    def reset(self) -> None:
        """Break the connection, with no closing handshake."""
        ...

    def end(self, code: int, reason: str) -> object:
        """Close the connection from the broker's side; called again, it changes nothing."""
        ...


class FaultyLink:
    """Lets things through late, in bursts, in part or never, as its broker's faults say.

    With no fault on, no latency and nothing under way, what is sent passes at once.

    Parameters
    ----------
    latency_s
        One way, without a fault.
    """

    def __init__(self, broker: SimulatedBroker, carrier: Carrier, latency_s: float = 0.0) -> None:
        self.is_stalled = False
        """A message was begun: the link stays up, and nothing more is sent, ever."""
        self._broker = broker
        self._carrier = carrier
        self._latency_s = latency_s
        self._loop = asyncio.get_running_loop()
        self._under_way = 0
        self._arrives_s = self._reaches_s = 0.0
        """Loop times at which the last thing of either direction arrives."""
        self._held_back: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        """What arrived, in either direction, while the black hole was open."""

    def flush(self, session: StreamSession) -> None:
        """Send what a session has, and do to the link what its strikes and its close command say."""
        if self._broker.faults.black_hole:
            if len(session.outbox) > _MOST_WAITING:
                session.outbox = []
                session.strikes = [Strike(action="reset")]
            return
        self.carry_on()
        frames = session.take()
        if frames:
            self.send(self._carrier.write, frames)
        if session.strikes:
            strikes, session.strikes = session.strikes, []
            for strike in strikes:
                self._suffer(strike)
        if session.close_command is not None:
            self._carrier.end(*session.close_command)

    def send(self, act: Callable[..., object], *arguments: Any) -> None:
        """Do something at the client's end, once the link has let it through; nothing overtakes."""
        if self.is_stalled:
            return
        faults = self._broker.faults
        goes_s = self._loop.time() + self._latency_s
        if faults.delay_s or faults.burst_s:
            goes_s += faults.delay_s
            if faults.burst_s:
                goes_s = math.ceil(goes_s / faults.burst_s) * faults.burst_s
        elif not self._latency_s and not self._under_way:
            self.arrive(act, *arguments)
            return
        self._arrives_s = _not_before(goes_s, self._arrives_s)
        self._under_way += 1
        if self._under_way > _MOST_UNDER_WAY:
            self.is_stalled = True
            act, arguments = self._carrier.reset, ()
        self._loop.call_at(self._arrives_s, self._sent, act, arguments)

    def receive(self, act: Callable[..., object], *arguments: Any) -> None:
        """Do something at the broker's end, that the client has sent just now."""
        self._reaches_s = _not_before(self._loop.time() + self._latency_s, self._reaches_s)
        self._loop.call_at(self._reaches_s, self.arrive, act, *arguments)

    def arrive(self, act: Callable[..., object], *arguments: Any) -> None:
        """Do something at either end now, or after the black hole and what arrived in it before."""
        if self._broker.faults.black_hole:
            self._held_back.append((act, arguments))
        else:
            self.carry_on()
            act(*arguments)

    def carry_on(self) -> None:
        """Let through what was held back; no-op while the black hole is open."""
        while self._held_back and not self._broker.faults.black_hole:
            act, arguments = self._held_back.popleft()
            act(*arguments)

    def drop(self) -> None:
        """The connection is no more: forget what is held back."""
        self._held_back.clear()

    def _sent(self, act: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        self._under_way -= 1
        self.arrive(act, *arguments)

    def _suffer(self, strike: Strike) -> None:
        if strike.action == "reset":
            if self.is_stalled:
                self._carrier.reset()
            else:
                self.send(self._carrier.reset)
        elif strike.action == "half_frame":
            self.send(self._carrier.begin, half_frame())
            self.is_stalled = True
        elif strike.action == "oversized":
            message = b'{"t":"dm","text":"' + b"x" * _OVERSIZED_BYTES + b'"}'
            self.send(self._carrier.write, [text_frame(message)])
        else:
            self.send(self._carrier.write, [text_frame(message) for message in GARBAGE])


async def is_answered(broker: SimulatedBroker, caller_has_gone: Callable[[], Awaitable[bool]]) -> bool:
    """True once the broker answers a REST call; False when its caller has gone before that.

    Parameters
    ----------
    caller_has_gone
        Waits a moment, and says then whether the caller waits no longer.
    """
    hangs = broker.faults.rest_hangs
    while hangs or broker.faults.black_hole:
        if await caller_has_gone():
            return False
    if broker.faults.delay_s:
        await asyncio.sleep(broker.faults.delay_s)
    return True


def _not_before(moment_s: float, last_s: float) -> float:
    """A moment after the last one: timers that are due at the very same time run in no certain order."""
    return moment_s if moment_s > last_s else math.nextafter(last_s, math.inf)

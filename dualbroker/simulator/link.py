"""A TCP link to one client that can fail: what is written goes late, in bursts, in part or never."""

from __future__ import annotations

import asyncio
import math
import socket
import struct
import sys
from collections import deque
from typing import Any

from dualbroker.simulator.broker import SimulatedBroker

__all__ = ["Link"]

_MOST_HELD_BACK_BYTES = 64 * 1024 * 1024
_LINGER_AND_RESET = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Link(asyncio.Transport):
    """Stands in front of a connection's transport and obeys its broker's faults.

    With no fault on, and nothing held back, what is written is handed on at once.
    """

    def __init__(self, transport: asyncio.Transport, broker: SimulatedBroker) -> None:
        super().__init__()
        self._transport = transport
        self._broker = broker
        self._loop = asyncio.get_running_loop()
        self._held_back: deque[tuple[float, bytes | None]] = deque()
        """Loop time at which it goes, bytes; None is the end of the stream."""
        self._held_back_bytes = 0
        self._goes_s = 0.0
        self._is_stalled = False
        self._is_given_up = False

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send bytes, when the faults let them go."""
        if self._is_clear:
            self._transport.write(data)
        else:
            self._hold_back(bytes(data))

    def write_eof(self) -> None:
        """End the stream after what was written."""
        if self._is_clear:
            self._transport.write_eof()
        else:
            self._hold_back(None)

    def carry_on(self) -> None:
        """Send what was held back and is due by now."""
        if self._broker.faults.black_hole:
            return
        if self._is_given_up:
            self.reset()
        now_s = self._loop.time()
        while self._held_back and self._held_back[0][0] <= now_s and not self._transport.is_closing():
            _, data = self._held_back.popleft()
            if data is None:
                self._transport.write_eof()
            else:
                self._held_back_bytes -= len(data)
                self._transport.write(data)

    def stall(self) -> None:
        """Send nothing more, ever, and leave the link up."""
        self._is_stalled = True

    def reset(self) -> None:
        """Break the link: the other side is sent RST."""
        connection = self._transport.get_extra_info("socket")
        if connection is not None and not self._transport.is_closing():
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_AND_RESET)
        self._transport.abort()

    @property
    def _is_clear(self) -> bool:
        faults = self._broker.faults
        return not (
            self._held_back
            or self._is_stalled
            or self._is_given_up
            or faults.black_hole
            or faults.delay_s
            or faults.burst_s
        )

    def _hold_back(self, data: bytes | None) -> None:
        if self._is_stalled or self._is_given_up:
            return
        faults = self._broker.faults
        goes_s = self._loop.time() + faults.delay_s
        if faults.burst_s:
            goes_s = math.ceil(goes_s / faults.burst_s) * faults.burst_s
        # Nothing overtakes on a link, also when it was slower a moment ago.
        self._goes_s = max(goes_s, self._goes_s)
        self._held_back.append((self._goes_s, data))
        self._held_back_bytes += len(data or b"")
        if self._held_back_bytes > _MOST_HELD_BACK_BYTES:
            # What nobody acknowledges for so long, a server's system gives up.
            self._is_given_up = True
            self._held_back.clear()

    # The rest is the transport's own.

    def can_write_eof(self) -> bool:
        return self._transport.can_write_eof()

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        """Bytes handed on and not yet taken by the system; what is held back does not count."""
        return self._transport.get_write_buffer_size()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

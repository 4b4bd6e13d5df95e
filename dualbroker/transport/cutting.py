"""Cuts whole WebSocket frames off a stream of bytes (RFC 6455, 5.2). Pure.

Nearly all that a broker sends is unfragmented text. Such a frame is its payload behind a short header, so
a whole read is cut with one slice for each message, without the general parser. Any other frame is left to
that parser, which stays the authority on the protocol: it gets whole frames only, so that the next frame
can be cut again. ``python -m benchmarks`` measures it.
"""

from __future__ import annotations

__all__ = ["FrameCutter"]

TEXT_AT_ONCE = 0x81
"""First byte of a text frame that is a whole message: FIN, no reserved bit, opcode 1."""
FIN = 0x80
OPCODE = 0x0F
CONTROL = 0x08
MOST_IN_CONTROL = 125


class FrameCutter:
    """Cuts one connection's stream, from behind its opening handshake on.

    Parameters
    ----------
    largest
        Payloads of more bytes than this are not cut: the parser refuses them.
    """

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._tail = b""
        self._in_fragments = False
        self._gave_up = False

    def cut(self, data: bytes) -> tuple[list[bytes], bytes]:
        """Cut what has come.

        Parameters
        ----------
        data
            Bytes of the stream, behind those given before; ``b""`` to go on after a frame for the parser.

        Returns
        -------
        list of bytes
            Payloads of the whole text messages that come first, in order.
        bytes
            What comes after them, for the parser: one whole frame of any other kind, after which it goes on
            with ``cut(b"")``; or ``b""`` when the rest is an incomplete frame, which is kept, or nothing.
            What is malformed, masked, extended or too large goes to the parser, and all that follows it.
        """
        if self._gave_up:
            return [], data
        if self._tail:
            data = self._tail + data
            self._tail = b""
        messages: list[bytes] = []
        take = messages.append
        position, end = 0, len(data)
        if not self._in_fragments:
            while position + 2 <= end and data[position] == TEXT_AT_ONCE:
                size = data[position + 1]
                start = position + 2
                if size >= 126:
                    header = _longer_size(data, start, size)
                    if header is None:
                        break
                    size, start = header
                if start + size > end or size > self._largest:
                    break
                position = start + size
                take(data[start:position])
        if position == end:
            return messages, b""
        other = self._other(data, position, end)
        self._tail = data[position + other :]
        rest = data[position : position + other]
        if self._gave_up:
            rest += self._tail
            self._tail = b""
        return messages, rest

    def tail(self) -> bytes:
        """What was kept of an incomplete frame, given away."""
        tail, self._tail = self._tail, b""
        return tail

    def _other(self, data: bytes, position: int, end: int) -> int:
        """Bytes of the frame at a position that is for the parser; 0 while it is not whole, or cut later."""
        if position + 2 > end:
            return 0
        first, size = data[position], data[position + 1]
        is_control = bool(first & CONTROL)
        is_final = bool(first & FIN)
        # Reserved bits, a mask, a control frame that is fragmented or long: the parser ends the connection.
        if first & 0x70 or size & 0x80 or (is_control and (not is_final or size > MOST_IN_CONTROL)):
            self._gave_up = True
            return 0
        header = _longer_size(data, position + 2, size)
        if header is None:
            return 0
        size, start = header
        if size > self._largest:
            self._gave_up = True
            return 0
        if start + size > end:
            return 0
        if not is_control:
            self._in_fragments = not is_final
        return start + size - position


def _longer_size(data: bytes, start: int, size: int) -> tuple[int, int] | None:
    """A payload's size and where it begins, by its header's second byte; None until the header is whole."""
    if size < 126:
        return size, start
    width = 2 if size == 126 else 8
    if start + width > len(data):
        return None
    return int.from_bytes(data[start : start + width], "big"), start + width

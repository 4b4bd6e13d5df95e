"""WebSocket text frames as a server writes them, and what frames of a client would take.

A server's frames are not masked, so one frame's bytes serve every connection it is sent to: a tick is
encoded once, however many brokers and clients receive it (RFC 6455, section 5).
"""

from __future__ import annotations

import struct

__all__ = ["client_frame_size", "close_frame", "half_frame", "payload_of", "text_frame"]

_FINAL_TEXT = 0x81
_FINAL_CLOSE = 0x88
_NO_CODE = 1005
_LONGEST_REASON = 123
_MASK_SIZE = 4


def text_frame(payload: bytes) -> bytes:
    """One unmasked, final text frame."""
    length = len(payload)
    if length < 126:
        return bytes((_FINAL_TEXT, length)) + payload
    if length < 65536:
        return struct.pack("!BBH", _FINAL_TEXT, 126, length) + payload
    return struct.pack("!BBQ", _FINAL_TEXT, 127, length) + payload


def close_frame(code: int, reason: str) -> bytes:
    """A close frame with any code, also one that must not be sent; 1005 stands for none at all."""
    payload = b"" if code == _NO_CODE else struct.pack("!H", code) + reason.encode("utf-8")[:_LONGEST_REASON]
    return bytes((_FINAL_CLOSE, len(payload))) + payload


def half_frame() -> bytes:
    """The first half of a text frame."""
    frame = text_frame(b'{"t":"tf","e":"NSE","tk":"26000","lp":"%s"}' % (b"1" * 500))
    return frame[: len(frame) // 2]


def payload_of(frame: bytes) -> bytes:
    """The payload of a frame that ``text_frame`` made."""
    marker = frame[1]
    if marker < 126:
        return frame[2:]
    return frame[4:] if marker == 126 else frame[10:]


def client_frame_size(payload_size: int) -> int:
    """Bytes on the wire of a client's (masked) frame with a payload of so many bytes."""
    length_size = 0 if payload_size < 126 else 2 if payload_size < 65536 else 8
    return 2 + length_size + _MASK_SIZE + payload_size

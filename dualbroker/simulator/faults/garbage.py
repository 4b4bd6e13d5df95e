"""Text messages that no client can make sense of, each in a way of its own."""

from __future__ import annotations

__all__ = ["GARBAGE"]

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

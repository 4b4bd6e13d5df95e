"""The six digits of an authenticator (RFC 6238: SHA-1, steps of 30 seconds).

Not by `pyotp`: its newer versions refuse secrets below 112 bits, and some accounts have one of 80, which
their owners can't choose.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

__all__ = ["totp_code"]

_STEP_S = 30


def totp_code(secret: str, time_s: int) -> str:
    """The code of that moment.

    Parameters
    ----------
    secret
        Base32, as the authenticator was set up with; spaces, case and missing padding do not matter.
    time_s
        Epoch seconds.

    Raises
    ------
    ValueError
        The secret is not base32, or empty.
    """
    text = "".join(secret.split()).rstrip("=")
    key = base64.b32decode(text + "=" * (-len(text) % 8), casefold=True)
    if not key:
        raise ValueError("expected a base32 secret, found none")
    digest = hmac.digest(key, (time_s // _STEP_S).to_bytes(8, "big"), hashlib.sha1)
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFF_FFFF
    return f"{number % 1_000_000:06d}"

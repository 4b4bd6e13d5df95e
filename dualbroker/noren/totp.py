"""The six digits of an authenticator (RFC 6238: SHA-1, steps of 30 seconds)."""

from __future__ import annotations

import pyotp

__all__ = ["totp_code"]


class _AnyLength(pyotp.TOTP):
    """Some accounts have a secret of 80 bits, which their owners can't choose."""

    min_secret_length_bits = 1


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
    if not text:
        raise ValueError("expected a base32 secret, found none")
    return _AnyLength(text).at(time_s)

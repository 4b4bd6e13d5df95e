from __future__ import annotations

import base64

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.noren.totp import totp_code

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode("ascii")


@pytest.mark.parametrize(
    ("time_s", "code"), [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")]
)
def test_the_examples_of_the_standard(time_s: int, code: str) -> None:
    assert totp_code(RFC_SECRET, time_s) == code


@given(st.binary(min_size=14, max_size=40), st.integers(0, 4_000_000_000))
def test_it_agrees_with_another_implementation(key: bytes, time_s: int) -> None:
    secret = base64.b32encode(key).decode("ascii").rstrip("=")
    assert totp_code(secret, time_s) == pyotp.TOTP(secret).at(time_s)


def test_a_short_secret_works_however_it_is_written() -> None:
    codes = {totp_code(text, 59) for text in ("JBSWY3DPEHPK3PXP", "jbsw y3dp ehpk 3pxp", "JBSWY3DPEHPK3PXP=")}
    assert len(codes) == 1
    assert codes.pop().isdigit()


@pytest.mark.parametrize("secret", ["", "   ", "123456", "₹", "ABC1"])
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match=r"base32|padd|ASCII|digit"):
        totp_code(secret, 59)

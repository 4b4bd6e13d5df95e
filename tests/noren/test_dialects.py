"""The rows of the Noren brokers."""

from __future__ import annotations

import pytest

from dualbroker.errors import ConfigError
from dualbroker.noren.dialects import DIALECTS, FLATTRADE, SHOONYA, SHOONYA_LEGACY, Dialect, dialect


@pytest.mark.parametrize("row", DIALECTS.values(), ids=lambda row: row.name)
def test_every_row_is_whole(row: Dialect) -> None:
    assert dialect(row.name) is row
    assert row.rest_base.startswith("https://")
    assert row.websocket_url.startswith("wss://")
    assert not row.rest_base.endswith("/")
    assert not row.masters_base.endswith("/")
    assert 0 < row.requests_per_second <= row.requests_per_minute
    assert (row.login == "password_totp") is (row.authorise_url is None)
    assert (row.login == "flattrade") is (row.token_url is not None)


def test_both_generations() -> None:
    assert (SHOONYA.authorisation, SHOONYA.hello, SHOONYA.login) == ("bearer", "a", "oauth")
    assert (SHOONYA_LEGACY.authorisation, SHOONYA_LEGACY.hello) == ("jkey", "c")
    assert (FLATTRADE.authorisation, FLATTRADE.hello) == ("jkey", "a")


def test_the_login_page() -> None:
    assert SHOONYA.authorise_page("FA0001_U") == (
        "https://trade.shoonya.com/OAuthlogin/authorize/oauth?client_id=FA0001_U"
    )
    assert FLATTRADE.authorise_page("a&b") == "https://auth.flattrade.in/?app_key=a%26b"
    assert SHOONYA_LEGACY.authorise_page("FA0001_U") is None


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"shoonya, shoonya_legacy, flattrade.*found 'kite'"):
        dialect("kite")

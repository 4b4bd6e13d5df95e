"""Accounts and logins of simulated brokers."""

from __future__ import annotations

import hashlib
import re

import pyotp
import pytest

from dualbroker.noren.requests import flattrade_token_request, generate_access_token, quick_auth
from dualbroker.simulator.answers import Refusal
from dualbroker.simulator.trading.accounts import Account, Logins, generate_account

NOW_NS = 1_760_000_000_000_000_000
STEP_NS = 30_000_000_000


def credentials(account: Account, at_ns: int = NOW_NS, password: str | None = None) -> dict[str, str]:
    return quick_auth(
        user_id=account.uid,
        password=password or account.password,
        second_factor=pyotp.TOTP(account.totp_secret).at(at_ns // 1_000_000_000),
        vendor_code=account.vendor_code,
        api_key=account.api_key,
    )


@pytest.fixture
def account() -> Account:
    return generate_account(7, "broker1")


@pytest.fixture
def logins(account: Account) -> Logins:
    return Logins([account], "tokens")


def test_same_seed_and_broker_give_the_same_account() -> None:
    assert generate_account(7, "broker1") == generate_account(7, "broker1")
    assert generate_account(7, "broker1") != generate_account(8, "broker1")
    assert generate_account(7, "broker1").password != generate_account(7, "broker2").password
    assert generate_account(7, "broker1", 1).uid != generate_account(7, "broker1", 0).uid


def test_account_looks_like_a_real_one(account: Account) -> None:
    assert re.fullmatch(r"FA\d{4}", account.uid)
    assert account.vendor_code == f"{account.uid}_U"


def test_password_login_gives_a_token(account: Account, logins: Logins) -> None:
    owner, token = logins.by_password(credentials(account), NOW_NS)
    assert owner == account
    assert re.fullmatch(r"[0-9a-f]{64}", token)
    assert logins.account_of(token) == account


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_time_code_may_be_a_step_off(account: Account, logins: Logins, steps: int) -> None:
    logins.by_password(credentials(account, at_ns=NOW_NS + steps * STEP_NS), NOW_NS)


def test_old_time_code_is_refused(account: Account, logins: Logins) -> None:
    with pytest.raises(Refusal, match="Invalid OTP"):
        logins.by_password(credentials(account, at_ns=NOW_NS - 4 * STEP_NS), NOW_NS)


def test_wrong_password_then_blocked(account: Account, logins: Logins) -> None:
    for _ in range(5):
        with pytest.raises(Refusal, match="Invalid Input : Wrong Password"):
            logins.by_password(credentials(account, password="guess"), NOW_NS)
    with pytest.raises(Refusal, match="User Blocked due to multiple wrong attempts"):
        logins.by_password(credentials(account), NOW_NS)


def test_success_forgets_wrong_attempts(account: Account, logins: Logins) -> None:
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(Refusal):
                logins.by_password(credentials(account, password="guess"), NOW_NS)
        logins.by_password(credentials(account), NOW_NS)


@pytest.mark.parametrize(
    ("field", "emsg"),
    [("appkey", "App Key"), ("vc", "Vendor Code"), ("source", "Access Type"), ("uid", "Wrong Password")],
)
def test_other_wrong_fields(account: Account, logins: Logins, field: str, emsg: str) -> None:
    with pytest.raises(Refusal, match=emsg):
        logins.by_password(credentials(account) | {field: "other"}, NOW_NS)


@pytest.mark.parametrize("names_user", [True, False])
def test_code_login(account: Account, logins: Logins, names_user: bool) -> None:
    fields = generate_access_token(
        code=account.oauth_code,
        client_id=account.client_id,
        secret=account.oauth_secret,
        user_id=account.uid if names_user else None,
    )
    owner, token = logins.by_code(fields)
    assert owner == account
    assert logins.account_of(token) == account
    with pytest.raises(Refusal):
        logins.by_code(fields | {"checksum": hashlib.sha256(b"other").hexdigest()})


def test_flattrade_login(account: Account, logins: Logins) -> None:
    fields = flattrade_token_request(
        api_key=account.api_key, request_code=account.oauth_code, api_secret=account.oauth_secret
    )
    assert logins.by_request_code(fields)[0] == account
    with pytest.raises(Refusal):
        logins.by_request_code(fields | {"api_secret": "other"})


def test_second_login_leaves_the_first_alive_and_logout_ends_one(account: Account, logins: Logins) -> None:
    _, first = logins.by_password(credentials(account), NOW_NS)
    _, second = logins.by_password(credentials(account), NOW_NS)
    assert first != second
    logins.end(first)
    assert logins.account_of(first) is None
    assert logins.account_of(second) == account
    assert logins.account_of("") is None

"""Accounts of a simulated broker, and who is logged in.

Choices where the protocol page is silent, each the kinder one for a client under test:

- A second login leaves the tokens of earlier ones alive; only ``Logout`` ends one.
- An OAuth code can be used any number of times (a real one once), so that a script can be run again.
"""

from __future__ import annotations

import hashlib
import hmac
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec
import pyotp

from dualbroker.simulator import answers
from dualbroker.simulator.answers import Refusal

__all__ = ["Account", "Logins", "generate_account"]

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_LETTERS_AND_DIGITS = "abcdefghijkmnpqrstuvwxyz23456789"
_ATTEMPTS_BEFORE_BLOCKED = 5
_ACCESS_TYPES = frozenset({"API", "WEB", "MOB", "TT"})


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A client of a simulated broker and all it takes to log in, in either style."""

    uid: str
    password: str
    totp_secret: str
    """Base32, as an authenticator app takes it."""
    api_key: str
    vendor_code: str
    client_id: str
    oauth_secret: str
    oauth_code: str
    """What the browser would bring back from the broker's login page."""
    cash: float
    """Rupees to trade with."""


def generate_account(seed: int, broker_name: str, number: int = 0, cash: float = 10_000_000.0) -> Account:
    """Make up an account: the same one for the same seed, broker and number (0, 1, 2 …)."""
    dice = random.Random(f"account/{seed}/{broker_name}")
    first_uid = dice.randrange(1, 9000)
    dice = random.Random(f"account/{seed}/{broker_name}/{number}")

    def letters(length: int) -> str:
        return "".join(dice.choices(_LETTERS_AND_DIGITS, k=length))

    uid = f"FA{first_uid + number:04d}"
    return Account(
        uid=uid,
        password=f"Sim@{letters(8)}",
        totp_secret="".join(dice.choices(_BASE32, k=32)),
        api_key=letters(32),
        vendor_code=f"{uid}_U",
        client_id=f"{uid}_U",
        oauth_secret=letters(40),
        oauth_code=letters(24),
        cash=cash,
    )


class Logins:
    """Checks credentials and knows which session token belongs to whom."""

    def __init__(self, accounts: Sequence[Account], token_seed: str) -> None:
        self._accounts = {account.uid: account for account in accounts}
        self._by_token: dict[str, Account] = {}
        self._dead: dict[str, Account] = {}
        self._wrong_attempts: dict[str, int] = {}
        self._token_seed = token_seed
        self._tokens_issued = 0

    def by_password(self, fields: Mapping[str, str], now_ns: int) -> tuple[Account, str]:
        """Log in with password and TOTP (protocol: QuickAuth).

        Parameters
        ----------
        fields
            ``uid``, ``pwd`` (sha256 of the password), ``factor2`` (the TOTP, one step of 30 s early or
            late is fine), ``vc``, ``appkey`` (sha256 of ``uid|api_key``), ``source``.
        now_ns
            Wall time by which the TOTP is checked, UTC nanoseconds.

        Returns
        -------
        The account and a new session token, 64 hexadecimal digits.

        Raises
        ------
        Refusal
            With the broker's words; five wrong attempts block the user for good.
        """
        if fields.get("source") not in _ACCESS_TYPES:
            raise Refusal(answers.ACCESS_TYPE, status=400)
        uid = fields.get("uid", "")
        account = self._accounts.get(uid)
        if account is None:
            raise Refusal(answers.WRONG_PASSWORD)
        if self._wrong_attempts.get(uid, 0) >= _ATTEMPTS_BEFORE_BLOCKED:
            raise Refusal(answers.BLOCKED)
        if not _same(fields.get("pwd", ""), _sha256(account.password)):
            raise self._wrong(uid, answers.WRONG_PASSWORD)
        moment = datetime.fromtimestamp(now_ns / 1e9, UTC)
        totp = pyotp.TOTP(account.totp_secret)
        if not totp.verify(fields.get("factor2", ""), for_time=moment, valid_window=1):
            raise self._wrong(uid, answers.INVALID_OTP)
        app_key = _sha256(f"{uid}|{account.api_key}")
        if not _same(fields.get("appkey", ""), app_key) or fields.get("vc") != account.vendor_code:
            raise Refusal(answers.INVALID_KEY)
        self._wrong_attempts.pop(uid, None)
        return account, self._issue(account)

    def by_code(self, fields: Mapping[str, str]) -> tuple[Account, str]:
        """Exchange an OAuth code (protocol: GenAcsTok; ``checksum`` = sha256 of client id, secret, code).

        Raises
        ------
        Refusal
            Nobody has that code, or the checksum is wrong.
        """
        for account in self._accounts.values():
            code = account.oauth_code
            checksum = _sha256(account.client_id + account.oauth_secret + code)
            uid = fields.get("uid") or account.uid
            if (
                uid == account.uid
                and _same(fields.get("code", ""), code)
                and _same(fields.get("checksum", ""), checksum)
            ):
                return account, self._issue(account)
        raise Refusal(answers.INVALID_CODE)

    def by_request_code(self, fields: Mapping[str, str]) -> tuple[Account, str]:
        """Exchange a code as Flattrade does (``api_secret`` = sha256 of api key, code, secret).

        Raises
        ------
        Refusal
            Nobody has that code, or the hash is wrong.
        """
        for account in self._accounts.values():
            expected = _sha256(account.api_key + account.oauth_code + account.oauth_secret)
            if fields.get("api_key") == account.api_key and _same(fields.get("api_secret", ""), expected):
                return account, self._issue(account)
        raise Refusal(answers.INVALID_CODE)

    def account_of(self, token: str | None) -> Account | None:
        """Whose live session token that is, None when it is nobody's."""
        return self._by_token.get(token) if token else None

    def end(self, token: str) -> None:
        """Make a token worthless."""
        account = self._by_token.pop(token, None)
        if account is not None:
            self._dead[token] = account

    def end_all(self) -> None:
        """Make every token worthless."""
        self._dead |= self._by_token
        self._by_token.clear()

    def account_of_dead(self, token: str | None) -> Account | None:
        """Whose session token that was before it became worthless, None when it never was anybody's."""
        return self._dead.get(token) if token else None

    def _issue(self, account: Account) -> str:
        self._tokens_issued += 1
        token = _sha256(f"{self._token_seed}/{account.uid}/{self._tokens_issued}")
        self._by_token[token] = account
        return token

    def _wrong(self, uid: str, emsg: str) -> Refusal:
        self._wrong_attempts[uid] = self._wrong_attempts.get(uid, 0) + 1
        return Refusal(emsg)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8"), expected.encode("utf-8"))

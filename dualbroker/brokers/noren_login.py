"""Opens the session of one Noren login: from a saved or given token, or by password and TOTP.

A refused login is never tried again here: three wrong passwords block an account.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from dualbroker.brokers.base import BrokerContext
from dualbroker.brokers.limiter import RateLimiter
from dualbroker.brokers.noren_rest import NorenRest
from dualbroker.brokers.noren_stream import NorenSession
from dualbroker.config.schema import BrokerConfig
from dualbroker.errors import (
    ConfigError,
    LoginHeldError,
    LoginNeededError,
    LoginRefusedError,
    RequestRefusedError,
    SessionExpiredError,
)
from dualbroker.keyring_calls import off_loop
from dualbroker.noren.dialects import Dialect
from dualbroker.noren.requests import Endpoint, quick_auth
from dualbroker.noren.totp import totp_code
from dualbroker.storage.locks import LoginLock
from dualbroker.storage.tokens import SavedSession, SessionTokens, is_usable_token, next_expiry_ns

__all__ = ["NorenLogin", "login_id"]

logger = logging.getLogger("dualbroker")

Result = TypeVar("Result")


LOGIN_CHECK_S = 10.0
"""Between two looks for a session that a person has opened meanwhile."""

FRESH_LOGIN_S = 600.0
"""How long after its login a saved session is too young to have expired."""


_NO_SESSION = "no session yet for today. Log in"


def login_id(config: BrokerConfig) -> str:
    """Names one login on this machine: what tokens and locks are kept under."""
    return f"{config.type}-{config.user_id}"


class NorenLogin:
    """The session of one login, and the lock that keeps a second holder away."""

    def __init__(
        self, config: BrokerConfig, dialect: Dialect, context: BrokerContext, rest: NorenRest
    ) -> None:
        self._config = config
        self._dialect = dialect
        self._context = context
        self._rest = rest
        self._session: NorenSession | None = None
        self._expires_ns = 0
        self._dead_token: str | None = None
        # However often a server throws us out: two new sessions a minute, no more.
        self._logins = RateLimiter(per_second=1, per_minute=2)
        directory = context.state_directory
        self._tokens = SessionTokens(directory) if directory is not None else None
        self._tokens_problem = ""
        """Why nobody knows whether a session is saved, in words; "" while that is known."""
        self._lock: LoginLock | None = None

    @property
    def user_id(self) -> str:
        return self._config.user_id or ""

    @property
    def account_id(self) -> str:
        return self._config.account_id or self.user_id

    @property
    def opens_by_itself(self) -> bool:
        """Whether a new session needs nobody else: neither a person, nor whoever writes the given token."""
        return self._dialect.login == "password_totp" and self._config.token is None

    @property
    def way_out(self) -> str:
        """What brings a new session, in words for a person, where none is opened here by itself."""
        if self._config.token is not None:
            return "it goes on by itself once the config's token is a new one"
        return "log in again: dualbroker login"

    async def open(self, *, renew: bool) -> NorenSession:
        """The session to work with; with ``renew`` a new one, for the broker refused the last.

        Raises
        ------
        LoginRefusedError
            The broker says no, or a person has to log in first.
        LoginHeldError
            Another process on this machine holds this login.
        """
        self._take_lock()
        if renew or self.is_of_yesterday():
            await self._forget()
        if self._session is None:
            self._session = await self._saved_session() or await self._new_session()
        return self._session

    def is_of_yesterday(self) -> bool:
        """Brokers drop tokens in the small hours: one from before is not even tried."""
        return self._session is not None and self._context.wall_clock.now_ns() >= self._expires_ns

    async def wait_for_saved_session(self) -> None:
        """Return once somebody has logged in on this machine, other than with the token that died; where
        another process holds the login, once that has ended."""
        if self._needs_lock and self._lock is None:
            while not self._has_taken_lock():  # noqa: ASYNC110 another process sets no event here
                await asyncio.sleep(LOGIN_CHECK_S)
            return
        used = None if self._session is None else self._session.token
        while True:
            await asyncio.sleep(LOGIN_CHECK_S)
            saved = await self._load()
            if saved is not None and saved.token != used:
                return

    async def _load(self) -> SavedSession | None:
        now_ns = self._context.wall_clock.now_ns()
        try:
            if self._config.token is not None:
                saved = await self._given(now_ns)
            elif self._tokens is not None:
                saved = await self._with_tokens(partial(self._tokens.load, login_id(self._config), now_ns))
            else:
                return None
        except ConfigError as error:
            if str(error) != self._tokens_problem:
                self._tokens_problem = str(error)
                logger.warning("%s: %s", self._config.name, error)
            return None
        self._tokens_problem = ""
        return saved if saved is not None and saved.token != self._dead_token else None

    async def _given(self, now_ns: int) -> SavedSession | None:
        """The session of the token that the config names, as it is now; it is another program's."""
        token = await off_loop(self._config.token_now)
        if token is None:
            return None
        if not is_usable_token(token):
            raise ConfigError(
                f"brokers.{self._config.name}.token: expected a token and nothing else, found other text"
            )
        return SavedSession.until_next_morning(token, self.user_id, self.account_id, now_ns)

    async def _with_tokens(self, act: Callable[[], Result]) -> Result:
        """Do something with the saved sessions: a file's at once, a keyring's while all else goes on."""
        assert self._tokens is not None
        return await off_loop(act) if self._tokens.may_wait else act()

    @property
    def _needs_lock(self) -> bool:
        return self._context.state_directory is not None and self._config.orders == "stream"

    def _take_lock(self) -> None:
        directory = self._context.state_directory
        if self._lock is None and directory is not None and self._needs_lock:
            lock = LoginLock(login_id(self._config), directory)
            lock.acquire()
            self._lock = lock

    def _has_taken_lock(self) -> bool:
        try:
            self._take_lock()
        except (ConfigError, LoginHeldError):
            return False
        return True

    def release(self) -> None:
        """Let another process have this login."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    async def _forget(self) -> None:
        self._dead_token = self._rest.token or self._dead_token
        self._session = None
        self._rest.token = None
        if self._tokens is None or self._config.token is not None:
            return
        # A person may have logged in anew since: that token is not the one that died.
        if await self._load() is None and not self._tokens_problem:
            await self._with_tokens(partial(self._tokens.delete, login_id(self._config)))

    async def _saved_session(self) -> NorenSession | None:
        saved = await self._load()
        if saved is None:
            return None
        age_s = (self._context.wall_clock.now_ns() - saved.obtained_ns) / 1e9
        # Of a given token nobody knows when it was obtained.
        self._rest.use(saved.token, fresh=self._config.token is None and age_s < FRESH_LOGIN_S)
        self._expires_ns = saved.expires_ns
        try:
            # Yesterday's token must be found out here, not in a loop of refused sockets.
            await self._rest.call(Endpoint.USER_DETAILS, {"uid": saved.user_id})
        except SessionExpiredError:
            logger.info("%s: the saved session has ended", self._config.name)
            await self._forget()
            return None
        except RequestRefusedError as error:
            # It refuses the question, not the session; the WebSocket's hello will tell.
            logger.info("%s: the saved session could not be checked: %s", self._config.name, error)
        return NorenSession(saved.user_id, saved.account_id, saved.token)

    async def _new_session(self) -> NorenSession:
        if self._config.token is not None:
            found = self._tokens_problem or "the broker does not take the config's token"
            raise LoginNeededError(f"{self._config.name}: {found}; {self.way_out}")
        if self._dialect.login != "password_totp":
            found = f"{self._tokens_problem}. Else log in" if self._tokens_problem else _NO_SESSION
            raise LoginNeededError(f"{self._config.name}: {found}: dualbroker login")
        await self._logins.wait()
        now_ns = self._context.wall_clock.now_ns()
        try:
            token, answer = await self._rest.log_in(Endpoint.QUICK_AUTH, self._password_values(now_ns))
        except (RequestRefusedError, SessionExpiredError) as error:
            # Whatever words a login is refused with: trying again may block the account.
            raise LoginRefusedError(str(error)) from error
        return await self._keep(token, answer, now_ns)

    def _password_values(self, now_ns: int) -> dict[str, Any]:
        config = self._config
        if config.password is None or config.totp_secret is None or config.api_key is None:
            raise LoginRefusedError(
                f"{config.name}: a login with password needs password, totp_secret and api_key"
            )
        try:
            code = totp_code(config.totp_secret.get_secret_value(), now_ns // 1_000_000_000)
        except ValueError:
            raise LoginRefusedError(
                f"{config.name}: totp_secret: expected the base32 secret behind the six digits, "
                "found another text"
            ) from None
        return quick_auth(
            user_id=self.user_id,
            password=config.password.get_secret_value(),
            second_factor=code,
            vendor_code=config.vendor_code or f"{self.user_id}_U",
            api_key=config.api_key.get_secret_value(),
            imei=config.imei or "dualbroker",
        )

    async def _keep(self, token: str, answer: dict[str, Any], now_ns: int) -> NorenSession:
        self._rest.use(token, fresh=True)
        self._expires_ns = next_expiry_ns(now_ns)
        account = answer.get("actid")
        account_id = account if isinstance(account, str) and account else self.account_id
        if self._tokens is not None:
            saved = SavedSession.until_next_morning(token, self.user_id, account_id, now_ns)
            try:
                await self._with_tokens(partial(self._tokens.save, login_id(self._config), saved))
            except ConfigError as error:
                logger.warning("%s: the next start needs a new login: %s", self._config.name, error)
        return NorenSession(self.user_id, account_id, token)

    async def logout(self) -> None:
        """End the session at the broker and forget its token.

        Raises
        ------
        RequestRefusedError
            The token was given by the config, and so is another program's.
        """
        if self._config.token is not None:
            raise RequestRefusedError(
                f"{self._config.name}: the config's token is another program's, so its session is not ended"
            )
        await self._rest.call(Endpoint.LOGOUT, {"uid": self.user_id, "ordersource": "API"})
        await self._forget()

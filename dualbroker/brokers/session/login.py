"""Keeps the session of one login: from a saved or given token, or by the calls that a family makes.

A refused login is never tried again here: three wrong passwords block an account.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from dualbroker.brokers.base import BrokerContext
from dualbroker.brokers.limiter import RateLimiter
from dualbroker.brokers.session.wire import Session
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
from dualbroker.storage.locks import LoginLock
from dualbroker.storage.tokens import SavedSession, SessionTokens, is_usable_token, next_expiry_ns

__all__ = ["LoginCalls", "SessionLogin", "login_id"]

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


class LoginCalls(ABC):
    """What of a login is a family's own."""

    @property
    def opens_by_itself(self) -> bool:
        """Whether `log_in` needs no person."""
        return True

    @abstractmethod
    def use(self, token: str | None, *, fresh: bool) -> None:
        """Make REST calls with that token from now on; None with none. ``fresh``: of a login just made."""

    @abstractmethod
    async def check(self, user_id: str) -> None:
        """One call that a dead session refuses.

        Raises
        ------
        SessionExpiredError
            It has ended.
        RequestRefusedError
            It refuses the question, which says nothing of the session.
        """

    @abstractmethod
    async def log_in(self, now_ns: int) -> Session:
        """A new session, where no person is needed.

        Raises
        ------
        LoginRefusedError, RequestRefusedError, SessionExpiredError
            The broker says no; nobody tries again.
        """

    @abstractmethod
    async def log_out(self, user_id: str) -> None:
        """End the session in use at the broker."""

    def login_page(self) -> str | None:
        """Where a person logs in; None where none is needed.

        Raises
        ------
        ConfigError
            The section lacks what the page is opened with.
        """
        return None

    async def take_code(self, code: str, now_ns: int) -> SavedSession:
        """The session that a person's login on that page has opened.

        Raises
        ------
        LoginRefusedError
            The code is worth nothing, or it is another user's.
        """
        raise LoginRefusedError("this type of broker has no page to log in on")


class SessionLogin:
    """The session of one login, and the lock that keeps a second holder away."""

    def __init__(self, config: BrokerConfig, context: BrokerContext, calls: LoginCalls) -> None:
        self._config = config
        self._context = context
        self._calls = calls
        self._session: Session | None = None
        self._expires_ns = 0
        self._used_token: str | None = None
        self._dead_token: str | None = None
        # However often a server drops us: two new sessions a minute, no more.
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
        return self._calls.opens_by_itself and self._config.token is None

    @property
    def way_out(self) -> str:
        """What brings a new session, in words for a person, where none is opened here by itself."""
        if self._config.token is not None:
            return "it goes on by itself once the config's token is a new one"
        return "log in again: dualbroker login"

    async def open(self, *, renew: bool) -> Session:
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
        self._dead_token = self._used_token or self._dead_token
        self._session = None
        self._use(None, fresh=False)
        if self._tokens is None or self._config.token is not None:
            return
        # A person may have logged in again since: that token is not the one that died.
        if await self._load() is None and not self._tokens_problem:
            await self._with_tokens(partial(self._tokens.delete, login_id(self._config)))

    async def _saved_session(self) -> Session | None:
        saved = await self._load()
        if saved is None:
            return None
        age_s = (self._context.wall_clock.now_ns() - saved.obtained_ns) / 1e9
        # Of a given token nobody knows when it was obtained.
        self._use(saved.token, fresh=self._config.token is None and age_s < FRESH_LOGIN_S)
        self._expires_ns = saved.expires_ns
        try:
            # Yesterday's token must be found out here, not in a loop of refused sockets.
            await self._calls.check(saved.user_id)
        except SessionExpiredError:
            logger.info("%s: the saved session has ended", self._config.name)
            await self._forget()
            return None
        except RequestRefusedError as error:
            # It refuses the question, not the session; the WebSocket's hello will tell.
            logger.info("%s: the saved session could not be checked: %s", self._config.name, error)
        return Session(saved.user_id, saved.account_id, saved.token)

    async def _new_session(self) -> Session:
        if self._config.token is not None:
            found = self._tokens_problem or "the broker does not take the config's token"
            raise LoginNeededError(f"{self._config.name}: {found}; {self.way_out}")
        if not self._calls.opens_by_itself:
            found = f"{self._tokens_problem}. Else log in" if self._tokens_problem else _NO_SESSION
            raise LoginNeededError(f"{self._config.name}: {found}: dualbroker login")
        await self._logins.wait()
        now_ns = self._context.wall_clock.now_ns()
        try:
            session = await self._calls.log_in(now_ns)
        except (RequestRefusedError, SessionExpiredError) as error:
            # Whatever words a login is refused with: trying again may block the account.
            raise LoginRefusedError(str(error)) from error
        self._use(session.token, fresh=True)
        self._expires_ns = next_expiry_ns(now_ns)
        await self._keep(session, now_ns)
        return session

    def _use(self, token: str | None, *, fresh: bool) -> None:
        self._used_token = token
        self._calls.use(token, fresh=fresh)

    async def _keep(self, session: Session, now_ns: int) -> None:
        if self._tokens is None:
            return
        saved = SavedSession.until_next_morning(session.token, session.user_id, session.account_id, now_ns)
        try:
            await self._with_tokens(partial(self._tokens.save, login_id(self._config), saved))
        except ConfigError as error:
            logger.warning("%s: the next start needs a new login: %s", self._config.name, error)

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
        await self._calls.log_out(self.user_id)
        await self._forget()

    # What `dualbroker login` and `logout` do with the kept session

    def page(self) -> str | None:
        """Where a person logs in; None where none is needed."""
        return self._calls.login_page()

    async def take_code(self, code: str) -> SavedSession:
        """Keep the session that a person's login has opened."""
        session = await self._calls.take_code(code, self._context.wall_clock.now_ns())
        self._kept_tokens.save(login_id(self._config), session)
        return session

    def kept(self) -> SavedSession | None:
        """The session that is kept on this machine."""
        return self._kept_tokens.load(login_id(self._config), self._context.wall_clock.now_ns())

    def holder(self) -> str | None:
        """Who works with the kept session at the moment, in words; None when nobody does."""
        assert self._context.state_directory is not None
        lock = LoginLock(login_id(self._config), self._context.state_directory)
        try:
            lock.acquire()
        except LoginHeldError as error:
            return str(error)
        finally:
            lock.release()
        return None

    async def end_kept(self) -> bool | None:
        """End the kept session and forget it: whether it was alive; None when none was kept."""
        session, was_alive = self.kept(), None
        if session is not None:
            self._use(session.token, fresh=False)
            try:
                await self._calls.log_out(session.user_id)
                was_alive = True
            except SessionExpiredError:
                was_alive = False
        self._kept_tokens.delete(login_id(self._config))
        return was_alive

    @property
    def _kept_tokens(self) -> SessionTokens:
        if self._tokens is None:
            raise ConfigError(f"{self._config.name}: expected a folder to keep sessions in, found none")
        return self._tokens

"""Session tokens that outlive the process: a kernel restart needs no new login.

They lie in a file that only its owner may read or, with ``DUALBROKER_TOKENS=keyring`` in the
environment, in the system's keyring.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from dualbroker.clock import ist
from dualbroker.config.broker import mask
from dualbroker.errors import ConfigError
from dualbroker.keyring_calls import KEYRING, KeyringCalls, KeyringSilentError

from .private_files import TimeNs, cannot_keep, name_for, write_private

if TYPE_CHECKING:
    import keyring.backend

__all__ = ["STORE_VARIABLE", "SavedSession", "SessionTokens", "is_usable_token", "next_expiry_ns"]

STORE_VARIABLE = "DUALBROKER_TOKENS"

_KEYRING_SERVICE = "dualbroker session"
_EXPIRY_HOUR = 3
_LARGEST_SESSION_BYTES = 64 * 1024
"""A session takes a few hundred; of a larger file the beginning is read, which is no session."""

_logger = logging.getLogger("dualbroker")

Result = TypeVar("Result")


def next_expiry_ns(now_ns: int) -> int:
    """When a token obtained now ends: the next 03:00 in India, in UTC ns (protocol: section 4)."""
    now = ist(now_ns)
    expiry = now.replace(hour=_EXPIRY_HOUR, minute=0, second=0, microsecond=0)
    if expiry <= now:
        expiry += timedelta(days=1)
    return int(expiry.timestamp()) * 1_000_000_000


def is_usable_token(token: str) -> bool:
    """Whether a header can carry the token: a line feed in one would begin a header of its own."""
    return bool(token) and token.isascii() and token.isprintable() and " " not in token


class SavedSession(msgspec.Struct, frozen=True):
    """A session at a broker. Its repr hides the token."""

    token: str
    user_id: str
    account_id: str
    obtained_ns: TimeNs
    expires_ns: TimeNs

    @classmethod
    def until_next_morning(cls, token: str, user_id: str, account_id: str, now_ns: int) -> SavedSession:
        """A session that was opened just now and lasts as long as brokers let one last."""
        return cls(token, user_id, account_id, now_ns, next_expiry_ns(now_ns))

    def __repr__(self) -> str:
        until = ist(self.expires_ns)
        return f"SavedSession(token=hidden, user_id={mask(self.user_id)}, expires={until:%d %b %H:%M} IST)"


class SessionTokens:
    """The sessions kept on this machine, one per login.

    Parameters
    ----------
    directory
        Where the files lie; made when the first one is written.
    in_keyring
        Use the system's keyring instead; as ``DUALBROKER_TOKENS`` says when not given.
    keyring_calls
        Bounds the calls to the keyring; those of the whole process unless given.
    """

    def __init__(
        self, directory: Path, *, in_keyring: bool | None = None, keyring_calls: KeyringCalls = KEYRING
    ) -> None:
        self._directory = directory
        self._in_keyring = os.environ.get(STORE_VARIABLE) == "keyring" if in_keyring is None else in_keyring
        self._keyring_calls = keyring_calls

    @property
    def may_wait(self) -> bool:
        """Whether a call may take seconds, so that it must not be made on an event loop."""
        return self._in_keyring

    def load(self, login_id: str, now_ns: int) -> SavedSession | None:
        """The session of that login; None when there is none, it has expired, or its file can't be read.

        Raises
        ------
        ConfigError
            The keyring does not answer or can't be read, so that nobody knows whether it has one.
        """
        content = self._read(login_id)
        if content is None:
            return None
        try:
            session = msgspec.json.decode(content, type=SavedSession)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            session = None
        if session is None or not is_usable_token(session.token):
            _logger.warning("A saved session can't be read and is left aside; log in again: dualbroker login")
            return None
        return session if now_ns < session.expires_ns else None

    def save(self, login_id: str, session: SavedSession) -> None:
        """Keep a session in place of any older one of that login.

        Raises
        ------
        ConfigError
            The folder can't be written, or the keyring takes nothing.
        """
        content = msgspec.json.encode(session)
        if self._in_keyring:
            text = content.decode("utf-8")
            self._ask_keyring(lambda store, name: store.set_password(_KEYRING_SERVICE, name, text), login_id)
            return
        try:
            write_private(self._file(login_id), content)
        except OSError as error:
            raise ConfigError(cannot_keep(self._file(login_id), error)) from None

    def delete(self, login_id: str) -> None:
        """Forget the session of that login, if there is one."""
        if self._in_keyring:
            try:
                self._ask_keyring(_delete, login_id)
            except ConfigError as error:
                _logger.warning("A saved session can't be deleted: %s", error)
        else:
            try:
                self._file(login_id).unlink(missing_ok=True)
            except OSError as error:
                _logger.warning("A saved session can't be deleted (%s)", type(error).__name__)

    def _read(self, login_id: str) -> bytes | None:
        if self._in_keyring:
            text = self._ask_keyring(lambda store, name: store.get_password(_KEYRING_SERVICE, name), login_id)
            return None if text is None else text.encode("utf-8", "replace")
        try:
            with self._file(login_id).open("rb") as file:
                return file.read(_LARGEST_SESSION_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            _logger.warning("A saved session can't be read (%s)", type(error).__name__)
            return None

    def _ask_keyring(
        self, ask: Callable[[keyring.backend.KeyringBackend, str], Result], login_id: str
    ) -> Result:
        try:
            return self._keyring_calls.call(lambda: ask(_keyring(), name_for(login_id)))
        except KeyringSilentError as error:
            found = f"{error}, or"
        except Exception as error:  # the stores of the systems raise what they like
            found = (
                f"expected a keyring that keeps sessions, found one that does not ({type(error).__name__});"
            )
        raise ConfigError(f"{found} keep sessions in a private file: without {STORE_VARIABLE}=keyring")

    def _file(self, login_id: str) -> Path:
        return self._directory / f"session-{name_for(login_id)}.json"


def _delete(store: keyring.backend.KeyringBackend, name: str) -> None:
    import keyring.errors

    with contextlib.suppress(keyring.errors.PasswordDeleteError, KeyError):  # there is none
        store.delete_password(_KEYRING_SERVICE, name)


def _keyring() -> keyring.backend.KeyringBackend:
    import keyring  # takes a while, and most set-ups do without

    return keyring.get_keyring()

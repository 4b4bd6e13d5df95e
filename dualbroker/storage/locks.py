"""One holder per login on a machine: a second socket would evict the first (protocol: section 4).

The lock is the operating system's own, so it ends with its process, however that ends. A small file
beside it says who holds it, for the message that a second one gets.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path
from types import TracebackType

import filelock
import msgspec

from dualbroker.clock import ist
from dualbroker.config.broker import mask
from dualbroker.errors import ConfigError, LoginHeldError
from dualbroker.forking import call_in_child, never_finalize

from .private_files import TimeNs, cannot_keep, name_for, write_private

__all__ = ["LockHolder", "LoginLock", "announce_address"]


class LockHolder(msgspec.Struct, frozen=True):
    """Who holds a login."""

    pid: int
    started_ns: TimeNs
    """Since when, UTC nanoseconds since the epoch."""
    address: str | None = None
    """Where it serves, such as ``http://127.0.0.1:8000``; None when it does not."""


_guard = threading.RLock()
_held: dict[Path, LoginLock] = {}
"""Locks of this process."""


def _leave_to_parent() -> None:
    """In a forked child: the parent holds them. A lock that is finalized here would be lost there."""
    global _guard, _held
    never_finalize(_held)
    _guard, _held = threading.RLock(), {}


call_in_child(_leave_to_parent)


def announce_address(address: str | None) -> None:
    """Tell who is refused a login that this process holds where to attach instead.

    Holds for the logins held now; call it again after taking another.
    """
    with _guard:
        for lock in _held.values():
            lock.announce(address)


class LoginLock:
    """The right to use one login on this machine.

    Parameters
    ----------
    login_id
        ``<type>-<user id>``; messages show the user id masked.
    directory
        Where the locks of all processes lie; made when missing.
    """

    def __init__(self, login_id: str, directory: Path) -> None:
        name = name_for(login_id)
        self._path = (directory / f"login-{name}.lock").absolute()
        self._holder_path = self._path.with_suffix(".json")
        self._words = f"login {mask(login_id.rpartition('-')[2])}"
        self._lock = filelock.FileLock(self._path, timeout=0, thread_local=False)
        self._started_ns = 0

    @property
    def is_held(self) -> bool:
        """True while this object holds the login."""
        with _guard:
            return _held.get(self._path) is self

    def acquire(self) -> None:
        """Take the login, without waiting. Taking it twice by the same object changes nothing.

        Raises
        ------
        LoginHeldError
            Another process, or something else in this one, holds it; the message says who and what to do.
        ConfigError
            The folder of the locks can't be written.
        """
        with _guard:
            if self.is_held:
                return
            if self._path in _held:
                raise LoginHeldError(
                    f"{self._words} is held by another feed of this process ({os.getpid()}); "
                    "close that one first"
                )
            try:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._lock.acquire()
            except filelock.Timeout:
                raise LoginHeldError(self._refusal()) from None
            except OSError as error:
                raise ConfigError(cannot_keep(self._path, error)) from None
            _held[self._path] = self
            self._started_ns = time.time_ns()
            self.announce(None)

    def announce(self, address: str | None) -> None:
        """Write down who holds the login, and where it serves."""
        with _guard:
            if self.is_held:
                holder = LockHolder(os.getpid(), self._started_ns, address)
                # It only makes another's message better; the lock holds without it.
                with contextlib.suppress(OSError):
                    write_private(self._holder_path, msgspec.json.encode(holder))

    def release(self) -> None:
        """Give the login back; no-op when it is not held."""
        with _guard:
            if not self.is_held:
                return
            with contextlib.suppress(OSError):
                self._holder_path.unlink(missing_ok=True)
            self._lock.release()
            del _held[self._path]

    def holder(self) -> LockHolder | None:
        """Who took the login last, as far as that is written down."""
        try:
            return msgspec.json.decode(self._holder_path.read_bytes(), type=LockHolder)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def _refusal(self) -> str:
        holder = self.holder()
        if holder is None:
            return f"{self._words} is held by another process of this machine; end that one first"
        who = f"{self._words} is held by process {holder.pid} since {ist(holder.started_ns):%d %b %H:%M} IST"
        if holder.address:
            return f'{who}. Share it: dualbroker.connect("{holder.address}"); or end that process'
        return f"{who}. End that process; to share a login, run it in dualbroker serve and connect to that"

    def __enter__(self) -> LoginLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

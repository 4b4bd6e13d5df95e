"""Every exception that dualbroker raises on purpose.

DualBrokerError
├── ArgumentError               what was passed can't be used; a ValueError too
├── CallbackError               a function that can't be called back; a TypeError too
├── ConfigError                 config.yaml: which key, what was found, what is expected
├── InstrumentError
│   ├── UnknownInstrumentError  no such name; carries the closest matches
│   └── AmbiguousInstrumentError  several instruments have the name; carries them
├── SubscriptionLimitError      more instruments than all brokers together may stream
├── WireError                   what a broker sent can't be read; never ends a connection
├── BrokerError                 a broker answered, and the answer is no
│   ├── LoginRefusedError       wrong password, blocked user, API not enabled: do not retry
│   │   └── LoginNeededError    a person has to log in first: dualbroker login
│   ├── SessionExpiredError     the token is dead: log in again
│   ├── RateLimitedError        slow down, then retry
│   ├── RetryableBrokerError    the broker's own backend is in trouble; retry
│   └── RequestRefusedError     this one request is wrong; retrying does not help
│       └── NotOfferedError     this type of broker has no such book here
├── ConnectionFailedError       the broker could not be reached, or the link broke
├── LoginHeldError              another process on this machine holds this login
├── JournalError                the order journal can't be written or read
│   └── JournalDamagedError     its file is broken
├── MissingExtraError           a library of an extra is not installed; an ImportError too
├── FeedClosedError             the feed was closed
└── WrongThreadError            a sync call on the feed's own thread would wait for itself
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "AmbiguousInstrumentError",
    "ArgumentError",
    "BrokerError",
    "CallbackError",
    "ConfigError",
    "ConnectionFailedError",
    "DualBrokerError",
    "FeedClosedError",
    "HandshakeRefusedError",
    "InstrumentError",
    "JournalDamagedError",
    "JournalError",
    "LoginHeldError",
    "LoginNeededError",
    "LoginRefusedError",
    "MissingExtraError",
    "NotOfferedError",
    "RateLimitedError",
    "RequestRefusedError",
    "RetryableBrokerError",
    "SessionExpiredError",
    "SubscriptionLimitError",
    "UnknownInstrumentError",
    "WireError",
    "WrongThreadError",
]


class DualBrokerError(Exception):
    """Base of all errors that dualbroker raises on purpose."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it in a cell; nobody else asks."""
        from dualbroker.cell_errors import cell_traceback

        return cell_traceback(self)


class ArgumentError(DualBrokerError, ValueError):
    """What was passed to a call can't be used. The message says what is expected and what was found."""


class CallbackError(DualBrokerError, TypeError):
    """What was to be called back can't be called with one argument."""


class ConfigError(DualBrokerError):
    """config.yaml can't be used. The message names the key, what was found and what is expected."""


class InstrumentError(DualBrokerError):
    """An instrument could not be told from its name."""

    def __init__(self, message: str, matches: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.matches = tuple(matches)
        """Qualified names (``NSE:RELIANCE-EQ``) that come closest, best first."""


class UnknownInstrumentError(InstrumentError):
    """No instrument has that name."""


class AmbiguousInstrumentError(InstrumentError):
    """Several instruments have that name."""


class SubscriptionLimitError(DualBrokerError):
    """All brokers together may not stream so many instruments; the message has the figures."""


class WireError(DualBrokerError):
    """A message from a broker can't be read. It is counted and skipped; the connection lives on."""


class BrokerError(DualBrokerError):
    """A broker answered, and the answer is no."""


class LoginRefusedError(BrokerError):
    """The broker refuses this login. Retrying may block the account, so nobody retries."""


class LoginNeededError(LoginRefusedError):
    """There is no session for today, and only a person can open one: ``dualbroker login``."""


class SessionExpiredError(BrokerError):
    """The session token is dead; only a new login helps."""


class RateLimitedError(BrokerError):
    """Too many requests; the same request may be sent again later."""


class RetryableBrokerError(BrokerError):
    """The broker's own backend is in trouble; the same request may be sent again."""


class RequestRefusedError(BrokerError):
    """This one request is refused; sending it again changes nothing."""


class NotOfferedError(RequestRefusedError):
    """This type of broker gives no such book here: what it would tell is not read, and not empty."""


class ConnectionFailedError(DualBrokerError):
    """The broker could not be reached, or the link broke."""


class HandshakeRefusedError(ConnectionFailedError):
    """A server answered, and opened no WebSocket."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
        """Of its HTTP answer."""


class LoginHeldError(DualBrokerError):
    """Another process on this machine holds this login's one socket."""


class JournalError(DualBrokerError):
    """The order journal can't be written or read. Nobody's orders are lost by that: the books have them."""


class JournalDamagedError(JournalError):
    """The file of the order journal is broken, so that nothing can be believed of it."""


class AlertDeliveryError(DualBrokerError):
    """An alert could not be sent to one of its targets; the message holds nothing of the address."""


class MissingExtraError(DualBrokerError, ModuleNotFoundError):
    """A library that only a part of dualbroker needs is not installed; the message says how to have it."""


class FeedClosedError(DualBrokerError):
    """The feed was closed; ``dualbroker.connect()`` opens a new one."""


class WrongThreadError(DualBrokerError):
    """A sync call was made on the feed's own thread, where it would wait for itself."""

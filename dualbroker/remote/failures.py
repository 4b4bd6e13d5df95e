"""Exceptions on their way from a service to its client, and back into exceptions there. Pure."""

from __future__ import annotations

from dualbroker import errors
from dualbroker.errors import DualBrokerError, InstrumentError
from dualbroker.remote.messages import ErrorRecord

__all__ = ["error_of", "record_of"]

_MOST_MATCHES = 20
_PLAIN: dict[str, type[Exception]] = {"ValueError": ValueError, "TypeError": TypeError}
_INTERNAL = "InternalError"


def record_of(error: Exception) -> ErrorRecord:
    """The exception as a service sends it. One that nobody raises on purpose gives nothing away."""
    if isinstance(error, InstrumentError):
        return ErrorRecord(type(error).__name__, str(error), list(error.matches[:_MOST_MATCHES]))
    if isinstance(error, DualBrokerError) or type(error).__name__ in _PLAIN:
        return ErrorRecord(type(error).__name__, str(error))
    return ErrorRecord(_INTERNAL, "a fault of the service; its log has more")


def error_of(record: ErrorRecord) -> Exception:
    """The same exception again: of its class and with its words."""
    kind = getattr(errors, record.type, None) if record.type in errors.__all__ else _PLAIN.get(record.type)
    if kind is None:
        return DualBrokerError(record.message)
    if issubclass(kind, InstrumentError):
        return kind(record.message, record.matches)
    error: Exception = kind(record.message)
    return error

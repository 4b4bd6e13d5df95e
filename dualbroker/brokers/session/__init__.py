"""One session life for every broker family: it works on a family's `Wire` and on the calls of its login."""

from dualbroker.brokers.session.broker import SessionBroker
from dualbroker.brokers.session.login import LoginCalls
from dualbroker.brokers.session.quotes import FullQuote, QuoteDelta
from dualbroker.brokers.session.statuses import check_status
from dualbroker.brokers.session.wire import Frame, Received, Session, Wire, WireRules

__all__ = [
    "Frame",
    "FullQuote",
    "LoginCalls",
    "QuoteDelta",
    "Received",
    "Session",
    "SessionBroker",
    "Wire",
    "WireRules",
    "check_status",
]

"""What an HTTP status means where a broker's own words say nothing else."""

from __future__ import annotations

from dualbroker.errors import RateLimitedError, RequestRefusedError, RetryableBrokerError, SessionExpiredError
from dualbroker.transport.base import Response

__all__ = ["check_status"]


def check_status(broker_name: str, response: Response) -> None:
    """Return where a REST call was answered with success.

    Raises
    ------
    SessionExpiredError
        401, 403.
    RateLimitedError
        429.
    RetryableBrokerError
        500 and above: a gateway that is down.
    RequestRefusedError
        Any other.
    """
    status = response.status
    if 200 <= status < 300:
        return
    kind: type[Exception] = RequestRefusedError
    if status in (401, 403):
        kind = SessionExpiredError
    elif status == 429:
        kind = RateLimitedError
    elif status >= 500:
        kind = RetryableBrokerError
    raise kind(f"{broker_name}: expected an answer, found HTTP status {status}")

"""Brings alerts to where a person is: a webhook by itself, all else by the library apprise.

Each target has a thread of its own, so that one that hangs delays no other and never the event loop. What
waits while a message is on its way goes out as one. Addresses hold secrets: none is ever named in an error.
"""

from __future__ import annotations

import http.client
import logging
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any
from urllib.parse import urlsplit

import msgspec

from dualbroker.clock import ist
from dualbroker.errors import AlertDeliveryError, ConfigError
from dualbroker.extras import needs_extra
from dualbroker.stores.alerts import Alert

__all__ = ["Delivered", "Delivery", "Target", "make_target"]

TIMEOUT_S = 10.0
"""For a webhook to answer, and for apprise's service."""
PAUSES_S = (1.0, 5.0)
"""Between the tries."""
MOST_WAITING = 100
"""Alerts that wait for one target; the oldest give way."""
CLOSE_WITHIN_S = 2.0

Send = Callable[[Sequence[Alert], bool], None]
"""Sends alerts in one message, and whether what they say is simulated; raises AlertDeliveryError."""


class Delivered(msgspec.Struct, frozen=True):
    """What came of a test message."""

    target: str
    problem: str
    """Empty when it was taken."""
    seconds: float


class Target:
    """One place that alerts are sent to, and the thread that sends them.

    Parameters
    ----------
    name
        For a person, without what is secret of its address.
    send
        Raises AlertDeliveryError.
    on_failure
        Called on the target's thread with its name and what was wrong, once a message is given up.
    """

    def __init__(
        self,
        name: str,
        send: Send,
        *,
        simulated: bool,
        on_failure: Callable[[str, str], None],
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        self.name = name
        self._send = send
        self._simulated = simulated
        self._on_failure = on_failure
        self._pauses_s = pauses_s
        self._waiting: deque[Alert] = deque(maxlen=MOST_WAITING)
        self.dropped = 0
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dualbroker-alerts", daemon=True)
        self._thread.start()

    def put(self, alert: Alert) -> None:
        """Queue one; never blocks."""
        if len(self._waiting) == MOST_WAITING:
            self.dropped += 1
        self._waiting.append(alert)
        self._wake.set()

    def send_now(self, alert: Alert) -> Future[Delivered]:
        """Send one beside all that waits, once; what came of it."""
        result: Future[Delivered] = Future()
        threading.Thread(target=lambda: result.set_result(self._try(alert)), daemon=True).start()
        return result

    def _try(self, alert: Alert) -> Delivered:
        began = time.monotonic()
        try:
            self._send([alert], self._simulated)
            problem = ""
        except AlertDeliveryError as error:
            problem = str(error)
        return Delivered(self.name, problem, time.monotonic() - began)

    def close(self) -> None:
        """Send what waits, if that is quick."""
        self._closing.set()
        self._wake.set()
        self._thread.join(CLOSE_WITHIN_S)

    def _run(self) -> None:
        while not self._closing.is_set() or self._waiting:
            self._wake.wait()
            self._wake.clear()
            alerts = [self._waiting.popleft() for _ in range(len(self._waiting))]
            dropped, self.dropped = self.dropped, 0
            if dropped:
                self._on_failure(self.name, f"{dropped} alerts gave way, for it is too slow")
            if alerts:
                self._deliver(alerts)
            if self._closing.is_set():
                return

    def _deliver(self, alerts: list[Alert]) -> None:
        problem = ""
        for pause_s in (*self._pauses_s, None):
            try:
                self._send(alerts, self._simulated)
                return
            except AlertDeliveryError as error:
                problem = str(error)
            if pause_s is None or self._closing.wait(pause_s):
                break
        self._on_failure(self.name, problem)


class Delivery:
    """All targets of a config."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self.targets = list(targets)

    def send(self, alert: Alert) -> None:
        """Queue an alert for each target; never blocks."""
        for target in self.targets:
            target.put(alert)

    def close(self) -> None:
        """End the threads; returns within seconds."""
        for target in self.targets:
            target.close()


def make_target(
    number: int, address: str, *, simulated: bool, on_failure: Callable[[str, str], None]
) -> Target:
    """The target of one entry of ``alerts.send_to``.

    Raises
    ------
    MissingExtraError
        It needs apprise, which is not installed.
    ConfigError
        The address is none that apprise knows.
    """
    scheme = urlsplit(address).scheme.lower()
    name = f"target {number} ({scheme or 'no scheme'})"
    send = _webhook(address) if scheme in ("http", "https") else _by_apprise(name, address)
    return Target(name, send, simulated=simulated, on_failure=on_failure)


def _webhook(address: str) -> Send:
    def send(alerts: Sequence[Alert], simulated: bool) -> None:
        body = {
            "source": "dualbroker",
            "mode": _mode(simulated),
            "text": _text(alerts, simulated),
            "alerts": [_plain(alert) for alert in alerts],
        }
        # Not by httpx, whose log lines hold the whole address.
        content = msgspec.json.encode(body)
        asked = urllib.request.Request(address, content, {"Content-Type": "application/json"})
        try:
            urllib.request.urlopen(asked, timeout=TIMEOUT_S).close()
        except urllib.error.HTTPError as error:
            error.close()
            raise AlertDeliveryError(f"it answered {error.code}") from None
        except TimeoutError:
            raise AlertDeliveryError(f"no answer within {TIMEOUT_S:g} s") from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None)
            found = type(reason if isinstance(reason, Exception) else error).__name__
            raise AlertDeliveryError(f"it could not be reached ({found})") from None

    return send


def _by_apprise(name: str, address: str) -> Send:
    with needs_extra("alerts"):
        import apprise
    # Its log lines may quote an address; what matters of them is said here.
    logging.getLogger("apprise").disabled = True
    service = apprise.Apprise()
    if not service.add(address):
        raise ConfigError(
            f"alerts.send_to: expected http(s)://… or an address that apprise knows, such as tgram://…, "
            f"found one that it does not: {name}"
        )

    def send(alerts: Sequence[Alert], simulated: bool) -> None:
        try:
            taken = service.notify(body=_text(alerts, simulated), title=f"dualbroker {_mode(simulated)}")
        except Exception as error:  # of whichever service's code
            raise AlertDeliveryError(f"apprise failed ({type(error).__name__})") from None
        if not taken:
            raise AlertDeliveryError("the service did not take it")

    return send


def _mode(simulated: bool) -> str:
    return "SIMULATED" if simulated else "LIVE"


def _text(alerts: Sequence[Alert], simulated: bool) -> str:
    lines = [
        f"{ist(alert.time_ns):%H:%M:%S} {'over: ' if alert.state == 'resolved' else ''}{alert.words}"
        for alert in alerts
    ]
    return "\n".join([*(["SIMULATED"] if simulated else []), *lines])


def _plain(alert: Alert) -> dict[str, Any]:
    fields = msgspec.structs.asdict(alert)
    del fields["time_ns"]
    return {**fields, "time": ist(alert.time_ns).isoformat()}

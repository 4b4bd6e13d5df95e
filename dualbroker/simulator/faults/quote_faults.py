"""Quote updates that a broker puts together or leaves out on their way to a connection."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Iterable

from dualbroker.clock import NS_PER_S
from dualbroker.simulator.faults.faults import Faults
from dualbroker.simulator.wire.framing import payload_of, text_frame

__all__ = ["QuoteFaults"]

_Key = tuple[str, str, str]
"""Kind of message (``tf`` or ``df``), exchange, token."""
_SNAPSHOTS = {"tk": "tf", "dk": "df"}


class QuoteFaults:
    """What one connection's quotes go through.

    Parameters
    ----------
    dice
        Decides which updates are left out; not thrown while none are.
    """

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._untold: dict[_Key, dict[str, str]] = {}
        """What changed since the last update that was sent."""
        self._due: dict[_Key, int] = {}
        """Number of the moment at which it is sent; without one it waits for the next change."""

    def pass_on(self, frames: list[bytes], faults: Faults, running_ns: int) -> list[bytes]:
        """The frames to send now, in their order; updates are held back as the faults say."""
        if not (faults.conflate_s or faults.skip_quotes or self._untold):
            return frames
        sent = self._take_due(self._due, faults, running_ns)
        for frame in frames:
            fields = json.loads(payload_of(frame))
            kind = fields.get("t")
            key = (_SNAPSHOTS.get(kind, kind), fields.get("e", ""), fields.get("tk", ""))
            if kind in _SNAPSHOTS:
                # It says all that was not told.
                self.forget(*key)
                sent.append(frame)
            elif kind in _SNAPSHOTS.values():
                self._untold.setdefault(key, {}).update(fields)
                slot = self._slot(key, faults, running_ns)
                self._due.setdefault(key, slot + 1 if faults.conflate_s else slot)
                if not faults.conflate_s:
                    sent += self._take_due([key], faults, running_ns)
            else:
                sent.append(frame)
        return sent

    def forget(self, kind: str, exchange: str, token: str) -> None:
        """What was held back of an instrument is told otherwise, or not wanted any more."""
        self._untold.pop((kind, exchange, token), None)
        self._due.pop((kind, exchange, token), None)

    def _take_due(self, keys: Iterable[_Key], faults: Faults, running_ns: int) -> list[bytes]:
        sent = []
        for key in list(keys):
            if faults.conflate_s and self._slot(key, faults, running_ns) < self._due[key]:
                continue
            del self._due[key]
            if not faults.skip_quotes or self._dice.random() >= faults.skip_quotes:
                sent.append(text_frame(json.dumps(self._untold.pop(key), separators=(",", ":")).encode()))
        return sent

    def _slot(self, key: _Key, faults: Faults, running_ns: int) -> int:
        if not faults.conflate_s:
            return 0
        own = zlib.crc32("|".join(key[1:]).encode("utf-8")) / 2**32
        return int(running_ns / NS_PER_S / faults.conflate_s + own + faults.conflate_phase)

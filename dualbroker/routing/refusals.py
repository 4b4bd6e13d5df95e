"""Which instruments a broker does not stream although it was asked; each is asked for again in time. Pure."""

from __future__ import annotations

from dualbroker.model import InstrumentKey

__all__ = ["Refusals"]

FIRST_RETRY_S = 60.0
LONGEST_RETRY_S = 900.0


class Refusals:
    """By broker and instrument, until when. Times are seconds of a clock that never runs back."""

    def __init__(self) -> None:
        self._until_s: dict[str, dict[InstrumentKey, float]] = {}
        self._times: dict[str, dict[InstrumentKey, int]] = {}
        self._silent: dict[str, set[InstrumentKey]] = {}

    def add(self, broker: str, key: InstrumentKey, now_s: float, *, is_silent: bool = False) -> bool:
        """Write one down, each time for longer; False when it stands already.

        A silent one was acknowledged, with a full quote, and brought no tick after it: asked for again on the
        same connection the broker would acknowledge it again, and again bring nothing.
        """
        standing = self._until_s.setdefault(broker, {})
        if key in standing:
            return False
        if is_silent:
            self._silent.setdefault(broker, set()).add(key)
        times = self._times.setdefault(broker, {})
        times[key] = times.get(key, 0) + 1
        standing[key] = now_s + min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** (times[key] - 1))
        return True

    def has(self, broker: str, key: InstrumentKey) -> bool:
        """Whether a broker is not to be asked for an instrument now."""
        return key in self._until_s.get(broker, ())

    def is_silent(self, broker: str, key: InstrumentKey) -> bool:
        """Whether a broker has acknowledged an instrument on this connection and brought nothing of it."""
        return key in self._silent.get(broker, ())

    def of(self, broker: str) -> list[InstrumentKey]:
        """All that stand of one broker."""
        return list(self._until_s.get(broker, ()))

    def count(self, broker: str) -> int:
        """How many stand of one broker."""
        return len(self._until_s.get(broker, ()))

    def due(self, now_s: float) -> list[tuple[str, InstrumentKey]]:
        """What has stood for long enough."""
        return [
            (broker, key)
            for broker, standing in self._until_s.items()
            for key, until_s in standing.items()
            if until_s <= now_s
        ]

    def strike_out(self, broker: str, key: InstrumentKey) -> None:
        """Let a broker be asked again; how often it did not answer is remembered."""
        del self._until_s[broker][key]
        self._silent.get(broker, set()).discard(key)

    def forget(self, broker: str) -> None:
        """A new connection is a new chance, and no further proof: how often it did not answer stays as it
        was before what is forgotten, or a few reconnects in a row would put the next try off for hours."""
        self._silent.pop(broker, None)
        times = self._times.get(broker, {})
        for key in self._until_s.pop(broker, {}):
            times[key] -= 1

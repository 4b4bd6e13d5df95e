"""Which instruments a broker does not stream although it was asked; each is asked for again in time. Pure."""

from __future__ import annotations

from collections.abc import Callable

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

    def add(self, name: str, key: InstrumentKey, now_s: float, *, is_silent: bool = False) -> bool:
        """Write one down, each time for longer; False when it stands already.

        A silent one was acknowledged, with a full quote, and then left alone: asked for again on the same
        connection the broker would acknowledge it again, and leave it alone again.
        """
        standing = self._until_s.setdefault(name, {})
        if key in standing:
            return False
        if is_silent:
            self._silent.setdefault(name, set()).add(key)
        times = self._times.setdefault(name, {})
        times[key] = times.get(key, 0) + 1
        standing[key] = now_s + min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** (times[key] - 1))
        return True

    def has(self, name: str, key: InstrumentKey) -> bool:
        return key in self._until_s.get(name, ())

    def of(self, name: str) -> set[InstrumentKey]:
        """All that stand of one broker."""
        return set(self._until_s.get(name, ()))

    def count(self, name: str) -> int:
        return len(self._until_s.get(name, ()))

    def expire(
        self, now_s: float, still_at: Callable[[InstrumentKey], str | None]
    ) -> list[tuple[str, InstrumentKey]]:
        """Strike out what may be asked for again, and return it.

        Parameters
        ----------
        still_at
            Who streams an instrument now: a silent one that another broker has stays there until the next
            connection of the broker that left it silent.
        """
        expired = [
            (name, key)
            for name, standing in self._until_s.items()
            for key, until_s in standing.items()
            if until_s <= now_s and (key not in self._silent.get(name, ()) or still_at(key) in (name, None))
        ]
        for name, key in expired:
            del self._until_s[name][key]
            self._silent.get(name, set()).discard(key)
        return expired

    def forget(self, name: str) -> None:
        """A new connection is a new chance, and no further proof: how often it was in vain stays as it was
        before what is forgotten, or a few reconnects in a row would put the next try off for hours."""
        self._silent.pop(name, None)
        times = self._times.get(name, {})
        for key in self._until_s.pop(name, {}):
            times[key] -= 1

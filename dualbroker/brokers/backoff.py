"""How long to wait before trying again."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Backoff", "Chance"]


class Chance(Protocol):
    """What `random.Random` is here."""

    def uniform(self, a: float, b: float, /) -> float:
        """A number between two."""
        ...


class Backoff:
    """Waits that double up to a cap, each shortened by chance so that clients don't come back in step."""

    def __init__(self, rng: Chance, *, first_s: float = 0.5, cap_s: float = 30.0) -> None:
        self._random = rng
        self._first_s = first_s
        self._cap_s = cap_s
        self._tries = 0

    def next_s(self) -> float:
        """Seconds to wait now: between half and all of the current step."""
        step = min(self._cap_s, self._first_s * 2.0 ** min(self._tries, 32))
        self._tries += 1
        return step * self._random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Start over, after a connection that held."""
        self._tries = 0

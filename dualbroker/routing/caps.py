"""How many instruments each broker streams at most, as far as that is known. Pure.

No broker of the Noren family states a limit, and one was seen to serve a hundred instruments and to leave the
others silent (protocol: section 4). So a limit is unknown until a person or the broker's family tells it, or
the broker's refusals show it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

import msgspec

from dualbroker.model import InstrumentKey

__all__ = ["Cap", "Caps", "KnownBy", "cap_shown"]

KnownBy = Literal["set", "family", "learned"]

FEWEST_REFUSED = 5
"""The last ones asked for, all of them refused: fewer may be instruments that nobody streams."""
MOST_REFUSED_BEFORE = 0.2
"""Share of the earlier ones that may be refused as well: a broker that refuses by chance shows no limit."""
LEARNED_FOR_S = 900.0
"""After that more is asked for once; each time the limit shows again, it is believed for twice as long."""
LONGEST_LEARNED_S = 6 * 3600.0


class Cap(msgspec.Struct, frozen=True):
    """A broker's limit."""

    most: int
    """Instruments on one connection."""
    known_by: KnownBy
    """``set`` in the config, a fact of the broker's ``family``, or ``learned`` from its refusals."""

    @property
    def words(self) -> str:
        return f"{self.most:,} ({self.known_by})"


class _Learned(msgspec.Struct):
    most: int
    until_s: float


class Caps:
    """By broker. Times are seconds of a clock that never runs back."""

    def __init__(self) -> None:
        self._told: dict[str, Cap] = {}
        self._learned: dict[str, _Learned] = {}
        self._times: dict[str, int] = {}

    def tell(self, broker: str, most: int | None, known_by: KnownBy) -> None:
        """What a person or the family says; None is unknown."""
        if most is not None:
            self._told[broker] = Cap(most, known_by)

    def of(self, broker: str) -> Cap | None:
        """A broker's limit, the least that is known of it; None where none is known."""
        told, learned = self._told.get(broker), self._learned.get(broker)
        if learned is None or (told is not None and told.most <= learned.most):
            return told
        return Cap(learned.most, "learned")

    def told(self, broker: str) -> Cap | None:
        """The limit that is certain: the broker is never asked for more. What was learned may have been an
        accident. None where none is."""
        return self._told.get(broker)

    def learn(self, broker: str, most: int, now_s: float) -> None:
        """A broker's refusals have shown its limit."""
        times = self._times[broker] = self._times.get(broker, 0) + 1
        lasts_s = min(LONGEST_LEARNED_S, LEARNED_FOR_S * 2.0 ** (times - 1))
        self._learned[broker] = _Learned(most, now_s + lasts_s)

    def expire(self, now_s: float) -> bool:
        """Forget what was learned long ago; whether there was any."""
        gone = [broker for broker, learned in self._learned.items() if learned.until_s <= now_s]
        for broker in gone:
            del self._learned[broker]
        return bool(gone)

    def forget(self, broker: str) -> None:
        """A person wants the broker to be asked for everything once more."""
        self._learned.pop(broker, None)
        self._times.pop(broker, None)


def cap_shown(asked: Sequence[InstrumentKey], refused: Collection[InstrumentKey]) -> int | None:
    """How many instruments a broker streams at most, where its refusals show that; None where they do not.

    It shows where the last ones that were asked for are refused, all of them, and hardly any before these.

    Parameters
    ----------
    asked
        All that it was asked for on its connection, in that order.
    """
    last_streamed = next((at for at in range(len(asked) - 1, -1, -1) if asked[at] not in refused), None)
    if last_streamed is None or len(asked) - 1 - last_streamed < FEWEST_REFUSED:
        return None
    most = last_streamed + 1
    before = sum(key in refused for key in asked[:most])
    return most if before <= MOST_REFUSED_BEFORE * most else None

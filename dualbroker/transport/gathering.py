"""How long a socket is left alone after a read, so that the next read brings more messages. Pure.

At live rates a wake-up costs more than its one or two messages: everything on their way runs cold. Leaving
the socket alone for a moment gathers messages in the system's buffer. The moment follows the rate: a fixed
one is too short for a slow feed and keeps a fast one waiting for nothing. ``python -m benchmarks``
measures it.
"""

from __future__ import annotations

__all__ = ["Gathering"]

MESSAGES_A_READ = 100
"""More bring little: the cost of the wake-up is shared by so many already."""
SHORTEST_S = 0.001
"""Shorter moments cost more than they bring; at such rates each read is full anyway."""
FEWEST_A_READ = 3
"""Where even the longest moment brings fewer than this, each message is read as it comes."""
WINDOW_S = 0.1
"""Over which the rate is taken."""


class Gathering:
    """Follows one connection's rate.

    Parameters
    ----------
    longest_s
        The longest moment, in seconds, by which a message may be late, an order too; 0 never leaves the
        socket alone.
    """

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s
        self._began_s = 0.0
        self._messages = 0
        self._moment_s = 0.0

    def moment_s(self, messages: int, now_s: float) -> float:
        """How long, in seconds, to leave the socket alone after a read of so many messages; 0: not at all."""
        self._messages += messages
        passed_s = now_s - self._began_s
        if passed_s >= WINDOW_S:
            self._moment_s = self._for_rate(self._messages / passed_s)
            self._began_s, self._messages = now_s, 0
        return self._moment_s

    def _for_rate(self, rate: float) -> float:
        """By messages a second."""
        if rate * self._longest_s < FEWEST_A_READ:
            return 0.0
        moment_s = min(self._longest_s, MESSAGES_A_READ / rate)
        return moment_s if moment_s >= SHORTEST_S else 0.0

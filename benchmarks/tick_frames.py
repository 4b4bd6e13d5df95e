"""The frames every client is served: one snapshot per instrument, then touchline deltas, in a fixed order.

The same seed gives the same bytes. Fields and spellings are those of the protocol's section 2.3.
"""

from __future__ import annotations

import json
import random

__all__ = ["EXCHANGE", "build_snapshot", "build_ticks", "tokens", "websocket_frame"]

EXCHANGE = "NFO"
FIRST_TOKEN = 40_000
FEED_TIME_S = 1_764_000_000
TICKS_PER_SECOND_OF_FEED_TIME = 5_000


def tokens(instruments: int) -> list[str]:
    """Tokens of that many instruments of the exchange ``EXCHANGE``."""
    return [str(FIRST_TOKEN + number) for number in range(instruments)]


def build_snapshot(token: str) -> bytes:
    """The full quote that answers a subscription."""
    return _encode(
        {
            "t": "tk",
            "e": EXCHANGE,
            "tk": token,
            "ts": f"INSTRUMENT{token}",
            "pp": "2",
            "ls": "75",
            "ti": "0.05",
            "lp": "118.55",
            "pc": "1.20",
            "h": "121.65",
            "l": "110.10",
            "o": "117.00",
            "c": "117.15",
            "ap": "118.39",
            "v": "162220",
            "oi": "1500000",
            "poi": "1480050",
            "bp1": "118.45",
            "sp1": "118.60",
            "bq1": "750",
            "sq1": "6300",
            "ft": str(FEED_TIME_S),
        }
    )


def build_ticks(count: int, instruments: int, seed: int = 1) -> list[bytes]:
    """Deltas of 60 to 160 bytes: trades, moves of the best prices, and changes of quantities alone."""
    rng = random.Random(seed)
    known = tokens(instruments)
    prices = [rng.randrange(400, 20_000) for _ in known]
    volumes = [rng.randrange(10_000, 5_000_000) for _ in known]
    return [
        _build_delta(rng, known, prices, volumes, FEED_TIME_S + number // TICKS_PER_SECOND_OF_FEED_TIME)
        for number in range(count)
    ]


def _build_delta(
    rng: random.Random, known: list[str], prices: list[int], volumes: list[int], feed_time_s: int
) -> bytes:
    place = rng.randrange(len(known))
    fields = {"t": "tf", "e": EXCHANGE, "tk": known[place]}
    kind = rng.random()
    if kind < 0.4:
        prices[place] = max(20, prices[place] + rng.choice((-2, -1, -1, 0, 1, 1, 2)))
        volumes[place] += 75 * rng.randrange(1, 40)
        fields["lp"] = _rupees(prices[place])
        fields["pc"] = f"{rng.uniform(-9.0, 9.0):.2f}"
        fields["v"] = str(volumes[place])
        fields["ap"] = _rupees(prices[place] + rng.randrange(-9, 10))
    if 0.3 < kind < 0.9:
        fields["bp1"] = _rupees(prices[place] - 1)
        fields["bq1"] = _lots(rng)
    if kind > 0.6:
        fields["sp1"] = _rupees(prices[place] + 1)
        fields["sq1"] = _lots(rng)
    fields["ft"] = str(feed_time_s)
    return _encode(fields)


def _rupees(ticks: int) -> str:
    return f"{ticks * 0.05:.2f}"


def _lots(rng: random.Random) -> str:
    return str(75 * rng.randrange(1, 200))


def _encode(fields: dict[str, str]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode("ascii")


def websocket_frame(payload: bytes) -> bytes:
    """One whole text frame as a server sends it, unmasked (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    return b"\x81\x7e" + size.to_bytes(2, "big") + payload

"""The key ``simulator.faults``: what is wrong with a simulated broker from the start.

The same switches as the simulator's own (``dualbroker.simulator.faults.faults``, which says what each
does); here they are checked with the rest of config.yaml, for the simulator is another process.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .section import Section

__all__ = ["FaultsConfig"]

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]


class StrikeConfig(Section):
    """A strike against a simulated broker's open connections, at a set moment."""

    action: Literal["close", "reset", "half_frame", "garbage", "oversized", "evict", "expire_tokens"]
    code: Annotated[int, Field(ge=1000, le=4999)] = 1011
    """Of ``close``."""
    reason: str = ""
    """Of ``close``."""
    after_s: Seconds | None = None
    """Seconds after the simulator's start."""
    at_time: Annotated[str, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")] | None = None
    """HH:MM in India by the market's clock, each day: ``03:00`` for ``expire_tokens`` at real brokers."""

    @model_validator(mode="after")
    def _has_one_moment(self) -> StrikeConfig:
        if (self.after_s is None) == (self.at_time is None):
            raise ValueError("expected either after_s or at_time, found both or none")
        return self


class FaultsConfig(Section):
    """Faults of one simulated broker; all are off by default."""

    refuse: bool = False
    black_hole: bool = False
    mute: bool = False
    heartbeats_only: bool = False
    quotes_silent: bool = False
    refuse_hello: bool = False
    delay_s: Seconds = 0.0
    burst_s: Seconds = 0.0
    conflate_s: Seconds = 0.0
    conflate_phase: Share = 0.0
    skip_quotes: Share = 0.0
    duplicate_orders: Share = 0.0
    reorder_orders: Share = 0.0
    drop_orders: Share = 0.0
    unacknowledged: Share = 0.0
    first_scrips_only: Annotated[int, Field(ge=0)] | None = None
    most_scrips: Annotated[int, Field(ge=0)] | None = None
    expired_tokens_accepted: bool = False
    rest_html_502: bool = False
    rest_hangs: bool = False
    rate_limit_per_minute: Annotated[int, Field(ge=0)] | None = None
    wrong_quotes: Share = 0.0
    no_data: bool = False
    desk_reads_fail: Share = 0.0
    garbled_positions: Share = 0.0
    stale_positions: bool = False
    clock_skew_s: float = 0.0
    lacks: list[str] = Field(default=[])
    at: list[StrikeConfig] = Field(default=[])
    """Strikes at set moments; the rest holds from the start."""

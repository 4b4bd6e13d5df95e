"""The key ``simulator.faults``: what is wrong with a simulated broker from the start.

The same switches as the simulator's own (``dualbroker.simulator.faults``, which says what each does); here
they are checked with the rest of config.yaml, for the simulator is another process.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .section import Section

__all__ = ["FaultsConfig"]

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]


class FaultsConfig(Section):
    """Faults of one simulated broker; all are off unless told."""

    refuse: bool = False
    black_hole: bool = False
    mute: bool = False
    heartbeats_only: bool = False
    quotes_silent: bool = False
    refuse_hello: bool = False
    delay_s: Seconds = 0.0
    burst_s: Seconds = 0.0
    duplicate_orders: Share = 0.0
    reorder_orders: Share = 0.0
    drop_orders: Share = 0.0
    unacknowledged: Share = 0.0
    first_scrips_only: Annotated[int, Field(ge=0)] | None = None
    expired_tokens_accepted: bool = False
    rest_html_502: bool = False
    rest_hangs: bool = False
    rate_limit_per_minute: Annotated[int, Field(ge=0)] | None = None
    wrong_quotes: Share = 0.0
    no_data: bool = False
    clock_skew_s: float = 0.0
    lacks: list[str] = Field(default=[])

"""The section ``alerts`` of config.yaml."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from .section import Section

__all__ = ["AlertsConfig", "PriceAlertConfig", "Rule"]

Rule = Literal["reject", "fill", "broker_down", "login_needed", "failover", "no_stop", "triggered"]

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


class PriceAlertConfig(Section):
    """A price at which you want to be told; the instrument is streamed for it."""

    symbol: str = Field(min_length=1, max_length=64)
    """With its exchange where that is not NFO and it is no index: ``NSE:RELIANCE-EQ``."""
    above: float | None = Field(default=None, gt=0)
    """Rupees; told when the last price is there or above it."""
    below: float | None = Field(default=None, gt=0)
    """Rupees; told when the last price is there or below it."""

    @model_validator(mode="after")
    def _has_one_level(self) -> PriceAlertConfig:
        if (self.above is None) == (self.below is None):
            raise ValueError("expected either above or below, found both or neither")
        return self


class AlertsConfig(Section):
    """What is told to a person, and where it is sent."""

    rules: list[Rule] = Field(default=["reject", "broker_down", "login_needed", "failover"])
    """What is told besides prices; an empty list is nothing."""
    max_loss: float | None = Field(default=None, gt=0)
    """Rupees; told when all positions of the day have lost that much together."""
    max_drawdown: float | None = Field(default=None, gt=0)
    """Rupees; told when their profit is so much below the day's highest."""
    max_margin_percent: float | None = Field(default=None, gt=0, le=100)
    """Told when an account uses that share of its margin."""
    prices: list[PriceAlertConfig] = Field(default=[])
    """Prices at which you want to be told."""
    send_to: list[SecretStr] = Field(default=[])
    """Where alerts go besides the page and the notebook: ``http(s)://…`` is a webhook that is sent JSON, all
    else an address of the library Apprise (``tgram://…``, ``ntfy://…``, ``mailtos://…``, ``dbus://``), for
    which ``pip install 'dualbroker[alerts]'``."""
    quiet_hours: str | None = None
    """Indian time, such as ``22:00-07:30``, in which nothing is sent; what is not over then is sent at their
    end."""

    @field_validator("send_to")
    @classmethod
    def _are_addresses(cls, value: list[SecretStr]) -> list[SecretStr]:
        for number, address in enumerate(value, 1):
            if not re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://", address.get_secret_value()):
                raise ValueError(
                    f"expected addresses that begin like https://, found another text as number {number}"
                )
        return value

    @field_validator("quiet_hours")
    @classmethod
    def _are_hours(cls, value: str | None) -> str | None:
        if value is not None and not _HOURS.fullmatch(value):
            raise ValueError(f"expected hours such as 22:00-07:30, found {value[:40]!r}")
        return value

    @property
    def quiet_minutes(self) -> tuple[int, int] | None:
        """The quiet hours in minutes of the day."""
        found = None if self.quiet_hours is None else _HOURS.fullmatch(self.quiet_hours)
        if found is None:
            return None
        begin_h, begin_m, end_h, end_m = map(int, found.groups())
        return begin_h * 60 + begin_m, end_h * 60 + end_m

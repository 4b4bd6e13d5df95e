"""Shoonya (Finvasia)."""

from __future__ import annotations

from dualbroker.brokers.noren.broker import NorenBroker, dialect_of
from dualbroker.brokers.noren.section import NorenSection
from dualbroker.noren.dialects import Dialect

__all__ = ["ShoonyaBroker"]


class ShoonyaBroker(NorenBroker):
    """Logs in by OAuth (the way since April 2026), or by password and TOTP where that still runs."""

    def _make_dialect(self, config: NorenSection) -> Dialect:
        by_password = config.password is not None and config.client_id is None
        return dialect_of(config, "shoonya_legacy" if by_password else "shoonya")

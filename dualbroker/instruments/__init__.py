"""Symbol masters: parse them, read names, look instruments up. No I/O and no clock."""

from __future__ import annotations

from dualbroker.instruments.master import parse_master
from dualbroker.instruments.registry import Instruments
from dualbroker.instruments.table import MasterTable

__all__ = ["Instruments", "MasterTable", "parse_master"]

"""REST answers that are refused or wrong although the request was right (protocol: sections 1.8, 1.9)."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from dualbroker.model import Instrument
from dualbroker.noren.requests import Endpoint
from dualbroker.simulator.answers import NO_DATA, SERVER_TIMEOUT, Answer, Refusal
from dualbroker.simulator.faults.faults import Faults

__all__ = ["BAD_GATEWAY", "RestFaults"]

BAD_GATEWAY = Answer(
    502,
    "text/html; charset=utf-8",
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n",
)
"""What stands in front of a broker says when the broker does not answer."""

_BOOKS = frozenset({Endpoint.ORDER_BOOK, Endpoint.TRADE_BOOK, Endpoint.POSITION_BOOK})
_DESK = frozenset({Endpoint.POSITION_BOOK, Endpoint.HOLDINGS, Endpoint.LIMITS})
_NIFTY = ("NSE", "26000")
"""Whose quote was seen in the place of others."""
_NS_PER_MINUTE = 60_000_000_000


class RestFaults:
    """What goes wrong with the REST calls of one broker.

    Parameters
    ----------
    dice
        Decides which quotes are wrong; not thrown while there is no such fault.
    """

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._minute = 0
        self._calls: dict[str, int] = {}
        self._prices: dict[str, str] = {}
        """Last prices that position books go on stating, by account and position."""

    def refuse(self, faults: Faults, name: str, uid: str, running_ns: int) -> None:
        """Count a call of an account, and refuse it when a fault says so.

        Raises
        ------
        Refusal
            Too many calls within a minute of running time, or a book that has "no data".
        """
        limit = faults.rate_limit_per_minute
        if limit is not None:
            minute = running_ns // _NS_PER_MINUTE
            if minute != self._minute:
                self._minute = minute
                self._calls.clear()
            calls = self._calls[uid] = self._calls.get(uid, 0) + 1
            if calls > limit:
                counted = f"Order Recieved {calls} in a current minute"
                raise Refusal(f"Invalid Input :  {counted} exceeds Limit {limit} for user")
        if faults.no_data and name in _BOOKS:
            raise Refusal(NO_DATA)
        if faults.desk_reads_fail and name in _DESK and self._dice.random() < faults.desk_reads_fail:
            raise Refusal(SERVER_TIMEOUT)

    def spoilt_positions(
        self, faults: Faults, uid: str, rows: Sequence[dict[str, str]]
    ) -> list[dict[str, str]]:
        """Rows of an account's position book as faults have them: some without a name, prices of before."""
        if not faults.stale_positions:
            self._prices.clear()
        spoilt = []
        for row in rows:
            name = f"{uid}/{row['exch']}/{row['token']}/{row['prd']}"
            if faults.stale_positions and "lp" in row:
                row = _at_price(row, self._prices.setdefault(name, row["lp"]))
            if random.Random(name).random() < faults.garbled_positions:
                row = row | {"tsym": ""}
            spoilt.append(row)
        return spoilt

    def mistaken(
        self, faults: Faults, instruments: Sequence[Instrument], fields: Mapping[str, str]
    ) -> Mapping[str, str]:
        """The fields of GetQuotes, now and then of another instrument: the index, as at a real broker."""
        if self._dice.random() >= faults.wrong_quotes:
            return fields
        asked = (fields.get("exch", ""), fields.get("token", ""))
        others = [item.key for item in instruments if item.key != asked]
        if not others:
            return fields
        exchange, token = _NIFTY if _NIFTY in others else others[0]
        return {**fields, "exch": exchange, "token": token}


def _at_price(row: dict[str, str], last: str) -> dict[str, str]:
    gain = int(row["netqty"]) * (float(last) - float(row["netavgprc"])) * float(row["prcftr"])
    return row | {"lp": last, "urmtom": f"{gain:.2f}"}

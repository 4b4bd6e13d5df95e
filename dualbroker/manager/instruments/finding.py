"""Finds instruments by words, on the exchanges that a person may mean."""

from __future__ import annotations

from collections.abc import Collection

from dualbroker.brokers.base import Broker
from dualbroker.errors import ConnectionFailedError
from dualbroker.instruments.names import EXCHANGES
from dualbroker.instruments.search import Found, exchanges_implied
from dualbroker.manager.instruments.masters import MasterLoader

__all__ = ["find"]

SEARCHED = ("NSE", "NFO")
"""Always; others are searched as well where subscriptions, orders or the words touch them."""


async def find(
    masters: MasterLoader,
    broker: Broker,
    words: str,
    exchange: str | None,
    limit: int,
    touched: Collection[str],
) -> Found:
    """Instruments that all the words fit, the nearest expiry first, and on which exchanges was looked.

    Parameters
    ----------
    broker
        Whose symbol masters are downloaded.
    exchange
        The only one to look on; None looks on those that fit.
    touched
        Exchanges of subscriptions and orders.

    Raises
    ------
    UnknownInstrumentError
        There is no such exchange.
    ConnectionFailedError
        Not a single symbol master can be had.
    """
    if exchange is not None:
        await masters.load(broker, exchange.upper())
        found = masters.instruments.search(words, exchange=exchange.upper(), limit=limit)
        return Found(found, [exchange.upper()])
    not_searched: dict[str, str] = {}
    last_problem: ConnectionFailedError | None = None
    wanted = {*touched, *SEARCHED, *exchanges_implied(words)}
    for each in EXCHANGES:
        if each not in wanted:
            continue
        try:
            await masters.load_unless_failed(broker, each)
        except ConnectionFailedError as error:
            not_searched[each], last_problem = str(error), error
    instruments = masters.instruments
    searched = [name for name in EXCHANGES if any(True for _ in instruments.tables(name))]
    if last_problem is not None and not searched:
        raise last_problem
    missing = {name: why for name, why in not_searched.items() if name not in searched}
    return Found(instruments.search(words, limit=limit), searched, missing)

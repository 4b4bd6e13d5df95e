"""What the log says while a feed runs, in words that people search for."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from dualbroker.model import QuoteBatch, Role
from dualbroker.stores.health import BrokerHealth
from dualbroker.stores.orders import OrderEvent
from dualbroker.stores.quotes import QuoteStore

__all__ = ["announce_order", "announce_prices", "announce_roles"]

logger = logging.getLogger("dualbroker")


def announce_roles(primary: str | None, health: Mapping[str, BrokerHealth]) -> None:
    """Who carries quotes, who carries orders; INFO."""
    if primary is not None:
        logger.info("Price/Quote updates: %s only", primary)
    carrying = [name for name, broker in health.items() if broker.role is not Role.NONE]
    if carrying:
        logger.info("Order updates: %s", ", ".join(carrying))
    if len(health) == 1 and carrying:
        logger.info(
            "One broker is enabled: it carries quotes and orders, and the optimisation is off, "
            "for there is no second stream of quotes to save"
        )


def announce_order(event: OrderEvent) -> None:
    """An order update that said something new; INFO."""
    logger.info("Order update from %s: %s status: %s", event.broker_name, event.order_id, event.status.value)


def announce_prices(store: QuoteStore, batch: QuoteBatch) -> None:
    """Every price of a batch; DEBUG, and asked for only where DEBUG is on."""
    for update in batch.updates:
        index = store.index_of((update.exchange, update.token))
        if index is not None and update.ltp is not None:
            symbol = store.instruments[index].symbol
            logger.debug("Price update from %s: %s = ₹%.2f", batch.broker_name, symbol, update.ltp)

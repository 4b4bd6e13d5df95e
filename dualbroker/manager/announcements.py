"""What the log says while a feed runs, in words that people search for."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from dualbroker.figures import number, order_money
from dualbroker.model import OrderKey, OrderStatus, OrderUpdate, QuoteBatch, ReportType
from dualbroker.noren.fields import shorten
from dualbroker.stores.orders import Ledger, OrderEvent, OrderState
from dualbroker.stores.quotes import QuoteStore

__all__ = ["OrderAnnouncer", "announce_prices"]

logger = logging.getLogger("dualbroker")

MOST_REMEMBERED = 20_000
"""Orders of which is known what was said; those that were silent longest are forgotten first."""
LONGEST_REASON = 160

_ON_THE_WAY = frozenset(
    {
        ReportType.NEW_ACK,
        ReportType.PENDING_NEW,
        ReportType.MOD_ACK,
        ReportType.PENDING_REPLACE,
        ReportType.CAN_ACK,
        ReportType.PENDING_CANCEL,
    }
)
_REFUSED = {ReportType.REPLACE_REJECTED: "change refused", ReportType.CANCEL_REJECTED: "cancellation refused"}


class OrderAnnouncer:
    """Says each change of an order that means something, once; INFO.

    Status, fills, terms and reasons do; that a request was received or is on its way does not.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._said: dict[OrderKey, tuple[object, ...]] = {}
        """Of each order, what the newest line said of it."""

    def announce(self, event: OrderEvent) -> None:
        """Say what is new in an order, if anything is."""
        if not logger.isEnabledFor(logging.INFO):
            return
        update = event.update
        before = self._said.get(update.key, (None,) * 6)
        terms: Sequence[object] = before[2:5]
        if update.report_type not in _ON_THE_WAY or terms == (None,) * 3:
            said = (update.quantity, update.price, update.trigger_price)
            terms = [old if new is None else new for new, old in zip(said, terms, strict=True)]
        reason = update.reject_reason or before[5]
        now = (event.status, event.filled_quantity or 0.0, *terms, reason)
        if now == before:
            return
        self._said.pop(update.key, None)
        self._said[update.key] = now
        if len(self._said) > MOST_REMEMBERED:
            del self._said[next(iter(self._said))]
        logger.info(
            "Order update from %s: %s status: %s%s",
            event.broker_name,
            event.order_id,
            event.status.value,
            self._details(event, is_new_reason=update.reject_reason not in (None, before[5])),
        )

    def _details(self, event: OrderEvent, *, is_new_reason: bool) -> str:
        update, state = (
            event.update,
            self._ledger.states.get(event.update.key, OrderState(key=event.update.key)),
        )
        words = (
            f' ("{update.raw_status}")' if event.status is OrderStatus.UNKNOWN and update.raw_status else ""
        )
        quantity = update.quantity if update.quantity is not None else state.quantity
        what = [state.side, None if quantity is None else number(quantity), event.symbol]
        what.append(_price_words(update, state))
        told = " ".join(word for word in what if word)
        words += f", {told}" if told else ""
        if event.filled_quantity:
            words += f", filled {number(event.filled_quantity)}"
            words += "" if event.average_price is None else f" at {order_money(event.average_price)}"
        if is_new_reason:
            refused = _REFUSED.get(update.report_type) if update.report_type is not None else None
            words += f", {refused or 'reason'}: {shorten(update.reject_reason, LONGEST_REASON)}"
        return words


def _price_words(update: OrderUpdate, state: OrderState) -> str:
    """At which price it is to be filled, and from which on it is at the exchange."""
    price = update.price if update.price is not None else state.price
    trigger = update.trigger_price if update.trigger_price is not None else state.trigger_price
    is_market = (state.price_type or "").endswith("MKT")
    words = "at market" if is_market else "" if price is None else f"at {order_money(price)}"
    return f"{words} trigger {order_money(trigger)}".strip() if trigger else words


def announce_prices(store: QuoteStore, batch: QuoteBatch) -> None:
    """Every price of a batch; DEBUG, and asked for only where DEBUG is on."""
    for update in batch.updates:
        index = store.index_of((update.exchange, update.token))
        if index is not None and update.ltp is not None:
            symbol = store.instruments[index].symbol
            logger.debug("Price update from %s: %s = %s", batch.broker_name, symbol, order_money(update.ltp))

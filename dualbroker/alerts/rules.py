"""What is worth an alert, out of what brokers, orders and prices are. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from dualbroker.alerts.engine import Cause, Condition
from dualbroker.clock import NS_PER_S
from dualbroker.desk.desk import LimitsLine, Profit
from dualbroker.desk.stops import NO_STOP, NOT_READ, TRIGGERED, StopLine
from dualbroker.figures import number, order_money
from dualbroker.model import OrderStatus, ReportType
from dualbroker.stores.alerts import Alert
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.stores.incidents import Failover
from dualbroker.stores.orders import OrderEvent

__all__ = [
    "RULES",
    "DayLimits",
    "PriceLevel",
    "broker_conditions",
    "failover_alert",
    "margin_conditions",
    "order_alert",
    "price_condition",
    "profit_conditions",
    "stop_conditions",
]

RULES = ("reject", "fill", "broker_down", "login_needed", "failover", "no_stop", "triggered")
"""Besides price levels and the limits of a day, which have figures of their own."""

NO_STOP_AFTER_S = 30.0
"""So long may a stop take after its entry."""
TRIGGERED_AFTER_S = 10.0

DOWN_AFTER_S = 10.0
"""A connection that is back before is nobody's concern."""
NEWS_NS = 300 * NS_PER_S
"""What happened earlier is history: a first look at a book, or one after an outage, tells the whole day."""
_CALM_BELOW = 0.0005
"""A price level is over once the price is that share of it away, so that one on the brink is told once."""


class PriceLevel(msgspec.Struct, frozen=True):
    """A price at which somebody wants to be told; one of both is set."""

    symbol: str
    """As it was asked for."""
    above: float | None = None
    below: float | None = None

    @property
    def words(self) -> str:
        side, level = ("above", self.above) if self.above is not None else ("below", self.below)
        return f"{self.symbol} at or {side} {order_money(level or 0.0)}"


def broker_conditions(healths: Iterable[BrokerHealth]) -> tuple[dict[Cause, Condition], set[Cause]]:
    """Which brokers are down or need a person, and of which nobody can say."""
    holding: dict[Cause, Condition] = {}
    unknown: set[Cause] = set()
    for health in healths:
        name = health.broker_name
        down, login = ("broker_down", name), ("login_needed", name)
        if health.state is BrokerState.PARKED:
            holding[login] = Condition(
                "login_needed", f"{name} waits for a person: {health.words}", f"{name} is logged in", name
            )
            unknown.add(down)
        elif health.state is BrokerState.RECONNECTING or (
            health.state is BrokerState.CONNECTING and health.problem
        ):
            words = f"{name} is down: {health.words}"
            holding[down] = Condition("broker_down", words, f"{name} is up again", name, after_s=DOWN_AFTER_S)
            unknown.add(login)
        elif health.state in (BrokerState.CONNECTING, BrokerState.CLOSED):
            unknown |= {down, login}
    return holding, unknown


def stop_conditions(stops: Iterable[StopLine]) -> tuple[dict[Cause, Condition], set[Cause]]:
    """Which positions have no stop that is seen, and which stops were triggered and do not fill.

    A position whose book or orders are in doubt proves nothing.
    """
    holding: dict[Cause, Condition] = {}
    unknown: set[Cause] = set()
    for stop in stops:
        name, symbol = stop.broker_name, stop.symbol
        naked = ("no_stop", name, stop.exchange, symbol, stop.product)
        late = ("triggered", name, stop.order_id)
        if stop.doubt or stop.state == NOT_READ:
            unknown |= {naked, late}
        elif stop.state == NO_STOP:
            words = f"{name}: no stop seen for {number(stop.position_quantity)} {symbol}"
            over = f"{name}: {symbol} has a stop, or is closed"
            holding[naked] = Condition("no_stop", words, over, name, symbol, after_s=NO_STOP_AFTER_S)
        elif stop.state == TRIGGERED:
            words = f"{name}: the stop of {symbol} is triggered and not filled"
            over = f"{name}: the stop of {symbol} is done"
            holding[late] = Condition("triggered", words, over, name, symbol, after_s=TRIGGERED_AFTER_S)
    return holding, unknown


class DayLimits(msgspec.Struct, frozen=True):
    """What a day may cost. Rupees; None is no limit."""

    max_loss: float | None = None
    max_drawdown: float | None = None


def profit_conditions(
    limits: DayLimits, profit: Profit, high: float | None
) -> tuple[dict[Cause, Condition], set[Cause]]:
    """Whether the day has lost too much. A sum that leaves something out decides nothing.

    Parameters
    ----------
    profit
        Of all accounts together.
    high
        The day's highest complete sum; None before the first.
    """
    causes: set[Cause] = {"max_loss", "max_drawdown"}
    if not profit.complete:
        return {}, causes
    holding: dict[Cause, Condition] = {}
    total = profit.total
    if limits.max_loss is not None and total <= -limits.max_loss:
        words = f"all positions have lost ₹{number(-total)} today, of ₹{number(limits.max_loss)} allowed"
        holding["max_loss"] = Condition("max_loss", words, "the day's loss is within its limit again")
    if limits.max_drawdown is not None and high is not None and high - total >= limits.max_drawdown:
        words = f"the day's profit is ₹{number(high - total)} below its highest, ₹{number(high)}"
        holding["max_drawdown"] = Condition(
            "max_drawdown", words, "the day's profit is near its highest again"
        )
    return holding, set()


def margin_conditions(
    max_percent: float | None, lines: Iterable[LimitsLine]
) -> tuple[dict[Cause, Condition], set[Cause]]:
    """Which accounts use more of their margin than they should, and of which nobody can say."""
    holding: dict[Cause, Condition] = {}
    unknown: set[Cause] = set()
    for line in lines if max_percent is not None else ():
        name, limits = line.broker_name, line.limits
        cause = ("margin", name)
        used = None if limits is None else limits.margin_used
        free = None if limits is None else limits.margin_available
        if line.doubt or used is None or free is None or used + free <= 0:
            unknown.add(cause)
        elif 100 * used / (used + free) >= (max_percent or 0.0):
            words = f"{name} uses {number(100 * used / (used + free))} % of its margin"
            holding[cause] = Condition("margin", words, f"{name} has margin again", name)
    return holding, unknown


def order_alert(event: OrderEvent, now_ns: int) -> tuple[Cause, Alert] | None:
    """What an update of an order is worth telling: a rejection or a fill of the last minutes."""
    update = event.update
    if now_ns - update.happened_ns > NEWS_NS:
        return None
    name, symbol = update.broker_name, event.symbol
    what = f"{name}: {update.side.value + ' ' if update.side else ''}{symbol or update.order_id}"
    if event.status is OrderStatus.REJECTED and update.report_type in (ReportType.REJECTED, None):
        reason = update.reject_reason or "the broker gives no reason"
        words = f"{what} rejected: {reason}"
        return ("reject", name, reason), _event("reject", words, name, symbol)
    if update.fill_quantity:
        at = "" if update.fill_price is None else f" at {order_money(update.fill_price)}"
        words = f"{what} filled {number(update.fill_quantity)}{at}"
        if event.filled_quantity is not None and update.quantity:
            words += f", {number(event.filled_quantity)} of {number(update.quantity)} in all"
        return ("fill", update.key), _event("fill", words, name, symbol)
    return None


def failover_alert(failover: Failover) -> tuple[Cause, Alert]:
    """A change of the broker that carries quotes which nobody had planned."""
    words = f"quotes move from {failover.from_broker} to {failover.to_broker}: {failover.why}"
    return ("failover", failover.from_broker), _event("failover", words, failover.to_broker, None)


def price_condition(level: PriceLevel, low: float, high: float, was_there: bool) -> Condition | None:
    """Whether a price has reached its level; None where it has not.

    Parameters
    ----------
    low, high
        Of the trades since the last look, rupees.
    was_there
        It had reached it at the last look, and leaves it only by a little more than it takes to reach it.
    """
    margin = _CALM_BELOW if was_there else 0.0
    if level.above is not None:
        there, last = high >= level.above * (1 - margin), high
    else:
        assert level.below is not None
        there, last = low <= level.below * (1 + margin), low
    if math.isnan(last) or not there:
        return None
    words = f"{level.words}: {order_money(last)}"
    return Condition("price", words, f"{level.words} no longer", symbol=level.symbol)


def _event(rule: str, words: str, broker_name: str | None, symbol: str | None) -> Alert:
    return Alert(state="event", rule=rule, words=words, broker_name=broker_name, symbol=symbol)

"""What must hold of orders: the ledger is the brokers' own, and no event contradicts what happened."""

from __future__ import annotations

from collections.abc import Iterator

from dualbroker.chaos.rules.bounds import ANSWER_S, SESSION_TROUBLES, at_once, reconciled_s
from dualbroker.chaos.rules.scene import Rule, Scene
from dualbroker.model import OrderStatus
from dualbroker.stores.health import BrokerState

__all__ = ["ORDER_RULES"]

POLLED_S = 3.0
"""Between two polls of a broker whose socket another program has, unless its settings say otherwise."""


def _is_read(scene: Scene, broker: str) -> bool:
    """Whether the ledger can be expected to follow this broker's orders.

    A refused login knows none. An evicted one reads on by REST with the token it has; once that is dead a
    new one might end the other program's, so it is parked, and says so.
    """
    if scene.troubles.is_barred(broker):
        return False
    evicted_s = scene.troubles.evicted_at_s.get(broker)
    if evicted_s is None or scene.state(broker) is not BrokerState.PARKED:
        return True
    # Its token may have died before, and that only the next read of the books would have shown.
    unnoticed_s = float(scene.world.schedule.settings["orders"]["reconcile_every"]) + 2 * ANSWER_S
    died_in_time = scene.troubles.had(broker, SESSION_TROUBLES, evicted_s - unnoticed_s)
    return not (died_in_time or scene.world.schedule.moment == "tokens die")


def _unread_s(scene: Scene, broker: str) -> tuple[float, float]:
    """So old, in seconds, an order's last step has to be for status and for fills to be known by now."""
    if scene.state(broker) is BrokerState.LIVE:
        return 0.0, 0.0
    schedule = scene.world.schedule
    polled_s = schedule.broker_settings.get(broker, {}).get("poll_every", POLLED_S)
    return float(polled_s) + ANSWER_S, float(schedule.settings["orders"]["reconcile_every"]) + 2 * ANSWER_S


def _ledger(scene: Scene) -> Iterator[str]:
    states: dict[tuple[str, str], list[object]] = {}
    ledger = {}
    for state in scene.world.manager.orders.snapshot():
        states.setdefault((state.broker_name, state.order_id), []).append(state.trading_day)
        ledger[state.broker_name, state.order_id] = state
    for (broker, number), days in states.items():
        if len(days) > 1:
            yield f"{broker}'s order {number} stands under {len(days)} trading days"
    truth = scene.orders
    earlier = {
        broker.name: {number for trading in broker.trading.values() for number in trading.desk.earlier}
        for broker in scene.world.simulation.brokers
    }
    for broker, orders in truth.items():
        if not _is_read(scene, broker):
            continue
        status_s, fills_s = _unread_s(scene, broker)
        for number, order in orders.items():
            if number in earlier[broker]:
                # No book tells of it any more; what is said of it is judged by the rule of events.
                continue
            age_s = (scene.world.market.now_ns() - order.last.time_ns) / 1e9
            if age_s < status_s:
                continue
            if (broker, number) not in ledger:
                yield f"{broker}'s order {number} ({order.status.value}) is not in the ledger"
                continue
            state = ledger[broker, number]
            if state.status is not _as_known(order.status):
                says = state.status.value
                yield f"{broker}'s order {number} is {order.status.value}, the ledger says {says}"
            if (state.filled_quantity or 0) != order.last.filled_quantity:
                yield (
                    f"{broker}'s order {number} has {order.last.filled_quantity} filled, "
                    f"the ledger says {state.filled_quantity}"
                )
            fills = {fill.fill_id: float(fill.quantity) for fill in order.fills}
            counted = {fill_id: float(quantity) for fill_id, (quantity, _) in state.fills.items()}
            if fills != counted and age_s >= fills_s:
                yield f"{broker}'s order {number} has the fills {fills}, the ledger says {counted}"
    for broker, number in ledger:
        if number in truth[broker]:
            continue
        yield f"the ledger has an order {number} of {broker}, which {broker} has not"


def _as_known(status: OrderStatus) -> OrderStatus:
    return OrderStatus(status.value.replace(" ", "_"))


def _events(scene: Scene) -> Iterator[str]:
    truth = scene.orders
    lives: dict[tuple[str, str], set[tuple[OrderStatus, int]]] = {}
    last: dict[tuple[str, str], tuple[OrderStatus, float]] = {}
    for event in scene.world.manager.orders.events_snapshot():
        key = (event.broker_name, event.order_id)
        order = truth.get(event.broker_name, {}).get(event.order_id)
        if order is None:
            yield f"an event tells of an order {event.order_id} of {event.broker_name}, which has none such"
            continue
        life = lives.get(key)
        if life is None:
            life = lives[key] = {(_as_known(step.status), step.filled_quantity) for step in order.events}
        filled = event.filled_quantity or 0
        if event.status is not OrderStatus.UNKNOWN and (event.status, filled) not in life:
            yield (
                f"event {event.sequence} says {event.status.value} with {filled:g} filled of "
                f"{key[0]}'s order {key[1]}, which it never was"
            )
        before = last.get(key)
        if before is not None:
            if before[0].is_final and event.status is not before[0]:
                yield f"{key[0]}'s order {key[1]} went from {before[0].value} back to {event.status.value}"
            if filled < before[1]:
                yield f"{key[0]}'s order {key[1]} went from {before[1]:g} filled back to {filled:g}"
        last[key] = (event.status, filled)


def _owners(scene: Scene) -> Iterator[str]:
    owners = {number: broker for broker, orders in scene.orders.items() for number in orders}
    for state in scene.world.manager.orders.snapshot():
        owner = owners.get(state.order_id)
        if owner is not None and owner != state.broker_name:
            yield f"order {state.order_id} of {owner} is tagged {state.broker_name}"


ORDER_RULES = (
    Rule("ledger", "status and fills of each order are the broker's own", reconciled_s, _ledger),
    Rule("events", "no order event contradicts what happened at the broker", at_once, _events),
    Rule("owners", "each order is tagged with the broker it is at", at_once, _owners),
)

"""What must hold once the faults are over. Each rule by its name; it yields what breaks it, in words.

A rule has a bound: so many seconds after the faults' end it must hold. The bounds are made of the
product's own settings, and of the pauses that it takes on purpose.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import msgspec

from dualbroker.chaos.play import Faulter, Users
from dualbroker.chaos.schedule import Schedule
from dualbroker.chaos.watch import streams
from dualbroker.chaos.weather import Weather
from dualbroker.chaos.world import World, expired_names
from dualbroker.clock import ist
from dualbroker.model import FeedType, OrderStatus
from dualbroker.noren.requests import Endpoint
from dualbroker.simulator.broker import SimulatedBroker
from dualbroker.simulator.orders import Order
from dualbroker.stores.health import BrokerState

__all__ = ["RULES", "Rule", "Scene", "longest_bound_s"]

LONGEST_PAUSE_S = 30.0
"""Between two tries to connect, after many that failed."""
ANSWER_S = 10.0
"""The longest that a connection, a hello or a REST call is waited for."""
POLLED_S = 3.0
"""Between two polls of a broker whose socket another program has, unless its settings say otherwise."""
LOGIN_PAUSE_S = 60.0
"""Two logins a minute, failed ones among them, and no more."""
REFUSED_PAUSE_S = 120.0
"""A fresh session that is refused is tried again after half a minute, then after one, then two."""
REFUSED_INSTRUMENT_S = 240.0
"""What was not acknowledged is asked for again after a minute, then after two, then four."""
_REFUSING = frozenset({"unacknowledged", "first_scrips_only", "mute", "heartbeats_only"})
_SESSION_TROUBLES = frozenset({"expire_tokens", "refuse_hello", "expired_tokens_accepted", "close"})
ACKNOWLEDGED_S = 5.0
GOODBYE_WITHIN_S = 0.5
NOT_FOUGHT_OVER_S = 60.0
MOST_LOGINS_PER_MINUTE = 2
MOST_USES_OF_A_DEAD_TOKEN = 2
"""The one that finds out, and one that was on its way."""
_LISTED = 4
"""Examples that a complaint names."""


class Scene(msgspec.Struct, frozen=True):
    """What a rule looks at, and when."""

    world: World
    weather: Weather
    users: Users
    faulter: Faulter
    now_s: float

    @property
    def orders(self) -> dict[str, dict[str, Order]]:
        """The truth: each broker's orders by number, those of earlier days too."""
        return {broker.name: _orders_of(broker) for broker in self.world.simulation.brokers}

    def state(self, broker: str) -> BrokerState:
        return self.world.manager.health[broker].state

    @property
    def able(self) -> list[str]:
        """Brokers that can carry quotes now, the faults being over."""
        return [name for name in self.world.names if self.weather.can_stream(name, self.now_s)]

    @property
    def wanted(self) -> dict[int, bool]:
        """Position in the market of each instrument that somebody holds, and whether anybody wants depth."""
        world = self.world
        start_day = ist(world.clock.now_ns() - round(self.now_s * 1e9)).date()
        gone = expired_names(start_day, ist(world.clock.now_ns()).date())
        places = {item.qualified_name: place for place, item in enumerate(world.universe.instruments)}
        return {
            places[name]: any(holders.values())
            for name, holders in self.users.wanted.items()
            if name not in gone
        }

    def name(self, place: int) -> str:
        return self.world.universe.instruments[place].qualified_name

    def may_be_held(self, place: int) -> bool:
        """Whether somebody may hold it without our knowing: until the day's turn what has expired, or what
        one broker lacks."""
        return self.name(place) in self.users.wanted or self.name(place) in self.users.uncertain

    def carriers(self, place: int) -> list[str]:
        """Able brokers whose limits do not keep this instrument away."""
        symbol = self.world.universe.instruments[place].symbol
        limits = self.world.schedule.limits
        return [name for name in self.able if symbol not in limits.get(name, {}).get("lacks", ())]


def _orders_of(broker: SimulatedBroker) -> dict[str, Order]:
    return {
        number: order
        for trading in broker.trading.values()
        for number, order in (*trading.desk.earlier.items(), *trading.desk.orders.items())
    }


class Rule(msgspec.Struct, frozen=True):
    """One rule."""

    name: str
    says: str
    bound_s: Callable[[Schedule], float]
    """Seconds after the faults' end within which it must hold."""
    check: Callable[[Scene], Iterator[str]]


def _connected_s(schedule: Schedule) -> float:
    weather = Weather(schedule)
    bound_s = LONGEST_PAUSE_S + 2 * ANSWER_S
    if any(weather.had(name, _SESSION_TROUBLES) for name in weather.names) or schedule.moment == "tokens die":
        bound_s += LOGIN_PAUSE_S
    if any(weather.had(name, {"refuse_hello"}) for name in weather.names):
        bound_s += REFUSED_PAUSE_S
    return bound_s


def _reconciled_s(schedule: Schedule) -> float:
    # A read that hung when the faults ended, the next one, and its two books.
    return _connected_s(schedule) + float(schedule.settings["orders"]["reconcile_every"]) + 2 * ANSWER_S


def _streamed_s(schedule: Schedule) -> float:
    liveness = schedule.settings["liveness"]
    bound_s = float(liveness["instrument_silent_after"] + 2 * liveness["probe_every"])
    weather = Weather(schedule)
    if any(weather.had(name, _REFUSING) for name in weather.names):
        bound_s += REFUSED_INSTRUMENT_S
    return bound_s + _connected_s(schedule) + 2 * ACKNOWLEDGED_S + ANSWER_S


def _at_once(schedule: Schedule) -> float:
    return 0.0


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


# Quotes


def _one_source(scene: Scene) -> Iterator[str]:
    if not scene.able:
        return
    manager = scene.world.manager
    wanted = scene.wanted
    by_place: dict[int, list[str]] = {}
    for broker in scene.world.simulation.brokers:
        for place in streams(broker):
            by_place.setdefault(place, []).append(broker.name)
    for place in sorted(set(by_place) | set(wanted)):
        names = by_place.get(place, [])
        if place not in wanted:
            if scene.may_be_held(place):
                continue
            yield f"{scene.name(place)} is streamed by {', '.join(names)}, and nobody holds it"
        elif not names:
            if scene.carriers(place):
                index = manager.quotes.index_of(scene.world.universe.instruments[place].key)
                source = None if index is None else manager.quotes.source(index)
                yield f"{scene.name(place)} is wanted and streamed by nobody (its source is {source})"
        elif len(names) > 1:
            yield f"{scene.name(place)} is streamed by {' and '.join(names)}"
        else:
            index = manager.quotes.index_of(scene.world.universe.instruments[place].key)
            source = None if index is None else manager.quotes.source(index)
            if source != names[0]:
                yield f"{scene.name(place)} is streamed by {names[0]}, and its source is {source}"


def _holders(scene: Scene) -> Iterator[str]:
    universe = scene.world.universe
    places = {item.key: place for place, item in enumerate(universe.instruments)}
    known = {
        places[key]: kind is FeedType.DEPTH
        for key, kind in scene.world.manager.subscriptions.book.wanted().items()
        if key in places
    }
    wanted = scene.wanted
    for place in sorted(set(wanted) - set(known)):
        holders = ", ".join(scene.users.wanted[scene.name(place)])
        yield f"{scene.name(place)} is held by {holders}, and not subscribed"
    for place in sorted(set(known) - set(wanted)):
        if not scene.may_be_held(place):
            yield f"{scene.name(place)} is subscribed, and nobody holds it"
    for place in sorted(set(known) & set(wanted)):
        if scene.name(place) in scene.users.uncertain:
            continue
        if known[place] != wanted[place]:
            kinds = [("touchline", "depth")[depth] for depth in (wanted[place], known[place])]
            yield f"{scene.name(place)}: {kinds[0]} is wanted, {kinds[1]} is subscribed"
    if scene.able:
        for holder, words in scene.users.waiting.items():
            yield f"{holder} still waits: {words}"


def _newest_price(scene: Scene) -> Iterator[str]:
    store, market = scene.world.manager.quotes, scene.world.market
    indices, rows, _ = store.latest()
    latest = {store.instruments[index].key: row for index, row in zip(indices.tolist(), rows, strict=True)}
    for place in sorted(scene.wanted):
        if not scene.carriers(place):
            continue
        row = latest.get(market.instruments[place].key)
        if row is None:
            yield f"{scene.name(place)} has no price"
            continue
        for field, expected in market.quote(place).items():
            found = float(row[field])
            if field != "feed_time" and not math.isclose(found, expected, abs_tol=0.005):
                yield f"{scene.name(place)}: {field} is {expected:g} at the market and {found:g} in the store"
                break


# Orders


def _is_read(scene: Scene, broker: str) -> bool:
    """Whether the ledger can be expected to follow this broker's orders.

    A refused login knows none. An evicted one reads on by REST with the token it has; once that is dead a
    new one might end the other program's, so it is parked, and says so.
    """
    if scene.weather.is_barred(broker):
        return False
    evicted_s = scene.weather.evicted_at_s.get(broker)
    if evicted_s is None or scene.state(broker) is not BrokerState.PARKED:
        return True
    died_in_time = scene.weather.had(broker, _SESSION_TROUBLES, evicted_s)
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


# Sessions


def _logins(scene: Scene) -> Iterator[str]:
    transport = scene.world.transport
    first_refusal: dict[str, float] = {}
    for refusal in transport.refusals:
        if "Limit" not in refusal.words:
            first_refusal.setdefault(refusal.broker, refusal.at_s)
    tries: dict[str, list[float]] = {}
    for request in transport.requests:
        if request.endpoint != Endpoint.QUICK_AUTH:
            continue
        times = tries.setdefault(request.broker, [])
        times.append(request.at_s)
        recent = [at_s for at_s in times if at_s > request.at_s - 59.9]
        if len(recent) > MOST_LOGINS_PER_MINUTE:
            yield f"{request.broker}: {len(recent)} logins within a minute, until {request.at_s:.1f} s"
        refused_s = first_refusal.get(request.broker)
        if refused_s is not None and request.at_s > refused_s:
            yield (
                f"{request.broker}: the login was refused at {refused_s:.1f} s, "
                f"and tried again at {request.at_s:.1f} s"
            )


def _dead_tokens(scene: Scene) -> Iterator[str]:
    uses = Counter((h.broker, h.token) for h in scene.world.transport.hellos if h.token_was_dead)
    for (broker, _), count in sorted(uses.items()):
        if count > MOST_USES_OF_A_DEAD_TOKEN:
            yield f"{broker}: {count} connections said hello with the same dead token"


def _evicted(scene: Scene) -> Iterator[str]:
    for broker, evicted_s in scene.faulter.evictions:
        if not scene.weather.is_well_but_for(broker, {"evict"}, evicted_s, evicted_s + GOODBYE_WITHIN_S):
            continue  # the goodbye may not have got through, and a lost connection is opened anew
        fought = [
            opening.at_s - evicted_s
            for opening in scene.world.transport.openings
            if opening.broker == broker and GOODBYE_WITHIN_S < opening.at_s - evicted_s < NOT_FOUGHT_OVER_S
        ]
        if fought:
            words = f"opened a connection {fought[0]:.1f} s later"
            yield f"{broker} was evicted at {evicted_s:.1f} s, and {words}"


def _rate(scene: Scene) -> Iterator[str]:
    times: dict[str, list[float]] = {}
    for request in scene.world.transport.requests:
        times.setdefault(request.broker, []).append(request.at_s)
    for broker, at_s in sorted(times.items()):
        section = scene.world.schedule.broker_settings.get(broker, {})
        for span_s, most in ((1.0, section["requests_per_second"]), (60.0, section["requests_per_minute"])):
            for first, last in zip(at_s, at_s[int(most) :], strict=False):
                if last - first < span_s - 1e-6:
                    yield f"{broker}: more than {most} REST calls within {span_s:g} s, from {first:.1f} s on"
                    break


def _parked(scene: Scene) -> Iterator[str]:
    for broker in scene.world.names:
        if scene.state(broker) is not BrokerState.PARKED:
            continue
        if not scene.weather.is_barred(broker) and broker not in scene.weather.evicted_at_s:
            yield f"{broker} is parked without a cause: {scene.world.manager.health[broker].problem}"


def _back(scene: Scene) -> Iterator[str]:
    """Each broker that may is connected again, by one socket."""
    for broker in scene.world.simulation.brokers:
        state = scene.state(broker.name)
        if len(broker.sessions) > 1:
            yield f"{broker.name} has {len(broker.sessions)} connections open at once"
        if broker.name in scene.able and state is not BrokerState.LIVE:
            yield f"{broker.name} is {scene.world.manager.health[broker.name].words}"
        if scene.weather.is_polled(broker.name) and state is not BrokerState.POLLING:
            yield f"{broker.name} is {scene.world.manager.health[broker.name].words}"


RULES: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            "one source",
            "each held instrument is streamed by one broker, its source; no other is",
            _streamed_s,
            _one_source,
        ),
        Rule("holders", "what is subscribed is what somebody holds", _connected_s, _holders),
        Rule(
            "newest price", "each held instrument has the market's newest quote", _streamed_s, _newest_price
        ),
        Rule("ledger", "status and fills of each order are the broker's own", _reconciled_s, _ledger),
        Rule("events", "no order event contradicts what happened at the broker", _at_once, _events),
        Rule("owners", "each order is tagged with the broker it is at", _at_once, _owners),
        Rule(
            "logins",
            "a refused login is not tried again, none is tried more than twice a minute",
            _at_once,
            _logins,
        ),
        Rule("dead tokens", "a dead token is not used in a loop", _at_once, _dead_tokens),
        Rule("evicted", "a login that another program took is not fought over", _at_once, _evicted),
        Rule("rest rate", "REST calls stay below the broker's rate", _at_once, _rate),
        Rule("parked", "a broker is parked only for a cause", _at_once, _parked),
        Rule("back", "each broker is connected again, by one socket", _connected_s, _back),
    )
}


def longest_bound_s(schedule: Schedule) -> float:
    """Seconds after the faults' end by which every rule must hold."""
    return max(rule.bound_s(schedule) for rule in RULES.values())

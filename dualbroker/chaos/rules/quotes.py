"""What must hold of quotes: one source each, those that are wanted, the newest price."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dualbroker.chaos.rules.bounds import connected_s, streamed_s
from dualbroker.chaos.rules.scene import Rule, Scene
from dualbroker.chaos.watch import streams
from dualbroker.model import FeedType

__all__ = ["QUOTE_RULES"]


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
            if scene.may_be_held(place) or scene.name(place) in scene.expired:
                # An expired one is no longer known to the broker, which can't be told to stop.
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
        for key, kind in scene.world.manager.wanted().items()
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


QUOTE_RULES = (
    Rule(
        "one source",
        "each held instrument is streamed by one broker, its source; no other is",
        streamed_s,
        _one_source,
    ),
    Rule("holders", "what is subscribed is what somebody holds", connected_s, _holders),
    Rule("newest price", "each held instrument has the market's newest quote", streamed_s, _newest_price),
)

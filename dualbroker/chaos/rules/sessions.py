"""What must hold of logins, connections and calls: none in a loop, none too many, each broker back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from dualbroker.chaos.rules.bounds import at_once, connected_s
from dualbroker.chaos.rules.scene import Rule, Scene
from dualbroker.noren.requests import Endpoint
from dualbroker.stores.health import BrokerState

__all__ = ["SESSION_RULES"]

GOODBYE_WITHIN_S = 0.5
NOT_FOUGHT_OVER_S = 60.0
MOST_LOGINS_PER_MINUTE = 2
MOST_USES_OF_A_DEAD_TOKEN = 2
"""The one that finds out, and one that was on its way."""


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
        from_s, to_s = evicted_s - GOODBYE_WITHIN_S, evicted_s + GOODBYE_WITHIN_S
        if not scene.troubles.is_well_but_for(broker, {"evict"}, from_s, to_s):
            continue  # the goodbye may not have got through, and a lost connection is opened again
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
        if not scene.troubles.is_barred(broker) and broker not in scene.troubles.evicted_at_s:
            yield f"{broker} is parked without a cause: {scene.world.manager.health[broker].problem}"


def _back(scene: Scene) -> Iterator[str]:
    """Each broker that may is connected again, by one socket."""
    for broker in scene.world.simulation.brokers:
        state = scene.state(broker.name)
        if len(broker.sessions) > 1:
            yield f"{broker.name} has {len(broker.sessions)} connections open at once"
        if broker.name in scene.able and state is not BrokerState.LIVE:
            yield f"{broker.name} is {scene.world.manager.health[broker.name].words}"
        if scene.troubles.is_polled(broker.name) and state is not BrokerState.POLLING:
            yield f"{broker.name} is {scene.world.manager.health[broker.name].words}"


SESSION_RULES = (
    Rule(
        "logins",
        "a refused login is not tried again, none is tried more than twice a minute",
        at_once,
        _logins,
    ),
    Rule("dead tokens", "a dead token is not used in a loop", at_once, _dead_tokens),
    Rule("evicted", "a login that another program took is not fought over", at_once, _evicted),
    Rule("rest rate", "REST calls stay below the broker's rate", at_once, _rate),
    Rule("parked", "a broker is parked only for a cause", at_once, _parked),
    Rule("back", "each broker is connected again, by one socket", connected_s, _back),
)

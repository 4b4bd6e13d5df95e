"""Looks at everything a feed needs, one finding each: is it well, and if not, what is to be done.

It covers the three usual troubles: no price updates, missing order updates, wrong broker names. Every
step is bounded, all of them together by half a minute. A refused login is not tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

from dualbroker.brokers.base import Broker
from dualbroker.cli.findings import Finding, Verdict
from dualbroker.cli.seen_address import seen_address
from dualbroker.clock import Clock
from dualbroker.config.broker_types import broker_types
from dualbroker.config.schema import BrokerConfig, Config
from dualbroker.errors import ConfigError, ConnectionFailedError, DualBrokerError, InstrumentError
from dualbroker.figures import money, number
from dualbroker.manager import WebSocketManager
from dualbroker.model import Instrument
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.transport.base import Transport
from dualbroker.transport.network import NetworkTransport
from dualbroker.view.market import market_state

__all__ = ["diagnose", "standby"]

LOGIN_TIMEOUT_S = 7.0
ANSWER_TIMEOUT_S = 5.0
MASTERS_TIMEOUT_S = 7.0
SNAPSHOT_TIMEOUT_S = 6.0
TICK_TIMEOUT_S = 4.0
UP = (BrokerState.LIVE, BrokerState.POLLING)


async def diagnose(config: Config, wall_clock: Clock) -> AsyncIterator[Finding]:
    """Look at a config and at every broker it enables; findings come as they are made.

    Raises
    ------
    ConfigError
        A broker can't be made of its section.
    """
    yield _config(config)
    for section in config.enabled_brokers:
        yield _name(section)
        yield _credentials(section)
    settings = {"subscribe": [], "start_timeout": min(config.start_timeout, LOGIN_TIMEOUT_S)}
    transport = NetworkTransport()
    manager = WebSocketManager(config.model_copy(update=settings), transport=transport, wall_clock=wall_clock)
    try:
        try:
            await manager.start()
        except ConfigError:
            raise
        except DualBrokerError as error:
            yield Finding(Verdict.FAIL, "start", str(error))
            return
        for findings in await asyncio.gather(
            *(_broker(broker, transport) for broker in manager.brokers.values())
        ):
            for finding in findings:
                yield finding
        async for finding in _quotes(manager, wall_clock):
            yield finding
    finally:
        await manager.stop()


def _config(config: Config) -> Finding:
    names = ", ".join(section.name for section in config.enabled_brokers)
    kind = "SIMULATED" if config.is_simulated else "live accounts, read only"
    return Finding(Verdict.OK, "config", f"{config.path or 'made in code'}; enabled: {names} ({kind})")


def _name(section: BrokerConfig) -> Finding:
    """Wrong broker names: the name is the key in the config, and nothing else."""
    subject = f"{section.name} name"
    if section.name.lower() in broker_types() and section.name.lower() != section.type:
        return Finding(
            Verdict.WARN,
            subject,
            f"its quotes and orders will carry {section.name!r}, but it is of type {section.type}; rename "
            "its key under brokers: if that is not meant",
        )
    return Finding(
        Verdict.OK, subject, f"its quotes and orders carry {section.name!r}, its key under brokers:"
    )


def _credentials(section: BrokerConfig) -> Finding:
    """Present and of the right form; their values are never shown."""
    subject = f"{section.name} credentials"
    if section.is_simulated:
        return Finding(Verdict.OK, subject, "none needed, the simulator gives them")
    if (problem := section.credential_problem()) is not None:
        return Finding(Verdict.FAIL, subject, problem)
    given = sorted(key for key in section.private_keys() if getattr(section, key) is not None)
    return Finding(Verdict.OK, subject, f"present: {', '.join(given)}")


async def _broker(broker: Broker, transport: Transport) -> list[Finding]:
    health = broker.health
    findings = [await _reachability(broker, transport), _login(health)]
    address = await seen_address(
        broker.name, broker.rest_address, broker.registered_address, is_up=health.state in UP
    )
    findings += [] if address is None else [address]
    if health.state in UP:
        findings += [_order_stream(broker), await _order_book(broker)]
    return findings


async def _reachability(broker: Broker, transport: Transport) -> Finding:
    subject = f"{broker.name} reachability"
    if broker.health.state in UP:
        return Finding(Verdict.OK, subject, "it answers")
    if broker.rest_address is None:
        return Finding(Verdict.WARN, subject, "not known for this type of broker")
    host = urlsplit(broker.rest_address).netloc
    try:
        answer = await transport.request("GET", broker.rest_address, timeout_s=ANSWER_TIMEOUT_S)
    except ConnectionFailedError as error:
        return Finding(
            Verdict.FAIL,
            subject,
            f"{error}. Check the network, and that no firewall or proxy keeps {host} away",
        )
    if answer.status in (502, 503, 504):
        return Finding(
            Verdict.FAIL, subject, f"{host} answers with HTTP status {answer.status}: it is down, try later"
        )
    return Finding(Verdict.OK, subject, f"{host} answers")


def _login(health: BrokerHealth) -> Finding:
    subject = f"{health.broker_name} login"
    if health.state in UP:
        return Finding(Verdict.OK, subject, f"logged in as {health.account}; carries {health.role.value}")
    problem = health.problem.removeprefix(f"{health.broker_name}: ")
    if health.state is BrokerState.PARKED:
        # A login that waits for somebody else was not tried at all.
        waits = "dualbroker login" in problem or "by itself" in problem
        tail = "" if waits else " (not tried again)"
        return Finding(Verdict.FAIL, subject, f"{problem}{tail}")
    problem = problem or f"no answer within {LOGIN_TIMEOUT_S:.0f} s"
    return Finding(Verdict.FAIL, subject, f"{health.state.value}: {problem}")


def _order_stream(broker: Broker) -> Finding:
    subject = f"{broker.name} order updates"
    if broker.health.state is BrokerState.POLLING:
        return Finding(
            Verdict.OK,
            subject,
            f"read by REST every {broker.config.poll_every:g} s; orders: stream brings each step at once, if "
            "no other program needs this login's socket",
        )
    return Finding(Verdict.OK, subject, "the stream is up; an update comes when an order changes")


async def _order_book(broker: Broker) -> Finding:
    subject = f"{broker.name} order book"
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            orders = await broker.order_book()
    except TimeoutError:
        return Finding(
            Verdict.FAIL,
            subject,
            f"no answer within {ANSWER_TIMEOUT_S:.0f} s; what the order stream misses would stay missing",
        )
    except DualBrokerError as error:
        return Finding(Verdict.FAIL, subject, f"{error}; what the order stream misses would stay missing")
    strangers = {order.broker_name for order in orders} - {broker.name}
    if strangers:
        return Finding(
            Verdict.FAIL, subject, f"expected orders of {broker.name}, found those of {', '.join(strangers)}"
        )
    return Finding(Verdict.OK, subject, f"{len(orders)} orders today")


async def _quotes(manager: WebSocketManager, wall_clock: Clock) -> AsyncIterator[Finding]:
    """No price updates: the master, the subscription, the first full quote, the first tick."""
    primary = manager.primary
    if primary is None or manager.health[primary].state is not BrokerState.LIVE:
        yield Finding(
            Verdict.FAIL, "quotes", "no broker carries them: one with orders: stream has to be logged in"
        )
        return
    yield standby(manager, primary)
    subject = f"{primary} symbol masters"
    try:
        async with asyncio.timeout(MASTERS_TIMEOUT_S):
            instrument = await _first_instrument(manager)
    except TimeoutError:
        yield Finding(Verdict.FAIL, subject, f"not downloaded within {MASTERS_TIMEOUT_S:.0f} s; try again")
        return
    except DualBrokerError as error:
        yield Finding(Verdict.FAIL, subject, str(error))
        return
    known = manager.masters.instruments
    yield Finding(Verdict.OK, subject, f"{number(len(known))} instruments on {', '.join(known.exchanges)}")
    for finding in await _first_tick(manager, primary, instrument, wall_clock):
        yield finding


async def _first_instrument(manager: WebSocketManager) -> Instrument:
    """NIFTY, or any other where the broker has no such index (a recorded day)."""
    await manager.load_master("NFO")
    try:
        return (await manager.resolve(["NIFTY"]))[0]
    except (InstrumentError, ConnectionFailedError):
        return next(table.instrument(0) for table in manager.masters.instruments.tables() if len(table))


async def _first_tick(
    manager: WebSocketManager, primary: str, instrument: Instrument, wall_clock: Clock
) -> list[Finding]:
    subject = f"{primary} first tick"
    name = instrument.qualified_name
    try:
        async with asyncio.timeout(SNAPSHOT_TIMEOUT_S):
            accepted = (await manager.subscribe([instrument], holder="doctor"))[0]
    except (TimeoutError, DualBrokerError) as error:
        words = str(error) or f"no answer within {SNAPSHOT_TIMEOUT_S:.0f} s"
        return [Finding(Verdict.FAIL, subject, f"{name}: {words}")]
    if not accepted.acknowledged:
        return [
            Finding(
                Verdict.FAIL,
                subject,
                f"{name} was subscribed and not acknowledged, so no prices come. Check that the account may "
                "use market data by API, and that no other program uses this login's one socket",
            )
        ]
    ticked = asyncio.Event()
    manager.quote_listeners.append(ticked.set)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(TICK_TIMEOUT_S):
            await ticked.wait()
    return [_price(manager, subject, name, wall_clock), *_tags(manager, primary)]


def _price(manager: WebSocketManager, subject: str, name: str, wall_clock: Clock) -> Finding:
    _, rows, _ = manager.quotes.latest()
    price = f"{name} at {money(float(rows[0]['ltp']))}"
    if manager.quotes.tick_count:
        return Finding(Verdict.OK, subject, f"{price}, and ticks flow")
    market = market_state(manager, wall_clock.now_ns())
    if market["open"]:
        return Finding(
            Verdict.WARN,
            subject,
            f"{price}, but no tick within {TICK_TIMEOUT_S:.0f} s: a holiday, a market that is held, or the "
            "broker's feed is slow",
        )
    return Finding(Verdict.OK, subject, f"{price}; {market['words']}")


def _tags(manager: WebSocketManager, primary: str) -> Iterator[Finding]:
    """Quotes must carry the primary's name and come from nobody else."""
    _, _, brokers = manager.quotes.latest()
    names = {manager.quotes.broker_names[number] for number in brokers.tolist()}
    others = [name for name, health in manager.health.items() if health.unexpected_quotes]
    if names - {primary} or others:
        words = f"expected quotes of {primary} only, found those of {', '.join(sorted({*names, *others}))}"
        yield Finding(Verdict.FAIL, f"{primary} quotes", words)


def standby(manager: WebSocketManager, primary: str) -> Finding:
    """Whether a second broker with a socket is up; without one a failure costs the prices."""
    others = [name for name in manager.brokers if name != primary]
    able = [name for name in others if manager.serves(name)]
    if able:
        return Finding(
            Verdict.OK, "failover", f"if {primary} fails, {' or '.join(able)} takes the quotes over"
        )
    streaming = [name for name in others if manager.routing.machine.standing.brokers[name].can_stream]
    if streaming:
        advice = f"{', '.join(streaming)} could, and is not up"
    elif others:
        advice = f"{', '.join(others)} could with orders: stream in config.yaml"
    else:
        advice = "enable a second broker in config.yaml"
    return Finding(
        Verdict.WARN,
        "failover",
        f"if {primary} fails, no prices come until it is back: nobody stands by; {advice}",
    )

"""Plays one schedule and says what came of it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Iterable, Sequence

import msgspec

from dualbroker.chaos.changes import SourceChanges
from dualbroker.chaos.play import Faulter, Users
from dualbroker.chaos.rules import RULES, Rule, Scene, longest_bound_s
from dualbroker.chaos.schedule import Schedule
from dualbroker.chaos.shared import shared_work
from dualbroker.chaos.troubles import Troubles
from dualbroker.chaos.virtual_time import VirtualTimeLoop
from dualbroker.chaos.watch import Complaints, LogWatch, Watch
from dualbroker.chaos.world import World

__all__ = ["Moved", "Outcome", "Violation", "play"]

STILL_S = 2.0
"""The market and its traders stand still for so long before the books are compared: nothing is on its way."""
FIRST_LOOK_S = 12.0
LOOK_AGAIN_S = 15.0
STOP_WITHIN_S = 30.0
TASKS_PER_BROKER = 12
TASKS_BESIDE = 24
"""Far more than are needed; what leaks one with every reconnect or request gets there."""

logger = logging.getLogger("dualbroker")


class Violation(msgspec.Struct, frozen=True):
    """A rule that did not hold, in words."""

    rule: str
    words: str


class Moved(msgspec.Struct, frozen=True):
    """One change of the broker that carries quotes, in virtual seconds."""

    planned: bool
    detected_after_s: float | None
    gaps_s: list[float]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one run came to."""

    seed: int
    violations: tuple[Violation, ...]
    moves: tuple[Moved, ...]
    incidents: int
    ticks: int
    order_events: int
    events: int
    """Of the schedule."""
    virtual_s: float
    digest: str
    """Of all that the client sent, with its times, and of all that it took in: equal for equal runs.
    No wording is in it, so that a text can change and the digest does not."""

    @property
    def broken_rules(self) -> list[str]:
        return list(dict.fromkeys(violation.rule for violation in self.violations))


def play(schedule: Schedule, *, rules: Sequence[str] | None = None) -> Outcome:
    """Run a schedule to its end in virtual time.

    Parameters
    ----------
    rules
        Names of the rules to judge by; all unless given.
    """
    complaints = Complaints()
    log_watch = LogWatch(complaints)
    level, propagate = logger.level, logger.propagate
    # Words of thousands of orders and reconnects would take longer to write than to live through.
    logger.setLevel(logging.ERROR)
    logger.propagate = False
    logger.addHandler(log_watch)
    try:
        with shared_work(), asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            return runner.run(_play(schedule, complaints, log_watch, rules))
    finally:
        logger.removeHandler(log_watch)
        logger.setLevel(level)
        logger.propagate = propagate


async def _play(
    schedule: Schedule, complaints: Complaints, log_watch: LogWatch, names: Sequence[str] | None
) -> Outcome:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    loop.set_exception_handler(log_watch.take_from_loop)
    troubles = Troubles(schedule)
    world = World(loop, schedule)
    users = Users(world)
    changes = SourceChanges(world.universe.instruments, users.left_ns)
    watch = Watch(world, troubles, complaints, changes)
    rules = [rule for rule in RULES.values() if names is None or rule.name in names]
    faulter = Faulter(world, troubles)
    faulter.start()
    tasks = [asyncio.create_task(watch.run()), *users.start()]
    try:
        await world.manager.start()
        await asyncio.sleep(max(0.0, schedule.faults_end_s - loop.time()))
        broken = await _come_right(Scene(world, troubles, users, faulter, changes, loop.time()), rules)
        _count_tasks(world, len(tasks), complaints)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception):
            complaints.add("nothing unforeseen", f"{type(error).__name__}: {error}")
    await _stop(world, complaints)
    seen = complaints.by_rule.items()
    during = [
        Violation(rule, text) for rule, texts in seen for text in texts if names is None or rule in names
    ]
    return _outcome(world, loop.time(), (*during, *broken))


async def _come_right(scene: Scene, rules: Iterable[Rule]) -> list[Violation]:
    """Look again and again, until each rule holds or its time is up; what does not hold by then."""
    loop = asyncio.get_running_loop()
    schedule = scene.world.schedule
    pending = list(rules)
    broken: list[Violation] = []
    look_s = FIRST_LOOK_S
    while pending:
        await asyncio.sleep(max(0.0, schedule.faults_end_s + look_s - STILL_S - loop.time()))
        scene.world.simulation.stopped = True
        await asyncio.sleep(STILL_S)
        now = msgspec.structs.replace(scene, now_s=loop.time())
        left = []
        for rule in pending:
            found = [Violation(rule.name, words) for words in rule.check(now)]
            if found and look_s < rule.bound_s(schedule):
                left.append(rule)
            broken += found if look_s >= rule.bound_s(schedule) else []
        scene.world.simulation.stopped = False
        pending = left
        bounds = [rule.bound_s(schedule) for rule in pending]
        look_s = min([look_s + LOOK_AGAIN_S, *bounds]) if bounds else look_s
        assert look_s <= longest_bound_s(schedule)
    return broken


def _count_tasks(world: World, ours: int, complaints: Complaints) -> None:
    running = len(asyncio.all_tasks()) - ours - 1
    most = TASKS_BESIDE + TASKS_PER_BROKER * len(world.names)
    if running > most:
        complaints.add("nothing grows", f"{running} tasks run in the end; {most} would be many")


async def _stop(world: World, complaints: Complaints) -> None:
    before = asyncio.current_task()
    try:
        async with asyncio.timeout(STOP_WITHIN_S):
            await world.manager.stop()
    except TimeoutError:
        complaints.add("it stops", f"stop() did not return within {STOP_WITHIN_S:.0f} s")
    await asyncio.sleep(0)
    left = [task for task in asyncio.all_tasks() if task is not before]
    if left:
        what = ", ".join(sorted(getattr(task.get_coro(), "__qualname__", "?") for task in left))
        complaints.add("it stops", f"{len(left)} tasks run on after stop(): {what}")
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def _outcome(world: World, now_s: float, violations: Sequence[Violation]) -> Outcome:
    manager = world.manager
    moves = [
        Moved(move.planned, move.detected_after_s, list(move.gaps_s.values()))
        for move in manager.incidents.failovers_snapshot()
    ]
    return Outcome(
        seed=world.schedule.seed,
        violations=tuple(violations),
        moves=tuple(moves),
        incidents=manager.incidents.incident_count,
        ticks=manager.quotes.tick_count,
        order_events=manager.orders.event_count,
        events=len(world.schedule.events),
        virtual_s=now_s,
        digest=_digest(world),
    )


def _digest(world: World) -> str:
    digest = hashlib.sha256()
    for block in world.manager.quotes.blocks():
        digest.update(block.published().tobytes())
        digest.update(bytes(block.brokers[: block.count]))
    for event in world.manager.orders.events_snapshot():
        update = event.update
        words = (
            update.broker_name,
            update.order_id,
            update.receive_time_ns,
            event.status,
            event.filled_quantity,
        )
        digest.update(repr(words).encode())
    for incident in world.manager.incidents.incidents_snapshot():
        digest.update(repr((incident.number, incident.time_ns, incident.broker_name)).encode())
    digest.update(world.transport.sent.digest())
    return digest.hexdigest()

"""Plays a schedule's events: faults go on and off, one-off faults happen, users act."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from dualbroker.chaos.schedule import Fault, OneOff, UserAction
from dualbroker.chaos.troubles import Troubles
from dualbroker.chaos.world import World
from dualbroker.errors import AmbiguousInstrumentError, DualBrokerError, UnknownInstrumentError
from dualbroker.simulator.faults.faults import NO_FAULTS, as_strike

__all__ = ["Faulter", "Users"]

_TRY_AGAIN_S = 2.0
"""A user whose request failed tries again, until it succeeds."""


class Faulter:
    """Turns the faults of a schedule on and off, on the loop's own timers."""

    def __init__(self, world: World, troubles: Troubles) -> None:
        self._world = world
        self._troubles = troubles
        self._active: list[Fault] = []
        self.evictions: list[tuple[str, float]] = []
        """Broker and time of each that hit an open connection."""

    def start(self) -> None:
        """Arm everything; the loop does the rest."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        for name in self._world.names:
            self._apply(name)
        end_s = self._world.schedule.faults_end_s
        for event in self._world.schedule.events:
            if isinstance(event, Fault):
                loop.call_at(now_s + event.at_s, self._begin, event)
                loop.call_at(now_s + min(event.at_s + event.lasts_s, end_s), self._end, event)
            elif isinstance(event, OneOff):
                loop.call_at(now_s + event.at_s, self._strike, event)

    def _begin(self, fault: Fault) -> None:
        self._active.append(fault)
        for name in self._troubles.who(fault.broker):
            self._apply(name)

    def _end(self, fault: Fault) -> None:
        self._active = [each for each in self._active if each is not fault]
        for name in self._troubles.who(fault.broker):
            self._apply(name)

    def _apply(self, name: str) -> None:
        """Lay what is on now over what the broker never serves; of two faults the later one counts."""
        switches = msgspec.structs.asdict(NO_FAULTS) | self._world.schedule.limits.get(name, {})
        for fault in self._active:
            if name in self._troubles.who(fault.broker):
                switches |= fault.switches
        self._world.simulation.set_faults(name, **switches)

    def _strike(self, one_off: OneOff) -> None:
        if one_off.action == "evict":
            now_s = asyncio.get_running_loop().time()
            for broker in self._world.simulation.brokers:
                is_meant = broker.name in self._troubles.who(one_off.broker)
                if is_meant and any(session.account is not None for session in broker.sessions):
                    self.evictions.append((broker.name, now_s))
        fields = {"action": one_off.action, "code": one_off.code, "reason": one_off.reason}
        self._world.simulation.strike(one_off.broker, as_strike(fields))


class Users:
    """Everybody who holds subscriptions, and what each of them should hold by now."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._manager = world.manager
        self.wanted: dict[str, dict[str, bool]] = {}
        """By qualified name: holder to whether it wants depth; only what was granted."""
        self.waiting: dict[str, str] = {}
        """By holder: the request that is not granted yet, and the last reason why."""
        self.left_ns: dict[str, int] = {}
        """By qualified name: when the last holder released it (UTC ns)."""
        self.refused_for_good: list[str] = []
        lacking = {symbol for each in world.schedule.limits.values() for symbol in each.get("lacks", ())}
        self.uncertain: set[str] = set()
        """Wanted by the config, and not in every broker's symbol master: names are looked up at the broker
        that carries quotes at that moment, and one that it lacks is refused, and said."""
        for name in world.schedule.settings.get("subscribe", []):
            if name.partition(":")[2] in lacking:
                self.uncertain.add(name)
            else:
                self._hold(name, "config", depth=False)

    def start(self) -> list[asyncio.Task[None]]:
        """One task for each holder, and one for each request of nobody's."""
        by_holder: dict[str, list[UserAction]] = {}
        for number, event in enumerate(self._world.schedule.events):
            if isinstance(event, UserAction):
                by_holder.setdefault(event.holder or f"request {number}", []).append(event)
        return [asyncio.create_task(self._live(actions)) for actions in by_holder.values()]

    async def _live(self, actions: Sequence[UserAction]) -> None:
        loop = asyncio.get_running_loop()
        for action in actions:
            await asyncio.sleep(max(0.0, action.at_s - loop.time()))
            await self._do(action)

    async def _do(self, action: UserAction) -> None:
        if action.action in ("set_quote_source", "reconcile"):
            await self._ask_once(action)
            return
        while True:
            self.waiting[action.holder] = action.action
            try:
                await self._request(action)
            except (UnknownInstrumentError, AmbiguousInstrumentError) as error:
                # An option that has expired meanwhile: the request was refused whole, and stays refused.
                self.refused_for_good.append(str(error))
                break
            except DualBrokerError as error:
                self.waiting[action.holder] = f"{action.action}: {error}"
                await asyncio.sleep(_TRY_AGAIN_S)
            else:
                self._note(action)
                break
        del self.waiting[action.holder]

    async def _ask_once(self, action: UserAction) -> None:
        """What a user may be refused with a reason, and does not insist on."""
        work = (
            self._manager.reconcile()
            if action.action == "reconcile"
            else self._manager.set_quote_source(action.broker)
        )
        try:
            await work
        except DualBrokerError:
            return

    async def _request(self, action: UserAction) -> None:
        names = list(action.names)
        if action.action == "subscribe":
            await self._manager.subscribe(names, depth=action.depth, holder=action.holder)
        elif action.action == "unsubscribe":
            await self._manager.unsubscribe(names, holder=action.holder)
        else:
            await self._manager.release(action.holder)

    def _note(self, action: UserAction) -> None:
        if action.action == "subscribe":
            for name in action.names:
                self._hold(name, action.holder, depth=action.depth)
            return
        gone = action.names if action.action == "unsubscribe" else list(self.wanted)
        for name in gone:
            holders = self.wanted.get(name, {})
            holders.pop(action.holder, None)
            if not holders:
                self.wanted.pop(name, None)
                self.left_ns[name] = self._world.clock.now_ns()

    def _hold(self, name: str, holder: str, *, depth: bool) -> None:
        self.wanted.setdefault(name, {})[holder] = depth

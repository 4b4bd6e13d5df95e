"""Watches over market data: a source that is open and mute, an instrument that its broker leaves silent.

Nothing here is on a tick's way: every moment it looks at what the stores have counted. What silence means
is asked of the market itself, by REST, at the source and at a broker that stands by.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from dualbroker.brokers.base import Broker
from dualbroker.clock import Clock
from dualbroker.config.schema import LivenessConfig
from dualbroker.errors import DualBrokerError, SessionExpiredError
from dualbroker.liveness import MarketEvidence, silent_among_fellows
from dualbroker.manager.instruments.mapping import InstrumentMapping
from dualbroker.market_hours import MarketHours, Phase
from dualbroker.model import InstrumentKey, MessageKind
from dualbroker.routing.driver import Routing
from dualbroker.stores.bandwidth import BandwidthStore
from dualbroker.stores.incidents import IncidentStore
from dualbroker.stores.merging import in_units
from dualbroker.stores.quotes import QuoteStore

__all__ = ["QuoteWatch"]

logger = logging.getLogger("dualbroker")

LOOKS_PER_LIMIT = 10
LONGEST_LOOK_S = 0.5
INSTRUMENTS_ASKED = 3
"""Of a silent source, in one probe: those that ticked last, for they are the liveliest; from the second
probe on the last of them gives way to one of the others, in turn."""
LONGEST_PROBE_PAUSE_S = 60.0
PROBE_TIMEOUT_S = 5.0
SINGLE_PROBE_EVERY_S = 5.0
REMARKABLE_PAUSE_S = 60.0
"""Of the whole market; shorter ones are everyday life where only a few instruments are subscribed."""
PROOFS_NEEDED = 2
"""Of one instrument, before its broker is said to leave it silent: one answer can be a mistake."""


class _Silence(msgspec.Struct):
    """What is known of one source's stream."""

    messages: int = -1
    heard_s: float = 0.0
    """Loop time of its last quote message, or of when it was first looked at."""
    next_probe_s: float = 0.0
    pause_s: float = 0.0
    probes: int = 0
    probe: asyncio.Task[None] | None = None
    told: str = ""
    """What was said of it already; empty before that."""
    evidence: MarketEvidence = msgspec.field(default_factory=MarketEvidence)


class QuoteWatch:
    """Looks after every broker that streams quotes; runs until cancelled."""

    def __init__(
        self,
        routing: Routing,
        brokers: Mapping[str, Broker],
        *,
        quotes: QuoteStore,
        bandwidth: BandwidthStore,
        incidents: IncidentStore,
        mapping: InstrumentMapping,
        market_hours: MarketHours,
        clock: Clock,
        wall_clock: Clock,
        limits: LivenessConfig,
    ) -> None:
        self._routing = routing
        self._machine = routing.machine
        self._brokers = brokers
        self._quotes = quotes
        self._bandwidth = bandwidth
        self._incidents = incidents
        self._mapping = mapping
        self._market_hours = market_hours
        self._clock = clock
        self._wall_clock = wall_clock
        self._limits = limits
        self._silences: dict[str, _Silence] = {}
        self._last_rows: NDArray[np.int64] = np.empty(0, np.int64)
        self._ticked_s: NDArray[np.float64] = np.empty(0)
        self._since_s: NDArray[np.float64] = np.empty(0)
        self._tick_counts: NDArray[np.int64] = np.empty(0, np.int64)
        """Of each instrument, since its last full quote: one is all that a broker brings of some."""
        self._rows_seen = 0
        self._active_s = 0.0
        """Time in which quotes flowed: what all are silent in is no instrument's own silence."""
        self._looked_s: float | None = None
        self._flowed_s = 0.0
        self._proofs: dict[int, int] = {}
        self._single_evidence = MarketEvidence()
        self._next_single_s = 0.0
        self._single: asyncio.Task[None] | None = None
        self._failures: set[str] = set()
        self._opened: set[str] = set()
        self._seen: set[str] = set()

    async def run(self) -> None:
        """Look every moment, for as long as the feed runs."""
        look_s = min(LONGEST_LOOK_S, self._limits.quotes_silent_after / LOOKS_PER_LIMIT)
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    self._look(loop.time())
                except Exception as error:
                    self._say_failed(error)
                await asyncio.sleep(look_s)
        finally:
            probes = [silence.probe for silence in self._silences.values()]
            for task in (*probes, self._single):
                if task is not None:
                    task.cancel()

    def _look(self, now_s: float) -> None:
        self._routing.check()
        self._note_ticks(now_s)
        self._look_at_openings()
        sources = self._machine.moves.sources
        for name in [name for name in self._silences if name not in sources]:
            self._end(name)
        for name in sources:
            self._look_at(name, now_s)
        self._look_at_single(now_s)

    def _say_failed(self, error: Exception) -> None:
        """A fault of ours, once for each kind; the watch goes on, for nothing else notices a mute source."""
        kind = type(error).__name__
        if kind not in self._failures:
            self._failures.add(kind)
            words = f"the watch over quotes failed in an unforeseen way: {kind}"
            logger.exception("%s", words)
            self._incidents.note(self._clock.now_ns(), None, words, "it goes on looking")

    def _look_at_openings(self) -> None:
        """What brokers left unacknowledged or silent before a market opened is asked for when it does."""
        exchanges = set(self._machine.holders.exchanges)
        now_ns = self._clock.now_ns()
        opened = {exchange for exchange in exchanges if self._market_hours.is_open(exchange, now_ns)}
        if (opened - self._opened) & self._seen:
            self._routing.carry_out(self._machine.retry_refused(self._routing.now()))
        self._opened, self._seen = opened, exchanges

    def _end(self, name: str) -> None:
        silence = self._silences.pop(name)
        if silence.probe is not None:
            silence.probe.cancel()

    # A source that is silent altogether

    def _look_at(self, name: str, now_s: float) -> None:
        silence = self._silences.setdefault(name, _Silence(heard_s=now_s))
        messages = self._bandwidth.messages(name, MessageKind.QUOTES)
        if messages != silence.messages or not self._is_any_continuous(name):
            if silence.told and messages != silence.messages:
                self._incidents.note(self._clock.now_ns(), name, "quotes flow again", "nothing was moved")
            silence.messages, silence.heard_s = messages, now_s
            silence.pause_s, silence.next_probe_s, silence.probes = 0.0, 0.0, 0
            silence.told = ""
            silence.evidence.clear()
            return
        silent_s = now_s - silence.heard_s
        is_asked = silence.probe is not None and not silence.probe.done()
        if silent_s < self._limits.quotes_silent_after or is_asked or now_s < silence.next_probe_s:
            return
        # The second look follows the first soon: two answers that differ prove that the market moves.
        silence.next_probe_s = now_s + (silence.pause_s or min(self._limits.probe_every, silent_s))
        silence.pause_s = min(LONGEST_PROBE_PAUSE_S, max(self._limits.probe_every, silence.pause_s * 1.5))
        keys = self._in_continuous_trading(name)
        silence.probe = asyncio.create_task(self._probe(name, keys, silence))

    async def _probe(self, name: str, keys: list[InstrumentKey], silence: _Silence) -> None:
        """Ask the market whether it moves, at the silent source and at one broker that stands by."""
        ranked = np.argsort(-self._quotes.last_rows()[self._indices(keys)], kind="stable")
        liveliest = [keys[place] for place in ranked[:INSTRUMENTS_ASKED]]
        others = ranked[INSTRUMENTS_ASKED:]
        if silence.probes and len(others):
            liveliest[-1] = keys[others[(silence.probes - 1) % len(others)]]
        silence.probes += 1
        asked = [
            name,
            *[other for other in self._brokers if other != name and self._machine.standing.serves(other)][:1],
        ]
        since_s = silence.heard_s
        questions = {
            asyncio.create_task(self._ask(who, key, silence.evidence)): who
            for who in asked
            for key in liveliest
        }
        has_stood_still = False
        try:
            # The first answer counts: a source that is gone answers by REST no sooner than otherwise.
            while questions:
                done, _ = await asyncio.wait(questions, return_when=asyncio.FIRST_COMPLETED)
                if silence.heard_s != since_s or not self._machine.standing.serves(name):
                    return
                silent_s = asyncio.get_running_loop().time() - since_s
                for question in [each for each in questions if each in done]:
                    witness, answer = questions.pop(question), question.result()
                    if answer is True:
                        why = f"no quote came for {silent_s:.1f} s while the market moves, as {witness} shows"
                        self._mark_stale(name, why)
                        return
                    if isinstance(answer, SessionExpiredError) and witness == name:
                        why = f"its session has ended, and no quote came for {silent_s:.1f} s: {answer}"
                        self._mark_stale(name, why, renew_session=True)
                        return
                    has_stood_still |= answer is False
        finally:
            for question in questions:
                question.cancel()
        if silent_s < REMARKABLE_PAUSE_S:
            return
        why = "the market does not move" if has_stood_still else "nobody answers whether the market moves"
        if why != silence.told:
            silence.told = why
            words = f"no quote came for {silent_s:.1f} s, and {why}"
            self._incidents.note(self._clock.now_ns(), name, words, "nothing is moved; it is asked on")

    def _mark_stale(self, name: str, why: str, *, renew_session: bool = False) -> None:
        now = self._routing.now()
        self._routing.carry_out(self._machine.stale(name, why, now, renew_session=renew_session))

    async def _ask(
        self, name: str, key: InstrumentKey, evidence: MarketEvidence
    ) -> bool | SessionExpiredError | None:
        """Whether an instrument has moved without the stream; None where that could not be learnt."""
        there = self._machine.keys.at(name, key)
        if there is None:
            return None
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                answer = await self._brokers[name].quote(there)
        except SessionExpiredError as error:
            return error
        except (DualBrokerError, TimeoutError) as error:
            logger.debug("%s: no answer about %s: %s", name, key, error)
            return None
        index = self._index(key)
        unit = self._quotes.instruments[index].quote_unit
        if unit != 1:
            answer = in_units(answer, unit)
        return evidence.has_moved(name, key, answer, self._quotes.volume(index))

    def _is_any_continuous(self, name: str) -> bool:
        """Whether a broker streams anything that should tick. Asked every moment: it does not go through
        the instruments, unless an auction is all that is left of the day."""
        phases = self._phases(name).values()
        return Phase.CONTINUOUS in phases or (
            Phase.AUCTION in phases and bool(self._in_continuous_trading(name))
        )

    def _in_continuous_trading(self, name: str) -> list[InstrumentKey]:
        """What a broker streams and should tick; nothing of one that does not serve."""
        phases = self._phases(name)
        keys = self._machine.moves.streamed_by(name) if phases else []
        if all(phase is Phase.CONTINUOUS for phase in phases.values()):
            return keys
        now_ns = self._wall_clock.now_ns()
        return [key for key in keys if self._is_continuous(key, phases[key[0]], now_ns)]

    def _phases(self, name: str) -> dict[str, Phase]:
        """Of the exchanges whose instruments a broker streams; none of one that does not serve.

        In a pre-open session or an auction quotes come when they like: their absence proves nothing.
        """
        if not self._machine.standing.serves(name):
            return {}
        now_ns = self._wall_clock.now_ns()
        exchanges = self._machine.moves.exchanges_of(name)
        return {exchange: self._market_hours.phase(exchange, now_ns) for exchange in exchanges}

    def _is_continuous(self, key: InstrumentKey, phase: Phase, now_ns: int) -> bool:
        if phase is not Phase.AUCTION:
            return phase is Phase.CONTINUOUS
        # Shares without derivatives trade on beside the others' closing auction.
        if self._mapping.has_derivatives(self._quotes.instruments[self._index(key)]) is not False:
            return False
        return self._market_hours.phase(key[0], now_ns, has_auction=False) is Phase.CONTINUOUS

    # One instrument that is silent among others that tick

    def _note_ticks(self, now_s: float) -> None:
        rows = self._quotes.last_rows()
        passed_s = 0.0 if self._looked_s is None else now_s - self._looked_s
        self._looked_s = now_s
        if self._quotes.total_rows != self._rows_seen:
            self._flowed_s = now_s
        if now_s - self._flowed_s < self._limits.quotes_silent_after:
            self._active_s += passed_s
        fresh = len(rows) - len(self._last_rows)
        if fresh:
            self._last_rows = np.concatenate([self._last_rows, np.full(fresh, -1, np.int64)])
            self._ticked_s = np.concatenate([self._ticked_s, np.full(fresh, self._active_s)])
            self._since_s = np.concatenate([self._since_s, np.full(fresh, self._active_s)])
            self._tick_counts = np.concatenate([self._tick_counts, np.zeros(fresh, np.int64)])
        self._ticked_s[rows != self._last_rows] = self._active_s
        self._last_rows = rows
        for block, start, stop in self._quotes.rows_since(self._rows_seen):
            indices = np.frombuffer(block.instruments, np.int32)[start:stop]
            is_full = np.frombuffer(block.snapshots, np.bool_)[start:stop]
            fulls = np.full(max(len(rows), indices.max(initial=-1) + 1), -1)
            fulls[indices[is_full]] = np.flatnonzero(is_full)  # of several, the last one stays
            begun = np.flatnonzero(fulls[: len(rows)] >= 0)
            self._tick_counts[begun], self._since_s[begun] = 0, self._active_s
            later = indices[np.arange(len(indices)) > fulls[indices]]
            self._tick_counts += np.bincount(later, minlength=len(rows))[: len(rows)]
            self._rows_seen = block.first + stop

    def _look_at_single(self, now_s: float) -> None:
        is_asked = self._single is not None and not self._single.done()
        if is_asked or now_s < self._next_single_s:
            return
        self._next_single_s = now_s + min(SINGLE_PROBE_EVERY_S, self._limits.instrument_silent_after / 2)
        for name in self._machine.moves.sources:
            silence = self._silences.get(name)
            # Of a source that says nothing at all the other watch takes care.
            if silence is None or now_s - silence.heard_s > self._limits.quotes_silent_after / 2:
                continue
            suspects = self._suspects(self._in_continuous_trading(name))
            if suspects:
                self._single = asyncio.create_task(self._probe_single(name, suspects))
                return

    def _suspects(self, keys: list[InstrumentKey]) -> list[int]:
        indices = np.sort(self._indices(keys))
        indices = indices[indices < len(self._ticked_s)]
        counts = self._tick_counts[indices]
        usual_s = np.where(counts > 0, (self._active_s - self._since_s[indices]) / (1 + counts), 0.0)
        silent_s = self._active_s - self._ticked_s[indices]
        places = silent_among_fellows(silent_s, usual_s, self._limits.instrument_silent_after)
        found = indices[places].tolist()
        # Those once found healthy come last, so that all have their turn.
        return sorted(found, key=lambda index: self._proofs.get(index, 0), reverse=True)[:INSTRUMENTS_ASKED]

    async def _probe_single(self, name: str, indices: list[int]) -> None:
        for index in indices:
            key = self._quotes.instruments[index].key
            last_row = self._last_rows[index]
            answer = await self._ask(name, key, self._single_evidence)
            if self._quotes.last_rows()[index] != last_row or self._machine.moves.target_of(key) != name:
                self._proofs.pop(index, None)
                continue
            # Half a step down for innocence: asked again, but after those that were never asked.
            self._proofs[index] = self._proofs.get(index, 0) + 1 if answer is True else -1
            if self._proofs[index] >= PROOFS_NEEDED:
                self._refuse_silent(name, index)

    def _refuse_silent(self, name: str, index: int) -> None:
        """Take a silent instrument away from its broker, and with it those that never ticked there either.

        A broker that serves only its first hundred instruments leaves all others silent at once (protocol:
        section 4); asking for each by REST would take minutes.
        """
        self._proofs.pop(index, None)
        keys = [self._quotes.instruments[index].key]
        total = len(self._machine.moves.streamed_by(name))
        if not self._tick_counts[index]:
            keys += [
                key
                for key in self._machine.moves.streamed_by(name)
                if not self._tick_counts[self._index(key)] and key not in keys
            ]
        words = f"streams {total - len(keys)} of {total} instruments, silent are"
        now = self._routing.now()
        self._routing.carry_out(self._machine.refused(name, keys, words, now, are_silent=True))

    def _indices(self, keys: list[InstrumentKey]) -> NDArray[np.int64]:
        return np.array([self._quotes.index_of(key) for key in keys], np.int64)

    def _index(self, key: InstrumentKey) -> int:
        index = self._quotes.index_of(key)
        assert index is not None, "what is streamed is registered"
        return index

"""Coarse and lossy quotes: what is put together, when it comes, and what is left out."""

from __future__ import annotations

import asyncio
import json
import random
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dualbroker.clock import NS_PER_S
from dualbroker.simulator.faults.faults import Faults
from dualbroker.simulator.faults.quote_faults import QuoteFaults
from dualbroker.simulator.wire.framing import payload_of, text_frame

from ..fault_scene import SHARE_KEY, Scene, play

KEY = {"e": "NSE", "tk": "2885"}


def frame(kind: str, **fields: str) -> bytes:
    return text_frame(json.dumps({"t": kind, **KEY, **fields}).encode())


def told(frames: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(payload_of(each)) for each in frames]


def ns(seconds: float) -> int:
    return round(seconds * NS_PER_S)


def test_without_such_faults_frames_pass_as_they_are() -> None:
    frames = [frame("tf", lp="1"), frame("om")]
    assert QuoteFaults(random.Random(1)).pass_on(frames, Faults(), 0) is frames


def test_a_coarse_broker_tells_once_a_period_all_that_changed() -> None:
    quotes, coarse = QuoteFaults(random.Random(1)), Faults(conflate_s=1.0)
    come: list[tuple[float, dict[str, Any]]] = []
    for step in range(400):
        now = step / 100
        frames = [frame("tf", v=str(step), **({"lp": str(step)} if step % 2 else {}))] if step < 300 else []
        come += [(now, each) for each in told(quotes.pass_on(frames, coarse, ns(now)))]
    times = [time for time, _ in come]
    assert {round(later - time, 2) for time, later in pairwise(times)} == {1.0}
    for time, each in come[:-1]:
        # The step at the moment itself belongs to the next one.
        assert int(each["v"]) == round(time * 100) - 1
        assert int(each["lp"]) in (int(each["v"]), int(each["v"]) - 1)
    assert come[-1][1]["v"] == "299"


def test_a_phase_moves_the_moments() -> None:
    def moment(phase: float) -> float:
        quotes, coarse = QuoteFaults(random.Random(1)), Faults(conflate_s=1.0, conflate_phase=phase)
        quotes.pass_on([frame("tf", v="1")], coarse, ns(10))
        return next(t / 100 for t in range(1001, 1200) if quotes.pass_on([], coarse, ns(t / 100)))

    assert round((moment(0.0) - moment(0.25)) % 1, 2) == 0.25


def test_a_snapshot_an_order_and_an_acknowledgement_do_not_wait() -> None:
    quotes, coarse = QuoteFaults(random.Random(1)), Faults(conflate_s=5.0)
    assert quotes.pass_on([frame("tf", lp="1")], coarse, ns(100)) == []
    at_once = [frame("tk", lp="2"), frame("om"), frame("uk")]
    assert quotes.pass_on(at_once, coarse, ns(100.1)) == at_once
    # The snapshot said it all.
    assert quotes.pass_on([], coarse, ns(200)) == []


def test_what_is_held_back_comes_when_the_fault_is_over() -> None:
    quotes = QuoteFaults(random.Random(1))
    quotes.pass_on([frame("df", bp2="1")], Faults(conflate_s=60.0), ns(1))
    assert [each["bp2"] for each in told(quotes.pass_on([], Faults(), ns(1.1)))] == ["1"]


@given(st.floats(0.05, 0.9), st.integers(0, 100))
def test_what_a_skipped_update_told_comes_with_the_next_one(share: float, seed: int) -> None:
    quotes, lossy = QuoteFaults(random.Random(seed)), Faults(skip_quotes=share)
    known: dict[str, str] = {}
    truth: dict[str, str] = {}
    sent = 0
    for step in range(200):
        changes = {"v": str(step)} | ({"lp": str(step)} if step % 7 == 0 else {})
        truth |= changes
        frames = told(quotes.pass_on([frame("tf", **changes)], lossy, ns(step)))
        for each in frames:
            known |= each
            assert truth.items() <= known.items()
        sent += len(frames)
    assert abs(sent / 200 - (1 - share)) < 0.15


def test_a_connection_to_a_coarse_broker_hears_less_and_the_last_of_all() -> None:
    async def story(scene: Scene) -> None:
        scene.set(conflate_s=2.0)
        for price in range(101, 121):
            await scene.tick(ltp=float(price))
        await asyncio.sleep(2.5)
        heard = [each["lp"] for each in scene.heard() if each["tk"] == SHARE_KEY[1]]
        assert len(heard) in (2, 3)
        assert heard[-1] == "120.00"

    play(story)


def test_what_is_not_subscribed_any_more_is_not_told() -> None:
    async def story(scene: Scene) -> None:
        from dualbroker.model import FeedType
        from dualbroker.noren import frames

        scene.set(conflate_s=2.0)
        await scene.tick(ltp=101.0)
        scene.heard()
        scene.websocket.send(frames.unsubscribe([SHARE_KEY], FeedType.TOUCHLINE))
        await asyncio.sleep(5)
        assert scene.kinds() == ["uk"]

    play(story)

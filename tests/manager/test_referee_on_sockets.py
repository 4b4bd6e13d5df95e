"""The table of the comparison against what the simulator was told, on real sockets."""

from __future__ import annotations

import asyncio

import pytest

from dualbroker.config import Config
from dualbroker.config.schema import demo_config
from dualbroker.frames.comparison import comparison_words
from dualbroker.manager import WebSocketManager
from dualbroker.manager.referee import ComparedBroker

SECONDS = 20.0
TOLD = {
    "broker1": {},
    "broker2": {"delay_s": 0.3},
    "broker3": {"conflate_s": 1.0, "conflate_phase": 0.4},
    "broker4": {"conflate_s": 0.5, "delay_s": 0.2},
}
EXPECTED_LAG_S = {"broker2": 0.3, "broker3": 0.5, "broker4": 0.45}


def config(seed: int) -> Config:
    made = demo_config(len(TOLD), seed=seed, ticks_per_second=1_000, faults=TOLD)
    # The primary carries many quotes, the others only the sample.
    return made.model_copy(update={"ticks": made.ticks.model_copy(update={"gather": 0.0})})


async def measured(seed: int) -> list[ComparedBroker]:
    async with WebSocketManager(config(seed)) as manager:
        await asyncio.sleep(3)
        await manager.begin_comparison(SECONDS)
        await asyncio.sleep(SECONDS + 0.5)
        return await manager.comparison()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_the_figures_are_those_that_the_simulator_was_told(seed: int) -> None:
    results = asyncio.run(measured(seed))
    print(f"\nseed {seed}\n{comparison_words(results)}")
    found = {each.broker_name: each.figures for each in results}
    assert set(found) == set(TOLD)
    for name, expected in EXPECTED_LAG_S.items():
        lag, error = found[name].lag, found[name].lag_error
        print(
            f"{name}: told {expected:.3f} s, found {lag:.3f} ± {error:.3f} s, {found[name].points:.0f} points"
        )
        assert abs(lag - expected) <= max(0.010, 0.1 * expected, 3 * error)
    assert found["broker2"].resolution > 0.98
    assert found["broker3"].resolution < found["broker4"].resolution < 0.98
    assert all(figures.stalls == 0 for figures in found.values())

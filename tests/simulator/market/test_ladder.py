from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dualbroker.model import DEPTH_LEVELS
from dualbroker.simulator.market.ladder import ladder


@given(st.integers(1, 10_000), st.integers(1, 500), st.integers(1, 75), st.integers(0, 3_000))
def test_five_levels_that_step_down_to_nothing(ticks: int, lots: int, lot_size: int, salt: int) -> None:
    price, quantity = round(ticks * 0.05, 2), float(lots * lot_size)
    levels = ladder(price, quantity, step=-0.05, lot_size=lot_size, salt=salt)
    assert len(levels) == DEPTH_LEVELS
    assert (levels[0].price, levels[0].quantity) == (price, quantity)
    for number, level in enumerate(levels):
        if ticks - number > 0:
            assert level.price == round((ticks - number) * 0.05, 2)
            assert level.quantity
            assert level.quantity % lot_size == 0
            assert level.orders
        else:
            assert (level.price, level.quantity, level.orders) == (0.0, 0.0, 0.0)

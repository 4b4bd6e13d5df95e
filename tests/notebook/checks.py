"""What must hold while a notebook runs. The notebooks are for people; a test adds this behind their cells.

A check takes the notebook's own names. It runs in its kernel, right after the cell whose id it stands under.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from dualbroker import ConfigError
from tests.polling import wait_until

__all__ = ["CHECKS", "check", "with_checks"]

Names: TypeAlias = dict[str, Any]


def _is_made_up(feed: Any) -> bool:
    """Whether all that is asked for must come; in a recorded or real market it may be closed or thin."""
    try:
        return bool(feed.mode == "SIMULATED" and feed.config.simulator.market == "synthetic")
    except ConfigError:  # of a running service, which keeps its config to itself
        return False


def _chain(names: Names) -> None:
    frame = names["frame"]
    assert frame.index.is_monotonic_increasing
    if _is_made_up(names["feed"]):
        # No volatility gives a price below what an option is worth at once: it is unknown then.
        implied = frame.filter(regex="_(iv|delta|gamma|theta|vega)$").columns
        assert frame.drop(columns=implied).notna().all().all()
        assert abs(frame.attrs["at_the_money"] - frame.attrs["underlying_ltp"]) <= 25


def _ticks(names: Names) -> None:
    feed, ticks = names["feed"], names["ticks"]
    assert ticks.index.is_monotonic_increasing
    assert ticks["broker_name"].nunique() <= 1 or len(feed.failovers)
    if _is_made_up(feed):
        wait_until(lambda: len(feed.ticks(names["NAME"])) >= 5)


def _bars(names: Names) -> None:
    bars = names["feed"].bars(names["NAME"], "2s")
    assert (bars["low"] <= bars["high"]).all()
    if _is_made_up(names["feed"]):
        assert len(bars)


def _orders(names: Names) -> None:
    feed = names["feed"]
    if _is_made_up(feed):
        wait_until(lambda: set(feed.orders["broker_name"]) == set(feed.brokers.index))


def _lives(names: Names) -> None:
    if _is_made_up(names["feed"]):
        assert (names["lives"] >= 0).all()
        assert set(names["lives"].index.get_level_values("broker_name")) <= set(names["feed"].brokers.index)


def _sheets(names: Names) -> None:
    sheets = names["sheets"]
    assert sheets.loc["ticks", "rows"] <= 2_000
    assert sheets.loc["quotes", "rows"] == len(names["feed"].quotes)


def _sudden(names: Names) -> None:
    failovers = names["feed"].failovers
    assert len(failovers) == 2
    assert (failovers["uncovered"] == 0).all()
    assert (failovers["from_broker"] != failovers["to_broker"]).all()
    assert failovers["to_broker"].iloc[-1] == names["feed"].primary


def _mute(names: Names) -> None:
    failover = names["feed"].failovers.iloc[-1]
    assert failover["detected_after"] >= 4.9
    assert failover["to_broker"] == names["feed"].primary


def _back(names: Names) -> None:
    feed = names["feed"]
    assert feed.primary == names["other"]
    moved = feed.failovers.iloc[-1]
    assert moved["planned"]
    assert moved["uncovered"] == 0
    before = len(feed.ticks("NIFTY"))
    wait_until(lambda: len(feed.ticks("NIFTY")) > before)


def _picture(names: Names) -> None:
    feed = names["feed"]
    picture = names["plot_failovers"](feed, feed.failovers["number"])
    assert {trace.name for trace in picture.figure.data} == set(feed.brokers.index)


def _gaps(names: Names) -> None:
    feed = names["feed"]
    gaps = feed.gaps()
    assert (~feed.failovers["planned"]).sum() >= 3
    assert gaps["covered"].all()
    assert (gaps["gap"] >= 0).all()
    assert (gaps.groupby("number").size() == feed.failovers.set_index("number")["instruments"]).all()


def _incidents(names: Names) -> None:
    incidents = names["feed"].incidents
    assert len(incidents) >= 3
    assert incidents["cause"].str.len().gt(0).all()


def _one_source(names: Names) -> None:
    assert names["changes"] == len(names["feed"].failovers)
    assert names["ticks"].index.is_monotonic_increasing


def _same_work(names: Names) -> None:
    measured = names["measured"]
    assert measured.ok, measured.checks[~measured.checks["ok"]]


def _savings(names: Names) -> None:
    savings = names["savings"]
    assert (savings["quote_bytes_percent"] - savings["formula_percent"]).abs().max() < 1


def _traffic(names: Names) -> None:
    by_kind = names["by_kind"]
    assert (by_kind.loc["optimised", "quotes"] > 0).sum() == 1, "one broker brings prices"
    assert (by_kind["orders"] > 0).all(), "every broker brings its orders"


def _instruments(names: Names) -> None:
    each = names["each"]
    assert 0 < len(each) <= names["SYMBOLS"], "one that did not tick in that time is not listed"
    ratio = (each["naive"] / each["optimised"]).round(3)
    assert ratio.eq(names["LOOKED_AT"]).all(), "each, not only their sum"


def _cost(names: Names) -> None:
    cost = names["cost"]
    assert (cost["bytes", "naive"] / cost["bytes", "optimised"]).round(2).tolist() == names["BROKERS"]


CHECKS: dict[str, dict[str, Callable[[Names], None]]] = {
    "monitor": {
        "code-11": _chain,
        "code-13": _ticks,
        "code-14": _bars,
        "code-16": _orders,
        "code-19": _lives,
        "code-21": _sheets,
    },
    "failover": {
        "closed": _sudden,
        "mute": _mute,
        "back": _back,
        "picture": _picture,
        "gaps": _gaps,
        "incidents": _incidents,
        "one-source": _one_source,
    },
    "savings": {
        "checks": _same_work,
        "savings": _savings,
        "traffic": _traffic,
        "instruments": _instruments,
        "cost": _cost,
    },
}


def check(notebook: str, cell_id: str, names: Names) -> None:
    """Make the check of one cell; what a check's cell calls."""
    CHECKS[notebook][cell_id](names)


def with_checks(notebook: NotebookNode, name: str) -> NotebookNode:
    """A notebook with a cell more behind each one that there is a check for."""
    cells = []
    missing = set(CHECKS[name])
    for cell in notebook.cells:
        cells.append(cell)
        if cell.id in missing:
            missing.remove(cell.id)
            source = f"from tests.notebook.checks import check\ncheck({name!r}, {cell.id!r}, globals())"
            added = new_code_cell(source, id=f"check-of-{cell.id}")
            cells.append(added)
    assert not missing, f"expected cells with these ids, found none: {sorted(missing)}"
    return NotebookNode({**notebook, "cells": cells})

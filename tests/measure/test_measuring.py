"""The measurement as a person calls it, in a short form against real processes; and its frames."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import psutil
import pytest

import dualbroker
from dualbroker.errors import ConfigError
from dualbroker.measure import progress
from dualbroker.measure.measured import MESSAGE_TYPES, MeasuredSavings
from tests.polling import wait_until

DEPTH = 4


class Shown:
    """What a person saw of the progress."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.shares: list[float] = []

    def show(self, words: str, share: float) -> None:
        self.words.append(words)
        self.shares.append(share)

    def finish(self, words: str) -> None:
        self.words.append(words)


SHOWN = Shown()


@pytest.fixture(scope="module")
def measured() -> MeasuredSavings:
    """With one broker and with three, from where a loop is running already, as in a notebook."""

    async def cell() -> MeasuredSavings:
        return dualbroker.measure_savings([1, 3], symbols=16, depth=DEPTH, ticks_per_second=600, seconds=1.5)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dualbroker.measure.measuring.progress_for_here", lambda: SHOWN)
        return asyncio.run(cell())


def test_the_quotes_that_were_saved_are_those_of_the_other_brokers(measured: MeasuredSavings) -> None:
    assert measured.ok, measured.checks[~measured.checks["ok"]]
    savings = measured.savings
    assert savings.index.tolist() == [1, 3]
    assert savings["quote_bytes_percent"].tolist() == pytest.approx([0, 66.67], abs=0.01)
    assert savings["formula_percent"].tolist() == pytest.approx([0, 100 * 2 / 3])
    assert 0 < savings["all_bytes_percent"].iloc[-1] < 66.67


def test_it_shows_how_far_it_is(measured: MeasuredSavings) -> None:
    assert SHOWN.shares == sorted(SHOWN.shares)
    assert all("SIMULATED" in words for words in SHOWN.words)
    assert any("3 brokers" in words for words in SHOWN.words)
    assert "measured with 1, 3 brokers" in SHOWN.words[-1]


def test_every_frame_adds_up_to_the_same(measured: MeasuredSavings) -> None:
    keys = ["brokers", "plan"]
    plans, traffic, types = measured.plans, measured.traffic, measured.message_types
    by_kind = traffic.pivot_table(index=keys, columns="kind", values="bytes", aggfunc="sum")
    assert (by_kind["quotes"] == plans["quote_bytes"]).all()
    assert (by_kind["orders"] == plans["order_bytes"]).all()
    types = types[types["when"] == "measured"]
    quotes = types[types["type"].isin(["tf", "df"])]
    assert quotes.groupby(keys)["bytes"].sum().tolist() == plans["quote_bytes"].tolist()
    assert types[types["type"] == "om"].groupby(keys)["bytes"].sum().tolist() == plans["order_bytes"].tolist()
    instruments = measured.instruments
    assert instruments.groupby(keys)["bytes"].sum().tolist() == plans["quote_bytes"].tolist()
    assert instruments.groupby(keys)["ticks"].sum().tolist() == plans["ticks"].tolist()
    assert (traffic["bytes_per_second"] * plans["seconds"].iloc[0]).max() == pytest.approx(
        traffic["bytes"].max(), rel=0.05
    )


def test_a_plan_s_quotes_come_from_whom_it_says(measured: MeasuredSavings) -> None:
    instruments = measured.instruments
    of_three = instruments[instruments["brokers"] == 3]
    carriers = of_three.groupby("plan")["broker_name"].unique()
    assert set(carriers["naive"]) == {"broker1", "broker2", "broker3"}
    assert set(carriers["optimised"]) == {"broker1"}
    naive = of_three[of_three["plan"] == "naive"].pivot(
        index=["exchange", "token"], columns="broker_name", values="bytes"
    )
    assert naive.nunique(axis=1).eq(1).all(), "each broker sends an instrument in the same bytes"
    assert instruments[instruments["type"] == "df"]["symbol"].nunique() <= DEPTH


def test_the_start_is_counted_apart(measured: MeasuredSavings) -> None:
    starting = measured.message_types.query("when == 'starting' and brokers == 3")
    full = starting[starting["type"].isin(["tk", "dk"])]
    assert full.groupby("plan")["messages"].sum().to_dict() == {"naive": 3 * 16, "optimised": 16}
    assert set(measured.message_types["type"]) <= set(MESSAGE_TYPES)


def test_cpu_and_memory_are_those_of_the_plan_s_process(measured: MeasuredSavings) -> None:
    plans = measured.plans
    assert (plans["cpu_seconds"] > 0).all()
    assert (plans["peak_memory_mib"] > 10).all()
    assert plans["cpu_us_per_tick"].tolist() == pytest.approx(
        (1e6 * plans["cpu_seconds"] / plans["ticks"]).tolist()
    )


def test_every_figure_says_how_it_was_obtained_and_that_it_is_simulated(measured: MeasuredSavings) -> None:
    for frame in (measured.traffic, measured.message_types, measured.instruments):
        assert frame["how"].str.startswith("measured").all()
    for frame in (measured.savings, measured.plans, measured.checks, measured.how):
        assert frame.attrs == {"mode": "SIMULATED", "method": "measured"}
    assert str(measured.how.loc["formula_percent", "how"]).startswith("computed")
    assert "SIMULATED" in repr(measured)
    assert "every check holds" in measured._repr_html_()
    mine = measured.plans
    mine["quote_bytes"] = 0
    assert measured.plans["quote_bytes"].min() > 0, "each frame is the user's own"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"brokers": []}, "brokers: expected numbers from 1 to 50"),
        ({"brokers": [0, 1]}, "brokers: expected numbers from 1 to 50"),
        ({"depth": 51}, "depth: expected 0 to 50"),
        ({"seconds": 0}, "seconds: expected more than 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        dualbroker.measure_savings(**{"seconds": 1, **options}, progress=False)


def test_a_measurement_that_is_broken_off_leaves_no_process_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    me = psutil.Process()
    before = {child.pid for child in me.children(recursive=True)}

    class Impatient(Shown):
        def show(self, words: str, share: float) -> None:
            if len({child.pid for child in me.children(recursive=True)} - before) == 3:
                raise KeyboardInterrupt

    shown = Impatient()
    monkeypatch.setattr("dualbroker.measure.measuring.progress_for_here", lambda: shown)
    with pytest.raises(KeyboardInterrupt):
        dualbroker.measure_savings(2, symbols=5, seconds=60)
    assert "ended before it was done" in shown.words[-1]
    wait_until(lambda: {child.pid for child in me.children(recursive=True)} <= before)
    assert not [thread for thread in threading.enumerate() if thread.name == "dualbroker-measuring"]


def test_progress_in_a_terminal_is_one_line_that_is_written_over(capsys: pytest.CaptureFixture[str]) -> None:
    line = progress._InTerminal()
    line.show("half", 0.5)
    line.finish("done")
    assert capsys.readouterr().err == f"\r\x1b[K{'█' * 10}{'░' * 10} half\r\x1b[Kdone\n"


def test_progress_in_a_cell_is_plain_html_that_words_replace(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, str]] = []

    class Handle:
        def update(self, bundle: dict[str, str], raw: bool) -> None:
            shown.append(bundle)

    def display(bundle: dict[str, str], **options: Any) -> Handle:
        shown.append(bundle)
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    bar = progress._InCell()
    bar.show("1 < 2", 0.5)
    bar.finish("done")
    assert "<progress" in shown[0]["text/html"]
    assert "1 &lt; 2" in shown[0]["text/html"]
    assert shown[-1] == {"text/html": "done", "text/plain": "done"}

"""The suite's plumbing: every variant is measured, and its figures have the places that readers look for."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import child_protocol  # noqa: E402
import suite  # noqa: E402
import suite_tables  # noqa: E402
from processes import Client, Run  # noqa: E402

TINY = replace(
    suite.QUICK,
    instruments=20,
    ticks=400,
    rounds=1,
    rates=(1_000, 10_000),
    rate_seconds=0.1,
    rate_rounds=1,
    burst=100,
    bursts=2,
    idle_instruments=(10, 20),
    idle_seconds=0.1,
    frame_ticks=1_000,
    frame_instruments=20,
    growth_instruments=(10, 20),
    growth_stored=(10, 20),
    growth_ticks=200,
    growth_rounds=1,
    starts=1,
)
DELAYS = {"p50_ms": 1.0, "p99_ms": 2.0, "max_ms": 3.0}


def said_by(client: Client, ticks: int) -> dict[str, Any]:
    said: dict[str, Any] = {"ticks": ticks, "cpu_seconds": ticks * 2e-6, "wall_seconds": 0.1, **DELAYS}
    if client.script == "client_official.py":
        said["cpu_seconds"] *= 12
    said["frames"] = {"feed.quotes": {"p50_ms": 1.0, "max_ms": 2.0, "rows": 20, "held_up_ms": 1.0}}
    for what in ("import", "import, connect, first frame"):
        said[what] = {"wall_s": 0.2, "cpu_s": 0.1}
    return said


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], dict[str, Any]]:
    """Runs the suite without a process; each client needs 2 µs a tick, the official one twelve times that."""

    @contextmanager
    def source(ticks: int, instruments: int) -> Iterator[dict[str, Any]]:
        yield {"port": 1, "tls": {"port": 2, "authority": ""}, "frame_bytes": {"min": 1, "mean": 2, "max": 3}}

    def measure(client: Client, at: object, instruments: int, ticks: int = 1, **options: float) -> Run:
        return Run(said_by(client, ticks), 100 * ticks, {"python": "3"})

    @contextmanager
    def running(client: Client, *rest: object, **options: float) -> Iterator[Client]:
        yield client

    monkeypatch.setattr(suite, "source", source)
    monkeypatch.setattr(suite, "measure", measure)
    monkeypatch.setattr(suite, "running", running)
    monkeypatch.setattr(suite, "finish", lambda begun: Run(said_by(begun, 1), 0, {}))
    monkeypatch.setattr(suite, "_has", lambda python, module: True)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    def run(official: str | None) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(json.dumps(suite.run(TINY, official, lambda _: None)))
        result["method"]["command"] = "python -m benchmarks"
        return result

    return run


def test_every_variant_has_its_cpu_and_its_share_of_the_official_client(
    measured: Callable[[str | None], dict[str, Any]],
) -> None:
    result = measured("python")
    assert list(result["rates"]) == ["1000", "10000"]
    for figures in (result["saturation"], *result["rates"].values()):
        assert {"official", "official_wsaccel", "official_tls", "dualbroker", "dualbroker_tls"} <= set(
            figures
        )
        for each in figures.values():
            assert each["cpu_us_per_tick"] > 0
            assert each["spread"]["minimum"] <= each["cpu_us_per_tick"] <= each["spread"]["maximum"]
        assert figures["dualbroker"]["of_official"] == pytest.approx(1 / 12)
    assert result["idle"] == {"cpu_percent": {"10": pytest.approx(2e-3), "20": pytest.approx(2e-3)}}
    assert result["memory"]["dualbroker"]["bytes_per_tick"] == 100
    assert result["method"]["left_out"] == []


@pytest.mark.parametrize("markdown", [True, False])
def test_the_tables_name_every_variant(
    measured: Callable[[str | None], dict[str, Any]], capsys: pytest.CaptureFixture[str], markdown: bool
) -> None:
    suite_tables.show(measured("python"), markdown=markdown)
    shown = capsys.readouterr().out
    assert all(words in shown for words in suite_tables.NAMES.values())
    assert "1/12.0" in shown


def test_without_the_official_client_the_rest_is_measured_and_it_says_how_to_install_it(
    measured: Callable[[str | None], dict[str, Any]],
) -> None:
    result = measured(None)
    assert result["method"]["left_out"] == [suite.HOW_TO_INSTALL]
    for figures in (result["saturation"], *result["rates"].values()):
        assert "official" not in figures
        assert figures["dualbroker"]["cpu_us_per_tick"] > 0


def test_a_delay_runs_from_the_write_of_a_tick_to_when_it_could_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent = [(2, 1_000_000), (4, 5_000_000)]
    monkeypatch.setattr(child_protocol, "_ask", lambda *_: json.dumps(sent).encode())
    seen = [(1, 2_000_000), (3, 8_000_000), (4, 9_000_000)]
    found = child_protocol.delays(argparse.Namespace(ticks=4), seen)
    assert found == {"p50_ms": 4.0, "p99_ms": 7.0, "max_ms": 7.0}


@pytest.mark.slow
def test_every_client_takes_every_tick() -> None:
    result = suite.run(TINY, None, lambda _: None)
    assert set(result["saturation"]) >= {"dualbroker", "dualbroker_tls", "floor_read_and_cut"}
    assert result["frames"]["feed.ticks(symbol)"]["rows"] == pytest.approx(1_000 / 20, rel=0.5)
    assert result["frames"]["feed.quotes"]["rows"] == 20
    assert 60 <= result["method"]["frame_bytes"]["min"] <= result["method"]["frame_bytes"]["max"] <= 160


@pytest.mark.slow
def test_the_command_says_what_it_takes() -> None:
    command = [sys.executable, "-m", "benchmarks", "--help"]
    done = subprocess.run(
        command, cwd=BENCHMARKS.parent, capture_output=True, text=True, timeout=60, check=True
    )
    assert "--quick" in done.stdout

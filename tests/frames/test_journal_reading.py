from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import dualbroker
from dualbroker.frames import frames
from dualbroker.storage.journal import Journal, JournalRow
from dualbroker.stores.order_records import encode_record
from tests.stores.test_order_records import some_events

DAY = date(2026, 1, 15)


def written(path: Path) -> Path:
    journal = Journal(path)
    journal.open()
    journal.append(
        [JournalRow(e.sequence, e.update.trading_day, "broker1", 1, encode_record(e)) for e in some_events()]
    )
    journal.close()
    return path


def test_a_day_of_the_journal_is_a_frame_of_order_events(tmp_path: Path) -> None:
    path = written(tmp_path / "x.sqlite")
    frame = dualbroker.read_journal("2026-01-15", path=path)
    assert frame.equals(frames.order_events_frame(some_events()))
    assert dualbroker.read_journal(DAY, date(2026, 1, 20), path=str(path)).equals(frame)
    nothing = dualbroker.read_journal("2026-01-16", path=path)
    assert nothing.empty
    assert list(nothing.columns) == list(frame.columns)


def test_without_a_path_it_is_the_journal_of_the_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUALBROKER_CONFIG", str(tmp_path / "config.yaml"))
    config = tmp_path / "config.yaml"
    config.write_text("brokers: {b: {type: simulated}}\n", encoding="utf-8")
    with pytest.raises(dualbroker.ConfigError, match="keeps no order journal"):
        dualbroker.read_journal(DAY)
    config.write_text("brokers: {b: {type: simulated}}\njournal: {path: x.sqlite}\n", encoding="utf-8")
    with pytest.raises(dualbroker.ConfigError, match=r"found no file .*x\.sqlite"):
        dualbroker.read_journal(DAY)
    written(tmp_path / "x.sqlite")
    assert len(dualbroker.read_journal(DAY)) == 3
    with pytest.raises(dualbroker.ConfigError, match="such as 2030-01-31, found 'yesterday'"):
        dualbroker.read_journal("yesterday")

"""Which broker types there are: read once, and again when a package was installed meanwhile."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import pytest

from dualbroker.config.broker_types import broker_types


def test_a_type_installed_while_it_runs_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    before = broker_types()
    package = tmp_path / "other_broker-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: other-broker\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[dualbroker.brokers]\nother = other_broker:Broker\n")
    assert set(broker_types()) == {*before, "other"}


def test_installed_packages_are_not_gone_through_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    before = broker_types()

    def fail(**_: Any) -> None:
        raise AssertionError("they are read again, and nothing has changed")

    monkeypatch.setattr(importlib.metadata, "entry_points", fail)
    assert broker_types() == before

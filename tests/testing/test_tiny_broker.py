"""The template broker passes every check, as a package from outside that is only named in its metadata."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from dualbroker.testing import CHECKS, Check, name_of, run_check
from tests.testing.conftest import EXAMPLES


@pytest.mark.parametrize("check", CHECKS, ids=name_of)
def test_the_template_keeps_the_contract(check: Check, site: Path, tmp_path: Path) -> None:
    fake = importlib.import_module("tiny_broker.fake")
    run_check(check, fake.TinyStand, tmp_path / "state")


def test_the_template_is_short() -> None:
    lines = (EXAMPLES / "tiny_broker" / "__init__.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 150

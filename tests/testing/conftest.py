"""The tiny broker of ``examples/``, as a package of somebody else that is installed here."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages with ``tiny_broker`` in it, which its metadata registers."""
    folder = tmp_path / "site"
    shutil.copytree(EXAMPLES / "tiny_broker", folder / "tiny_broker")
    metadata = folder / "tiny_broker-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-broker\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[dualbroker.brokers]\ntiny = tiny_broker:TinyBroker\n")
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "tiny_broker"]:
        del sys.modules[name]

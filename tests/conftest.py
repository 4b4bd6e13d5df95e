"""What every test may ask for."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is slow at times; that says nothing about the code under test.
settings.register_profile("dualbroker", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("dualbroker")

# What a script starts in the background ignores Ctrl-C, and so would what the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

_SHARED_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; in CI it must be there."""
    if not _SHARED_DATA.is_dir():
        reason = "needs the real data in ../shared/data, beside the checkout"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return _SHARED_DATA

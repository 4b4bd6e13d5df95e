"""What every test may ask for."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.needs import WITHOUT_DATA, absent, skip_what_lacks_its_tools

# A busy machine is slow at times; that says nothing about the code under test.
settings.register_profile(
    "dualbroker",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=100 if os.environ.get("CI") else 30,
)
settings.load_profile("dualbroker")

# What a script starts in the background ignores Ctrl-C, and so would what the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Container images often set this variable. With it each worker, and each of the hundred processes that tests
# start, compiles the whole package again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

_SHARED_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def _home_of_this_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Locks, tokens, masters and journals of its own: nothing of the user's, nor of another run beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUALBROKER_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; in CI it must be there."""
    if not _SHARED_DATA.is_dir():
        reason = "needs the real data in ../shared/data, beside the checkout"
        if os.environ.get(WITHOUT_DATA):
            pytest.skip(reason)
        absent(reason)
    return _SHARED_DATA


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """The whole suite runs over all cores and one more, for many tests wait for processes to start.

    Of tests that are named there are few, and they begin at once.
    """
    if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return None
    return (os.cpu_count() or 1) + 1 if config.args_source is config.ArgsSource.TESTPATHS else 0


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    skip_what_lacks_its_tools(item)

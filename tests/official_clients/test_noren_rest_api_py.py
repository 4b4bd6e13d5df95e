"""The official client of the legacy generation (``NorenRestApiPy`` 0.0.22), unmodified."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import pytest

from .exercises import Conversation, Exercises, conversation_with
from .simulator_process import running_simulator, time_code

try:
    version("NorenRestApiPy")
except PackageNotFoundError:
    pytest.skip(
        "needs NorenRestApiPy in an environment of its own, which .ci/run makes", allow_module_level=True
    )

from NorenRestApiPy.NorenApi import NorenApi

pytestmark = pytest.mark.official_client


@pytest.fixture(scope="module")
def client() -> Iterator[Conversation]:
    with running_simulator("--brokers=1", "--ticks-per-second=2000", "--orders-per-minute=0") as description:
        broker = description["brokers"][0]
        api = NorenApi(host=broker["rest_base"], websocket=broker["websocket_url"])
        credentials = {
            "userid": broker["uid"],
            "vendor_code": broker["vendor_code"],
            "api_secret": broker["api_key"],
            "imei": "abc1234",
            "twoFA": time_code(broker["totp_secret"]),
        }
        assert api.login(password="not the password", **credentials) is None
        assert api.login(password=broker["password"], **credentials)["actid"] == broker["uid"]
        yield from conversation_with(api)


class TestNorenRestApiPy(Exercises):
    pass

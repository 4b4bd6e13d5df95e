"""The official client of the present generation (``NorenRestApiOAuth``), unmodified."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import pytest

from .exercises import Conversation, Exercises, conversation_with
from .simulator_process import running_simulator

try:
    version("NorenRestApiOAuth")
except PackageNotFoundError:
    pytest.skip(
        "needs NorenRestApiOAuth in an environment of its own, which .ci/run makes", allow_module_level=True
    )

from NorenRestApiPy.NorenApi import NorenApi

pytestmark = pytest.mark.official_client


@pytest.fixture(scope="module")
def client() -> Iterator[Conversation]:
    with running_simulator("--brokers=1", "--ticks-per-second=2000", "--orders-per-minute=0") as description:
        broker = description["brokers"][0]
        api = NorenApi(host=broker["rest_base"], websocket=broker["websocket_url"])
        arguments = (broker["oauth_secret"], broker["client_id"], broker["uid"])
        assert api.getAccessToken("not the code", *arguments) is None
        token, uid, _, account = api.getAccessToken(broker["oauth_code"], *arguments)
        assert token
        assert uid == account == broker["uid"]
        yield from conversation_with(api)


class TestNorenRestApiOAuth(Exercises):
    pass

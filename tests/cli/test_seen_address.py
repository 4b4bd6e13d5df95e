from __future__ import annotations

import asyncio

import msgspec
import pytest

from dualbroker.cli import seen_address as module
from dualbroker.cli.findings import Finding, Verdict
from dualbroker.errors import ConnectionFailedError
from dualbroker.noren.dialects import DIALECTS, FLATTRADE, Dialect

PROXY_VARIABLES = ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setattr("urllib.request.getproxies", _of_the_environment)


def _of_the_environment() -> dict[str, str]:
    from urllib.request import getproxies_environment

    return getproxies_environment()


async def look(dialect: Dialect, *, is_up: bool = False) -> Finding | None:
    return await module.seen_address("mine", dialect.rest_base, dialect.registered_address, is_up=is_up)


def finding(
    monkeypatch: pytest.MonkeyPatch, address: str | Exception, *, is_up: bool = False
) -> Finding | None:
    asked: list[str] = []

    async def local_address(url: str) -> str:
        asked.append(url)
        if isinstance(address, Exception):
            raise address
        return address

    monkeypatch.setattr(module, "local_address", local_address)
    found = asyncio.run(look(FLATTRADE, is_up=is_up))
    assert asked in ([], [FLATTRADE.rest_base])
    return found


@pytest.mark.parametrize("address", ["8.8.8.8", "2a01:4f8::1"])
def test_an_address_of_its_own_is_the_one_that_the_broker_sees(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = finding(monkeypatch, address)
    assert found is not None
    assert (found.verdict, found.subject) == (Verdict.WARN, "mine address")
    assert found.words.startswith(f"the broker sees {address}; compare")
    assert found.words.endswith(FLATTRADE.registered_address)


@pytest.mark.parametrize(
    "address", ["192.168.1.20", "10.0.0.5", "172.20.0.2", "100.64.3.4", "fe80::1%eth0", "fd00::2"]
)
def test_behind_a_router_it_is_the_routers(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = finding(monkeypatch, address)
    assert found is not None
    assert f"this machine has {address}" in found.words
    assert "the broker sees the router's address; compare" in found.words


def test_through_a_proxy_it_is_the_proxys_and_its_password_stays_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hidden@proxy.example:3128")
    found = finding(monkeypatch, "8.8.8.8")
    assert found is not None
    assert "through the proxy proxy.example:3128: the broker sees the proxy's address" in found.words
    assert "8.8.8.8" not in found.words
    assert "hidden" not in found.words


def test_a_broker_that_let_the_login_in_leaves_nothing_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    found = finding(monkeypatch, "192.168.1.20", is_up=True)
    assert found is not None
    assert found.verdict is Verdict.OK


def test_where_no_way_leads_or_no_proxy_can_be_used_reachability_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert finding(monkeypatch, ConnectionFailedError("no way")) is None
    monkeypatch.setenv("ALL_PROXY", "gopher://proxy.example")
    assert finding(monkeypatch, "8.8.8.8") is None


def test_a_broker_on_this_machine_sees_no_address_that_matters() -> None:
    simulated = msgspec.structs.replace(FLATTRADE, rest_base="http://127.0.0.1:9/")
    assert asyncio.run(look(simulated)) is None


def test_every_broker_whose_refusal_sends_a_person_to_the_doctor_has_the_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def local_address(url: str) -> str:
        return "8.8.8.8"

    monkeypatch.setattr(module, "local_address", local_address)
    for dialect in DIALECTS.values():
        assert "`dualbroker doctor` says which address it is" in dialect.refusal_may_be
        assert asyncio.run(look(dialect)) is not None

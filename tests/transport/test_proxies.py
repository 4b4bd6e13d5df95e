"""Proxies as people's environments have them."""

from __future__ import annotations

import asyncio

import pytest

from dualbroker.errors import ConnectionFailedError
from dualbroker.remote.link import open_link
from dualbroker.transport.network import NetworkTransport
from dualbroker.transport.proxies import is_loopback_host, proxy_for

PROXY = "http://proxy.invalid:3128"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "ws://localhost:1/", "https://[::1]:1/", "http://127.0.0.2/"]
)
@pytest.mark.parametrize("value", [PROXY, "socks5://x:1", "://", "http://["])
def test_this_machine_is_never_reached_through_a_proxy(url: str, value: str) -> None:
    assert proxy_for(url, {"http": value, "https": value, "all": value}) is None


@pytest.mark.parametrize(
    ("url", "proxies", "expected"),
    [
        ("https://a.example/", {}, None),
        ("https://a.example/", {"https": PROXY}, PROXY),
        ("wss://a.example/", {"https": PROXY}, PROXY),
        ("ws://a.example/", {"http": "proxy.invalid:3128"}, PROXY),
        ("wss://a.example/", {"all": PROXY}, PROXY),
        ("https://a.example/", {"http": "nonsense://"}, None),
        ("https://a.example/", {"https": PROXY, "no": "localhost,[::1]"}, PROXY),
        ("https://a.example/", {"https": PROXY, "no": "[, ]:, example"}, None),
        ("https://a.example/", {"https": PROXY, "no": "b.example, a.example:443"}, PROXY),
        ("https://a.example:443/", {"https": PROXY, "no": "a.example:443"}, None),
        ("https://a.example/", {"https": PROXY, "no": ".example"}, None),
        ("https://a.example/", {"https": "nonsense", "no": "*"}, None),
        ("https://[2001:db8::1]/", {"https": PROXY, "no": "[2001:db8::1]"}, None),
    ],
)
def test_which_proxy_an_address_has(url: str, proxies: dict[str, str], expected: str | None) -> None:
    assert proxy_for(url, proxies) == expected


MALFORMED = [
    "http://[",
    "http://:3128",
    "http://host:99999",
    "ftp://host:1",
    "http://user@host:1",
    "http://host/x",
]
SOCKS = ["socks5://127.0.0.1:1", "socks://127.0.0.1:1"]


@pytest.mark.parametrize("value", [*MALFORMED, *SOCKS])
def test_an_unusable_proxy_is_one_error_that_names_its_variable(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for name in (
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "all_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ALL_PROXY", value)

    async def story() -> None:
        transport = NetworkTransport()
        with pytest.raises(ConnectionFailedError, match=r"(?i)all_proxy.*expected a proxy such as.*unset"):
            await transport.request("GET", "https://a.invalid/")
        with pytest.raises(ConnectionFailedError, match=r"(?i)all_proxy"):
            await transport.open_websocket("wss://a.invalid/", lambda *_: None)
        with pytest.raises(ConnectionFailedError, match=r"(?i)all_proxy"):
            await open_link("https://a.invalid", None)
        await transport.aclose()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.0.1.1", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("127.evil", False),
    ],
)
def test_which_hosts_are_this_machine(host: str, expected: bool) -> None:
    assert is_loopback_host(host) is expected

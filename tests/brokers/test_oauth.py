from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import urllib.error
import urllib.request
from typing import Any

import pytest

from dualbroker.brokers.noren.oauth import authorise_url, exchange_code
from dualbroker.brokers.noren.section import NorenSection
from dualbroker.brokers.redirect import RedirectCatcher, code_from_pasted, is_loopback_redirect
from dualbroker.errors import ConfigError, ConnectionFailedError, LoginRefusedError, RequestRefusedError
from dualbroker.noren.dialects import FLATTRADE, SHOONYA, SHOONYA_LEGACY, Dialect
from dualbroker.noren.requests import parse_body
from dualbroker.storage.tokens import SavedSession, next_expiry_ns
from dualbroker.transport.base import Response
from tests.brokers.rest_only import RestOnly

NOW_NS = 1_700_000_000_000_000_000


def shoonya(**more: Any) -> NorenSection:
    values = {"type": "shoonya", "user_id": "FA0001", "client_id": "FA0001_U", "api_secret": "secret"}
    return NorenSection.model_validate({"name": "broker1"} | values | more)


def flattrade(**more: Any) -> NorenSection:
    values = {"type": "flattrade", "user_id": "FT0001", "api_key": "key & more", "api_secret": "secret"}
    return NorenSection.model_validate({"name": "broker2"} | values | more)


def answering(answer: object) -> RestOnly:
    return RestOnly(lambda call: answer)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def get(url: str) -> tuple[int, str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_page_to_open() -> None:
    assert authorise_url(shoonya(), SHOONYA).endswith("/OAuthlogin/authorize/oauth?client_id=FA0001_U")
    assert authorise_url(flattrade(), FLATTRADE) == "https://auth.flattrade.in/?app_key=key%20%26%20more"
    with pytest.raises(ConfigError, match=r"brokers\.broker1\.dialect: expected one with a browser login"):
        authorise_url(shoonya(), SHOONYA_LEGACY)
    with pytest.raises(ConfigError, match=r"brokers\.broker1\.client_id: expected a value"):
        authorise_url(shoonya(enabled=False, client_id=None), SHOONYA)


@pytest.mark.parametrize(
    "pasted",
    [
        "abc-123",
        "  abc-123\n",
        '"abc-123"',
        "https://example.com/done?code=abc-123",
        "http://127.0.0.1:8765/?client=FT0001&code=abc-123#top",
        "127.0.0.1:8765/?code=abc-123",
        "?code=abc-123&x=",
        "code=abc-123",
        "http://127.0.0.1:8765/?request_code=abc-123&client=FT0001",
        "request_code=abc-123",
    ],
)
def test_the_code_is_found_in_what_a_person_pastes(pasted: str) -> None:
    assert code_from_pasted(pasted) == "abc-123"


@pytest.mark.parametrize(
    "pasted", ["", "  ", "two words", "garbage", "12345", "https://example.com/", "?code=", "http://[::1"]
)
def test_what_holds_no_code_is_refused(pasted: str) -> None:
    with pytest.raises(LoginRefusedError, match="found neither"):
        code_from_pasted(pasted)


def test_a_refusal_in_the_address_is_told() -> None:
    with pytest.raises(LoginRefusedError, match="access_denied"):
        code_from_pasted("http://127.0.0.1/?error=access_denied")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8765/", True),
        ("http://localhost/cb", True),
        ("http://[::1]:80/", True),
        ("https://127.0.0.1:8765/", False),
        ("http://127.0.0.1.example.com/", False),
        ("http://127.0.0.1:99999/", False),
        ("http://[::1", False),
        ("", False),
        (None, False),
    ],
)
def test_only_plain_loopback_addresses_are_caught(url: str | None, expected: bool) -> None:
    assert is_loopback_redirect(url) is expected


def test_the_catcher_takes_the_first_code_and_answers_all_else() -> None:
    with RedirectCatcher("http://localhost:0/callback", "my<broker>") as catcher:
        base = f"http://127.0.0.1:{catcher.port}"
        assert get(f"{base}/favicon.ico")[0] == 404
        status, page = get(f"{base}/any/path?client=FT0001&code=c%2B1")
        assert (status, "Close this page" in page) == (200, True)
        assert "my&lt;broker&gt; has sent the code of your login." in page
        assert 'name="viewport"' in page
        assert "color-scheme: light dark" in page
        assert catcher.wait(10) == "c+1"


def test_the_catcher_tells_a_refusal_and_shows_nothing_of_the_address() -> None:
    with RedirectCatcher("http://127.0.0.1:0/") as catcher:
        _, page = get(f"http://127.0.0.1:{catcher.port}/?error=<script>")
        assert "<script>" not in page
        with pytest.raises(LoginRefusedError, match="refused the login"):
            catcher.wait(10)


def test_the_catcher_says_why_it_can_not_work() -> None:
    with pytest.raises(ConfigError, match="expected a loopback address"):
        RedirectCatcher("https://example.com/")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(ConnectionFailedError, match=f"127.0.0.1:{port}"),
            RedirectCatcher(f"http://127.0.0.1:{port}/"),
        ):
            pass
    with (
        RedirectCatcher("http://127.0.0.1:0/") as catcher,
        pytest.raises(ConnectionFailedError, match=r"no browser came back within 0\.01 s"),
    ):
        catcher.wait(0.01)


def test_a_shoonya_code_becomes_a_session() -> None:
    transport = answering(
        {"stat": "Ok", "access_token": "bearer", "susertoken": "s", "USERID": "FA0001", "actid": "FA0009"}
    )
    session = asyncio.run(exchange_code(shoonya(), SHOONYA, "c1", transport, NOW_NS))
    [request] = transport.requests
    assert request.method == "POST"
    assert session == SavedSession("bearer", "FA0001", "FA0009", NOW_NS, next_expiry_ns(NOW_NS))
    assert request.url == f"{SHOONYA.rest_base}/GenAcsTok"
    assert "Authorization" not in request.headers
    values, jkey = parse_body(request.body)
    assert values == {"code": "c1", "checksum": sha256("FA0001_Usecretc1"), "uid": "FA0001"}
    assert jkey is None


def test_a_flattrade_code_becomes_a_session() -> None:
    transport = answering({"stat": "Ok", "token": "t", "client": "FT0001"})
    session = asyncio.run(exchange_code(flattrade(), FLATTRADE, "c1", transport, NOW_NS))
    [request] = transport.requests
    assert request.method == "POST"
    assert (session.token, session.user_id, session.account_id) == ("t", "FT0001", "FT0001")
    assert request.url == FLATTRADE.token_url
    assert json.loads(request.body) == {
        "api_key": "key & more",
        "request_code": "c1",
        "api_secret": sha256("key & morec1secret"),
    }


@pytest.mark.parametrize(
    ("config", "row", "answer"),
    [
        (flattrade(), FLATTRADE, {"token": "t", "client": "FT0001", "status": "Ok", "emsg": ""}),
        (flattrade(), FLATTRADE, {"token": "t", "client": "FT0001", "status": "", "emsg": ""}),
        (shoonya(), SHOONYA, {"access_token": "t", "USERID": "FA0001"}),
    ],
)
def test_a_token_decides_whatever_else_the_answer_says(
    config: NorenSection, row: Dialect, answer: dict[str, str]
) -> None:
    session = asyncio.run(exchange_code(config, row, "c1", answering(answer), NOW_NS))
    assert (session.token, session.user_id) == ("t", config.user_id)


@pytest.mark.parametrize(
    "answer",
    [
        {"stat": "Not_Ok", "emsg": ""},
        {"status": "Not_Ok", "token": "", "emsg": ""},
        {"status": "Not_Ok"},
        {"status": "Ok", "token": "", "emsg": ""},
        {},
    ],
)
@pytest.mark.parametrize(("config", "row"), [(flattrade(), FLATTRADE), (shoonya(), SHOONYA)])
def test_a_refusal_without_words_names_the_registered_address_first(
    config: NorenSection, row: Dialect, answer: dict[str, str]
) -> None:
    with pytest.raises(LoginRefusedError, match=r"It may be the address .*static IP.*, an API key.*doctor"):
        asyncio.run(exchange_code(config, row, "c1", answering(answer), NOW_NS))


@pytest.mark.parametrize("status", [401, 403])
def test_a_login_refused_by_its_http_status_alone_names_it_too(status: int) -> None:
    transport = RestOnly(lambda call: Response(status, b"<html>Forbidden</html>"))
    with pytest.raises(LoginRefusedError, match=rf"{status}.*static IP"):
        asyncio.run(exchange_code(flattrade(), FLATTRADE, "c1", transport, NOW_NS))


def test_the_catcher_takes_flattrades_redirect() -> None:
    with RedirectCatcher("http://127.0.0.1:0/") as catcher:
        assert get(f"http://127.0.0.1:{catcher.port}/?request_code=c1&client=FT0001")[0] == 200
        assert catcher.wait(10) == "c1"


def test_an_overridden_address_takes_the_secret_there_and_nowhere_else() -> None:
    transport = answering({"stat": "Ok", "token": "t"})
    config = flattrade(rest_base="http://127.0.0.1:9999/PiConnectAPI")
    asyncio.run(exchange_code(config, FLATTRADE, "c1", transport, NOW_NS))
    [request] = transport.requests
    assert request.url == "http://127.0.0.1:9999/trade/apitoken"


def test_the_login_of_another_user_is_refused() -> None:
    transport = answering({"stat": "Ok", "access_token": "bearer", "USERID": "FA0002"})
    with pytest.raises(LoginRefusedError, match=r"expected a login of FA\*\*01, found one of FA\*\*02"):
        asyncio.run(exchange_code(shoonya(), SHOONYA, "c1", transport, NOW_NS))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"stat": "Ok"}, LoginRefusedError),
        ({"stat": "Ok", "access_token": ""}, LoginRefusedError),
        ({"stat": "Not_Ok", "emsg": "Invalid Input : Invalid code"}, RequestRefusedError),
        ({"stat": "Not_Ok", "emsg": "Invalid Input : User Not enabled on : API"}, LoginRefusedError),
    ],
)
def test_a_code_that_is_worth_nothing_is_an_error(answer: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        asyncio.run(exchange_code(shoonya(), SHOONYA, "c1", answering(answer), NOW_NS))

from __future__ import annotations

import threading
from pathlib import Path

import keyring
import pytest
from pydantic import SecretStr

from dualbroker.brokers.noren.section import NorenSection
from dualbroker.config import parse_config
from dualbroker.config.secrets import read_keyring
from dualbroker.errors import ConfigError
from dualbroker.keyring_calls import KeyringSilentError
from tests.sections import noren

TEXT = "brokers: {{b: {{type: flattrade, user_id: A, api_key: K, api_secret: '{secret}'}}}}"


def secret_of(text: str, environment: dict[str, str], entries: dict[str, str] | None = None) -> str:
    config = parse_config(
        TEXT.format(secret=text), environment=environment, keyring_reader=(entries or {}).get
    )
    value = noren(config.brokers["b"]).api_secret
    assert value is not None
    return value.get_secret_value()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${ONE}", "1"),
        ("a${ONE}b${TWO}", "a1b${ONE}"),
        ("$${ONE}", "${ONE}"),
        ("$ONE and {ONE}", "$ONE and {ONE}"),
        ("${keyring:flattrade api}", "unused"),
        ("${keyring:flattrade-api}", "from the keyring"),
    ],
)
def test_references_are_filled_in_once(text: str, expected: str) -> None:
    environment = {"ONE": "1", "TWO": "${ONE}"}
    entries = {"flattrade-api": "from the keyring"}
    if " api}" in text:
        with pytest.raises(ConfigError, match="found no name in the braces"):
            secret_of(text, environment, entries)
    else:
        assert secret_of(text, environment, entries) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${NOT_SET}", "expected the environment variable NOT_SET, found no such variable"),
        ("${EMPTY}", "expected the environment variable EMPTY, found it empty"),
        ("${keyring:api}", "found no such entry; store it with: keyring set dualbroker api"),
        ("${file:}", "or ${file:PATH}, found no name in the braces"),
        (
            "${file:missing}",
            "expected a file missing that has the secret as its one line, found no such file",
        ),
        ("${}", "expected ${NAME}, ${keyring:NAME} or ${file:PATH}, found no name in the braces"),
    ],
)
def test_what_can_not_be_filled_in_names_key_and_variable(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        secret_of(text, {"EMPTY": ""})
    assert str(caught.value).startswith("config: brokers.b.api_secret: ")
    assert expected in str(caught.value)


def test_a_keyring_that_fails_is_a_config_error() -> None:
    def broken(name: str) -> str | None:
        raise RuntimeError("secret words of a backend")

    with pytest.raises(ConfigError, match=r"none that can be read \(RuntimeError\)") as caught:
        parse_config(TEXT.format(secret="${keyring:api}"), environment={}, keyring_reader=broken)
    assert "secret words" not in str(caught.value)


def test_a_keyring_that_does_not_answer_is_a_config_error_in_words() -> None:
    def locked(name: str) -> str | None:
        raise KeyringSilentError("the system's keyring did not answer within 10 s; unlock it")

    with pytest.raises(ConfigError, match=r"within 10 s; unlock it, or use an environment variable or"):
        parse_config(TEXT.format(secret="${keyring:api}"), environment={}, keyring_reader=locked)


def test_the_keyring_is_read_through_the_bounded_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    readers: list[str] = []

    def read(service: str, name: str) -> str:
        readers.append(threading.current_thread().name)
        return f"{name} of {service}"

    monkeypatch.setattr(keyring, "get_password", read)
    assert read_keyring("api") == "api of dualbroker"
    assert readers == ["dualbroker-keyring"]


def test_a_disabled_broker_asks_for_nothing() -> None:
    config = parse_config(
        "brokers: {used: {type: simulated}, other: {type: shoonya, enabled: false, password: '${NOT_SET}'}}",
        environment={},
    )
    password = noren(config.brokers["other"]).password
    assert password is not None
    assert password.get_secret_value() == "${NOT_SET}"


def in_folder(secret: str, folder: Path) -> NorenSection:
    return noren(parse_config(TEXT.format(secret=secret), environment={}, folder=folder).brokers["b"])


@pytest.mark.parametrize(
    "content", [b"the secret", b"the secret\n", b"the secret\r\n", b"\xef\xbb\xbfthe secret\n"]
)
def test_a_file_has_the_secret_as_its_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "my token.txt").write_bytes(content)
    for path in ("my token.txt", tmp_path / "my token.txt"):
        secret = in_folder(f"${{file:{path}}}", tmp_path).api_secret
        assert secret is not None
        assert secret.get_secret_value() == "the secret"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "found it empty"),
        (b"\n", "found it empty"),
        (b"hidden\nsecond", "found more than one line"),
        (b"hidden" * 20_000, "found more than one line"),
        ("hidden".encode("utf-16"), "found text that is not UTF-8"),
        (None, "found something else"),
    ],
)
def test_a_file_that_has_no_secret_is_named_and_its_content_is_not_shown(
    content: bytes | None, found: str, tmp_path: Path
) -> None:
    place = tmp_path / "token.txt"
    place.mkdir() if content is None else place.write_bytes(content)
    with pytest.raises(ConfigError, match=r"brokers\.b\.api_secret: expected a file token\.txt") as caught:
        in_folder("${file:token.txt}", tmp_path)
    assert str(caught.value).endswith(found)
    assert "hidden" not in str(caught.value)


def test_a_path_that_none_can_be_is_one_clear_error(tmp_path: Path) -> None:
    for path in ("a\\0b", "~nobody-of-this-name/token", "x" * 5000):
        text = TEXT.replace("'{secret}'", '"{secret}"').format(secret=f"${{file:{path}}}")
        with pytest.raises(ConfigError, match="expected a file "):
            parse_config(text, environment={}, folder=tmp_path)


def test_a_token_takes_the_place_of_a_login_and_is_read_again_at_each_use(tmp_path: Path) -> None:
    file = tmp_path / "token.txt"
    file.write_text("first\n", encoding="utf-8")
    text = "brokers: {b: {type: flattrade, user_id: FA0001, token: '${file:token.txt}'}}"
    config = parse_config(text, environment={}, folder=tmp_path)
    broker = config.brokers["b"]
    assert broker.token_now() == "first"
    assert "first" not in repr(config)
    assert parse_config(text, environment={}, folder=tmp_path) == config
    file.write_text("second\n", encoding="utf-8")
    assert broker.token_now() == "second"
    assert broker.model_copy(update={"poll_every": 1.0}).token_now() == "second"
    file.unlink()
    with pytest.raises(ConfigError, match=r"brokers\.b\.token: expected a file .*no such file"):
        broker.token_now()
    made_in_code = NorenSection(type="shoonya", user_id="FA0001", token=SecretStr("third"))
    assert made_in_code.token_now() == "third"


def test_a_token_needs_the_user_it_is_of() -> None:
    with pytest.raises(ConfigError, match="logs in with user_id, token; missing: user_id"):
        parse_config("brokers: {b: {type: shoonya, token: '${T}'}}", environment={"T": "t"})


def test_addresses_of_alerts_are_filled_in_likewise_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    text = (
        "brokers: {b: {type: simulated}}\n"
        "alerts: {send_to: ['tgram://${TOKEN}/chat', 'ntfy://a-topic'], quiet_hours: 22:00-07:30}"
    )
    config = parse_config(text, environment={"TOKEN": "s3cret"})
    addresses = [address.get_secret_value() for address in config.alerts.send_to]
    assert addresses == ["tgram://s3cret/chat", "ntfy://a-topic"]
    assert config.alerts.quiet_minutes == (22 * 60, 7 * 60 + 30)
    assert "s3cret" not in repr(config) + str(config)
    assert "alerts.send_to[1] in plain text" in caplog.text
    with pytest.raises(ConfigError, match=r"alerts\.send_to\[0\]: expected the environment variable TOKEN"):
        parse_config(text, environment={})


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ("send_to: [a-secret-word]", "expected addresses that begin like https://"),
        ("quiet_hours: 22-7", "expected hours such as 22:00-07:30, found '22-7'"),
        ("prices: [{symbol: NIFTY}]", "expected either above or below, found both or neither"),
        ("prices: [{symbol: NIFTY, above: 1, below: 2}]", "found both or neither"),
        ("rules: [rejects]", "rejects"),
    ],
)
def test_what_is_wrong_with_the_alerts_is_said(section: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(f"brokers: {{b: {{type: simulated}}}}\nalerts: {{{section}}}", environment={})
    assert problem in str(caught.value)
    assert "secret-word" not in str(caught.value)

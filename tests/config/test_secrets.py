from __future__ import annotations

import threading

import keyring
import pytest

from dualbroker.config import parse_config
from dualbroker.config.secrets import read_keyring
from dualbroker.errors import ConfigError
from dualbroker.keyring_calls import KeyringSilentError

TEXT = "brokers: {{b: {{type: flattrade, user_id: A, api_key: K, api_secret: '{secret}'}}}}"


def secret_of(text: str, environment: dict[str, str], entries: dict[str, str] | None = None) -> str:
    config = parse_config(
        TEXT.format(secret=text), environment=environment, keyring_reader=(entries or {}).get
    )
    value = config.brokers["b"].api_secret
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
        ("${}", "expected ${NAME} or ${keyring:NAME}, found no name in the braces"),
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

    with pytest.raises(ConfigError, match=r"within 10 s; unlock it, or use an environment variable: \$\{"):
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
    password = config.brokers["other"].password
    assert password is not None
    assert password.get_secret_value() == "${NOT_SET}"

"""Secrets stay hidden: in every message, repr and dump, whatever is wrong with the config."""

from __future__ import annotations

import logging
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.brokers.noren.section import NorenSection
from dualbroker.config import Config, parse_config
from dualbroker.errors import ConfigError
from tests.sections import noren

CANARY = "hunter2-canary"

SHOONYA = {
    "type": "shoonya",
    "user_id": "FA0001",
    "password": CANARY,
    "totp_secret": CANARY,
    "api_key": CANARY,
}


def test_secrets_are_in_no_repr_and_no_dump() -> None:
    config = Config.model_validate(
        {"brokers": {"b": SHOONYA | {"client_id": "FA0001_U", "api_secret": CANARY}}}
    )
    broker = noren(config.brokers["b"])
    shown = f"{config!r} {config!s} {broker!r} {broker!s} {config.model_dump()} {config.model_dump_json()}"
    assert CANARY not in shown
    assert CANARY not in config.fingerprint()
    assert "FA0001" not in repr(config)
    assert "FA**01" in repr(config)
    assert broker.password is not None
    assert broker.password.get_secret_value() == CANARY


@pytest.mark.parametrize(
    "text",
    [
        "brokers: {b: {type: shoonya, user_id: A, password: [%s]}}",
        "brokers: {b: {type: shoonya, user_id: A, password: {x: %s}}}",
        "brokers: {b: {type: shoonya, user_id: A, password: %s, enabled: yess}}",
        "brokers: {b: {type: shoonya, user_id: A, passwrd: %s}}",
        "brokers: {b: {type: shoonya, redirect_url: %s, rest_base: %s, websocket_url: %s}}",
        "brokers: {b: %s}",
        "brokers: %s",
        "brokers: [%s]",
        "brokers: {b: {type: shoonya, password: *%s}}",
        "brokers: {b: {type: shoonya, password: !%s x}}",
        "brokers: {b: {type: shoonya, password: '%s}}",
        'brokers: {b: {type: shoonya, password: "%s\\q"}}',
        "brokers: {b: {type: shoonya, password: %s: x: y}}",
        "brokers: {b: {type: shoonya, password: !!int %s}}",
        "brokers: {b: {type: shoonya, password: 'x${%s y}'}}",
        "brokers:\n  b:\n    password: %s\n   type: x",
    ],
)
def test_no_error_repeats_a_secret(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text.replace("%s", CANARY), environment={})
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_a_secret_from_the_environment_is_in_no_error() -> None:
    keys = "".join(f"{key}: '${{SECRET}}', " for key in ("user_id", "password", "dialect", "orders"))
    text = f"brokers: {{b: {{type: shoonya, {keys}}}}}"
    with pytest.raises(ConfigError) as caught:
        parse_config(text, environment={"SECRET": CANARY})
    assert CANARY not in "".join(traceback.format_exception(caught.value))


@given(
    key=st.sampled_from(sorted(NorenSection.private_keys())),
    value=st.one_of(
        st.integers(min_value=10_000_000),
        st.lists(st.integers(min_value=10_000_000), min_size=1, max_size=2),
        st.dates().map(lambda day: day.isoformat()),
    ),
)
def test_a_private_key_of_the_wrong_kind_hides_its_value(key: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(f"brokers: {{b: {{type: shoonya, {key}: {value}}}}}", environment={})
    assert str(value).strip("[]") not in str(caught.value)


def test_a_literal_secret_is_accepted_with_advice(caplog: pytest.LogCaptureFixture) -> None:
    text = (
        f"brokers: {{b: {{type: flattrade, user_id: A, api_key: {CANARY}, api_secret: '${{S}}'}}, "
        f"other: {{type: flattrade, enabled: false, api_key: {CANARY}}}}}"
    )
    with caplog.at_level(logging.INFO, logger="dualbroker"):
        parse_config(text, environment={"S": "s"})
    assert len(caplog.messages) == 1
    assert "brokers.b.api_key in plain text" in caplog.messages[0]
    assert CANARY not in caplog.text

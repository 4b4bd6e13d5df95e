from __future__ import annotations

import pytest
from pydantic import ValidationError

from dualbroker.config import Config, demo_config, mask
from dualbroker.errors import ConfigError
from tests.sections import noren

FLATTRADE = {"type": "flattrade", "user_id": "FA0001", "api_key": "k", "api_secret": "s"}


def config_of(**values: object) -> Config:
    return Config.model_validate({"brokers": {"b": {"type": "simulated"}}} | values)


def test_brokers_keep_the_order_of_the_file() -> None:
    names = ["zeta", "alpha", "mid", "beta"]
    config = Config.model_validate({"brokers": {name: {"type": "simulated"} for name in names}})
    assert [broker.name for broker in config.enabled_brokers] == names


def test_account_and_vendor_code_follow_the_user_id_unless_told() -> None:
    brokers = Config.model_validate(
        {
            "brokers": {
                "a": FLATTRADE,
                "b": FLATTRADE | {"user_id": "X", "account_id": "Y", "vendor_code": "Z"},
            }
        }
    ).brokers
    assert (brokers["a"].account_id, noren(brokers["a"]).vendor_code) == ("FA0001", "FA0001_U")
    assert (brokers["b"].account_id, noren(brokers["b"]).vendor_code) == ("Y", "Z")


def test_only_enabled_simulated_brokers_make_a_config_simulated() -> None:
    assert config_of().is_simulated
    mixed = {"off": {"type": "simulated", "enabled": False}, "on": FLATTRADE}
    config = Config.model_validate({"brokers": mixed})
    assert not config.is_simulated
    assert [broker.name for broker in config.enabled_brokers] == ["on"]


def test_the_fingerprint_tells_configs_apart_also_by_a_secret() -> None:
    first = Config.model_validate({"brokers": {"b": FLATTRADE}})
    same = Config.model_validate({"brokers": {"b": dict(FLATTRADE)}})
    other = Config.model_validate({"brokers": {"b": FLATTRADE | {"api_secret": "t"}}})
    assert first.fingerprint() == same.fingerprint() != other.fingerprint()
    assert config_of(start_timeout=5).fingerprint() != config_of().fingerprint()
    assert demo_config(2).fingerprint() != demo_config(3).fingerprint()


def test_what_was_read_can_not_be_changed() -> None:
    config = config_of()
    with pytest.raises(ValidationError):
        config.start_timeout = 3.0
    with pytest.raises(ValidationError):
        config.brokers["b"].enabled = False


def test_brokers_already_made_are_named_after_their_key() -> None:
    made = config_of().brokers["b"]
    assert Config(brokers={"c": made}).brokers["c"].name == "c"


def test_the_demo_refuses_what_the_simulator_does_not_know() -> None:
    assert demo_config(3, seed=7).simulator.seed == 7
    with pytest.raises(ConfigError, match="did you mean 'ticks_per_second'"):
        demo_config(tick_per_second=10)
    with pytest.raises(ConfigError, match="at least one enabled broker"):
        demo_config(0)


@pytest.mark.parametrize(
    ("identifier", "shown"), [("FA0001", "FA**01"), ("FT012345", "FT****45"), ("AB1", "***"), ("", "")]
)
def test_mask(identifier: str, shown: str) -> None:
    assert mask(identifier) == shown


def test_a_journal_is_a_file_that_nobody_takes_for_another() -> None:
    assert config_of().journal.keep_days == 30
    assert config_of(journal={"path": "day.sqlite"}).journal.path is not None
    with pytest.raises(ValidationError, match=r"ends in \.sqlite, found 'notes.txt'"):
        config_of(journal={"path": "notes.txt"})

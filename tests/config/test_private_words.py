"""What is private is kept out of others' words."""

from __future__ import annotations

import pytest

from dualbroker.config.broker import check_section
from dualbroker.config.private_words import PrivateWords

SECTION = check_section(
    {"name": "broker1", "type": "simulated", "user_id": "FA0089", "password": "Sim@12+3", "api_key": "ab"}
)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "RED:Margin Shortfall:INR 120.00 for C-FA0089 [SIM_MAIN]",
            "RED:Margin Shortfall:INR 120.00 for C-FA**89 [SIM_MAIN]",
        ),
        ("user fa0089_U, fa0089", "user FA****_U, FA**89"),
        ("Wrong password sim@12+3", "Wrong password [removed]"),
        ("PAN abcpe1234f of XFA0089", "PAN [removed] of XFA0089"),
        ("absent", "absent"),
        ("", ""),
    ],
)
def test_ids_are_masked_and_secrets_removed(said: str, shown: str) -> None:
    assert PrivateWords(SECTION)(said) == shown


def test_it_shows_none_of_it_itself() -> None:
    assert "FA0089" not in repr(PrivateWords(SECTION))

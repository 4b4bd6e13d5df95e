"""Everything that the OpenAPI document allows, and much that it does not, is asked of a running service."""

from __future__ import annotations

import contextlib
import os
from typing import Any, cast

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable

from tests.service.real_service import UNLIMITED, real_service

pytestmark = [pytest.mark.schemathesis, pytest.mark.slow]

EXAMPLES = int(os.environ.get("DUALBROKER_API_EXAMPLES", "8"))
"""Of each operation and mode."""


def test_no_fault_and_no_answer_that_is_not_described() -> None:
    import schemathesis
    from schemathesis.generation import GenerationMode

    with real_service(limits=UNLIMITED) as address:
        wanted = {"symbols": ["NIFTY", "NSE:RELIANCE-EQ"], "depth": True}
        httpx.post(f"{address}/api/subscriptions", json=wanted).raise_for_status()
        document = schemathesis.openapi.from_url(f"{address}/openapi.json")
        # An address that is too long is refused before anybody reads its parameters.
        document.config.checks.negative_data_rejection.expected_statuses += ["414"]
        asked = [cast(Any, result).ok() for result in document.get_all_operations()]
        assert len(asked) >= 20
        for operation in asked:
            for mode in GenerationMode:
                ask_all_kinds(operation, mode)


def ask_all_kinds(operation: Any, mode: Any) -> None:
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def ask(case: Any) -> None:
        case.call_and_validate()

    # What has no parameter can't be asked wrongly.
    with contextlib.suppress(*([Unsatisfiable] if mode.name == "NEGATIVE" else [])):
        ask()

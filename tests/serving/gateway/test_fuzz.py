"""Requests that nobody thought of: by the OpenAPI document, and never a fault of ours."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.serving.gateway.conftest import Asking

pytestmark = pytest.mark.slow

CHECKS = [
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
]


def test_no_request_makes_a_fault(asking: Asking) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", asking.client.app)
    operations = [each.ok() for each in schema.get_all_operations()]
    assert len(operations) == 19
    for operation in operations:
        fuzz(operation)


def fuzz(operation: Any) -> None:
    """Asks what the document of a route allows, and some of what it does not."""

    @given(case=operation.as_strategy())
    @settings(
        max_examples=20,
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: schemathesis.Case) -> None:
        case.validate_response(case.call(), checks=CHECKS)

    ask()

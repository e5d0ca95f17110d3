"""Schemathesis: cases made from the OpenAPI document, good and bad, held to all of its checks."""

import os
import time
from collections import Counter
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode

from tests.integration.http.operations import OPERATIONS, PUBLIC
from tests.reliability.scale import SEED, size, tell
from tests.reliability.test_fuzz import new_world

CASES = size(2_000, 15_000)
EACH = -(-CASES // (len(OPERATIONS) + len(PUBLIC)))

pytestmark = pytest.mark.filterwarnings("default")


@pytest.mark.parametrize("name", [*OPERATIONS, *PUBLIC])
def test_an_operation_does_what_its_description_says(name: str) -> None:
    """No server error, no status, type, header or body that is not described, no call let in that
    should not be, nothing refused that is described, nothing taken that is not.
    """
    app, tokens = new_world()
    schema = schemathesis.openapi.from_wsgi("/api/v2/openapi.json", app)
    statuses: Counter[int] = Counter()
    begun = time.perf_counter()
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        operation = schema.find_operation_by_id(name)
        ...

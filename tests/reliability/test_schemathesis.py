"""Schemathesis: cases made from the OpenAPI document, good and bad, held to all of its checks."""

import time
from collections import Counter
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS

from tests.integration.http.operations import OPERATIONS, OWN, PUBLIC
from tests.reliability.scale import SEED, size, tell
from tests.reliability.test_fuzz import new_world

CASES = size(2_000, 15_000)
JUDGED = {
    "finalizeReport",
    "generateReport",
    "listAuditEntries",
    "listRateCards",
    "previewReport",
    "putCustomer",
    "putRateCard",
    "putService",
    "startRun",
    "storeOrders",
    "storeProducts",
    "tryRates",
    "voidReport",
}
"""Operations whose well-formed input the domain may refuse with 400: a customer or service that
does not exist, a period that ends before it starts, an id that is not the path's, controls in a
text, 3.0 for an id, pages of one card, and the like."""

EACH = -(-CASES // (len(OPERATIONS) + len(PUBLIC)))


def known(case: Case[Any]) -> Case[Any]:
    """Return a good case about what is there: chance alone would hardly ever find it."""
    case.path_parameters = dict.fromkeys(case.path_parameters or {}, OWN)
    if isinstance(case.body, dict) and "customer_id" in case.body:
        case.body["customer_id"] = OWN
    return case


def left_out(name: str, case: Case[Any]) -> list[Any]:
    """Return the checks that say nothing about a case."""
    names = ["positive_data_acceptance"] if name in JUDGED else []
    query = dict(case.query or {})
    is_text = case.media_type in {"text/csv", "application/x-ndjson"}  # To a schema all are good.
    is_listed = query.get("on_error") == "skip"  # Bad rows are listed, not refused.
    is_not_sent = any(value in ([], {}, None) for value in query.values())
    if is_text or is_listed or is_not_sent:
        names.append("negative_data_rejection")
    return CHECKS.get_by_names(names)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", [*OPERATIONS, *PUBLIC])
def test_an_operation_does_what_its_description_says(name: str) -> None:
    """No server error, nothing answered that is not described, nobody let in who should not be."""
    app, tokens = new_world()
    schema = schemathesis.openapi.from_wsgi("/api/v2/openapi.json", app)
    operation = schema.find_operation_by_id(name)
    good, bad = (operation.as_strategy(mode) for mode in GenerationMode)
    statuses: Counter[int] = Counter()

    @seed(SEED)
    @settings(
        max_examples=EACH,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(good, good.map(known), bad, bad))
    def try_out(case: Case[Any]) -> None:
        response = case.call_and_validate(
            headers={"Authorization": tokens["good"]},
            excluded_checks=left_out(name, case),
        )
        statuses[response.status_code] += 1

    begun = time.perf_counter()
    try_out()
    tell(
        "schemathesis",
        operation=name,
        cases=statuses.total(),
        statuses=dict(sorted(statuses.items())),
        seconds=round(time.perf_counter() - begun, 1),
    )

"""Odd rates: whatever is sent where a card is taken, the answer is a cost or a sentence."""

import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from billing.adapters.memory import MemoryStorage
from billing.bootstrap import compose
from billing.entrypoints.http.app import create_app
from billing.entrypoints.tokens import SCOPES, issue
from billing.settings import Settings
from billing.testing.world import TickingClock
from tests.integration.http.contract import settle_contract
from tests.integration.http.worlds import API, JANUARY
from tests.unit.worked_example import ORDER, RATES

Path = tuple[str | int, ...]

UPS = {"field": "carrier", "op": "starts_with", "value": "u"}
SKU = {"field": "sku", "op": "only", "value": ["AB-1", "CD-2"]}
GROUP = {"one": [UPS, {"none": [SKU, {"not": {"field": "lines", "op": "missing"}}]}]}
CARD: list[dict[str, Any]] = [
    *RATES,
    {
        "service_id": 4,
        "price": {
            "model": "package",
            "measure": "units",
            "package_size": "10",
            "package_price": 4,
        },
        "when": GROUP,
        "skus": ["ab 1"],
        "maximum": "9.50",
    },
    {"service_id": 2, "price": {"model": "markup", "percent": 10}},
]
TRIED = {**ORDER, "charges": [{"service_id": 2, "amount": "4.20"}]}

WORDS = st.sampled_from(
    ["all", "not", "field", "op", "value", "tiers", "when", "price", "carrier", "units", "missing"]
)
NUMBERS = st.one_of(
    st.integers(),
    st.sampled_from([10**30, 2**63, -1, 1e-7, 1.5, 1e300]),
    st.sampled_from(["NaN", "1e5", "-0", "12.345", "٣", "1_0"]),
)
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=5), WORDS)
ODD = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(WORDS, st.text(max_size=3)), inner, max_size=3),
    ),
    max_leaves=6,
)


@cache
def client() -> FlaskClient:
    """Serve the worked contract from memory."""
    settings = Settings(jwt_secret="odd rates " * 4, rate_limit="999999999 per second")
    clock = TickingClock()
    app = create_app(settings, compose(MemoryStorage(), clock=clock))
    made = app.test_client()
    token = issue(settings, "alice", SCOPES, None, 300, clock.now())
    made.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    settle_contract(made)
    return made


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Return the way to everything within a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in inner:
        yield (*path, key)
        if isinstance(member, dict | list):
            yield from places(member, (*path, key))


@st.composite
def spoilt(draw: st.DrawFn, body: dict[str, Any]) -> dict[str, Any]:
    """Return a good body with up to three odd things in it, wherever."""
    spoilt_body = copy.deepcopy(body)
    for _ in range(draw(st.integers(1, 3))):
        *outer, last = draw(st.sampled_from(list(places(spoilt_body))))
        target: Any = spoilt_body
        for key in outer:
            target = target[key]
        if isinstance(target, dict) and draw(st.booleans()):
            target[draw(st.one_of(WORDS, st.text(max_size=3)))] = draw(ODD)
        else:
            target[last] = draw(ODD)
    return spoilt_body


def check_answered(method: str, path: str, body: object) -> None:
    """Send a body; it is taken, or refused with a sentence that says what is wrong."""
    response = client().open(
        API + path, method=method, data=json.dumps(body), content_type="application/json"
    )
    assert response.status_code in {200, 201, 400}, response.text
    answer = json.loads(response.data)
    assert isinstance(answer, dict)
    if response.status_code == 400:
        assert answer.keys() <= {"error", "details"}
        assert answer["error"]


@given(spoilt({"order": TRIED, "rates": CARD}))
def test_trying_odd_rates_is_answered(body: dict[str, Any]) -> None:
    """On a good order or an odd one."""
    check_answered("POST", "customers/1/rates/test/", body)


@given(spoilt({"customer_id": 1, **JANUARY, "rates": CARD, "services": [1, 5]}))
def test_previewing_odd_rates_is_answered(body: dict[str, Any]) -> None:
    """In whatever is odd about the period, too."""
    check_answered("POST", "reports/preview/", body)


@given(spoilt({"effective_from": "2023-02-01", "rates": CARD}))
def test_putting_odd_rates_is_answered(body: dict[str, Any]) -> None:
    """What is stored is read back, and prices the next order that is tried."""
    check_answered("PUT", "customers/1/rates/", body)
    check_answered("POST", "customers/1/rates/test/", {"order": {**TRIED, "order_date": None}})

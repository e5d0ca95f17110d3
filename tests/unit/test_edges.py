"""Edges: the largest and smallest that is taken, and what is left out, where amounts are made."""

from decimal import Decimal
from typing import Any

import pytest

from billing.adapters.memory import MemoryStorage
from billing.bootstrap import compose
from billing.domain.access import Access
from billing.domain.catalog import Service
from billing.domain.condition_tests import MAX_VALUES
from billing.domain.conditions import read_condition
from billing.domain.derived_prices import MAX_PERCENT, MAX_SERVICES
from billing.domain.errors import AmountTooLargeError, InvalidValueError
from billing.domain.money import currency_decimals, from_millionths, raw_text
from billing.domain.orders import Charge, Order
from billing.domain.period import BillingPeriod
from billing.domain.rate_reading import MODELS, read_price_model, read_rates
from billing.domain.strict_json import MAX_DEPTH, loads
from billing.domain.tiers import MAX_TIERS
from billing.testing.world import ACME, JANUARY, NOON, fill
from tests.unit.examples import check, order
from tests.unit.test_prices import EVERY, FLAT, GRADUATED, MARKUP, PERCENTAGE, VOLUME

CASES = {"field": "cases", "op": "ge", "value": 2}
"""A test that cannot be decided without the customer's products."""

PRODUCTS = {"ab1": 12}


@pytest.mark.parametrize(
    ("millionths", "text"), [(0, "0"), (10_000_000, "10"), (-10_000_000, "-10"), (1_500_000, "1.5")]
)
def test_a_whole_number_is_written_whole(millionths: int, text: str) -> None:
    """10, not 1E+1, wherever it is shown."""
    assert str(from_millionths(millionths)) == text


def test_a_currency_that_is_none_is_repeated_shortly() -> None:
    """Up to 50 characters of it."""
    with pytest.raises(InvalidValueError) as caught:
        currency_decimals("X" * 60)
    assert caught.value.problem.count("X") == 50


def test_nothing_has_no_sign() -> None:
    """0, not -0."""
    assert raw_text(0) == "0"


@pytest.mark.parametrize("data", EVERY, ids=lambda data: data["model"])
def test_a_price_without_a_part_of_it_is_refused(data: dict[str, Any]) -> None:
    """Each of its members is needed, and named when it is missing."""
    assert data["model"] in MODELS
    for name in data.keys() - {"model"}:
        without = {key: value for key, value in data.items() if key != name}
        with pytest.raises(InvalidValueError) as caught:
            read_price_model(without)
        assert caught.value.field == name
        assert "required" in caught.value.problem.lower()


@pytest.mark.parametrize("data", [PERCENTAGE, MARKUP], ids=lambda data: data["model"])
def test_a_percentage_has_a_largest_value(data: dict[str, Any]) -> None:
    """It is taken, and nothing above it."""
    read_price_model({**data, "percent": str(MAX_PERCENT)})
    with pytest.raises(InvalidValueError, match="percent"):
        read_price_model({**data, "percent": str(MAX_PERCENT + 1)})


def test_as_many_services_as_are_allowed_make_a_percentage() -> None:
    """And not one more."""
    services = list(range(1, MAX_SERVICES + 1))
    read_price_model({**PERCENTAGE, "of": services})
    with pytest.raises(InvalidValueError):
        read_price_model({**PERCENTAGE, "of": [*services, MAX_SERVICES + 1]})


@pytest.mark.parametrize("data", [GRADUATED, VOLUME], ids=lambda data: data["model"])
def test_as_many_tiers_as_are_allowed_make_a_price(data: dict[str, Any]) -> None:
    """And not one more."""
    tiers = [{"up_to": str(end), "unit_price": "1"} for end in range(1, MAX_TIERS + 1)]
    read_price_model({**data, "tiers": tiers})
    with pytest.raises(InvalidValueError):
        read_price_model({**data, "tiers": [*tiers, {"up_to": None, "unit_price": "1"}]})


@pytest.mark.parametrize(("field", "op"), [("carrier", "in"), ("sku", "contains")])
def test_as_many_values_as_are_allowed_make_a_test(field: str, op: str) -> None:
    """And not one more."""
    values = [f"X {number}" for number in range(MAX_VALUES)]
    read_condition(check(field, op, values))
    with pytest.raises(InvalidValueError):
        read_condition(check(field, op, [*values, "Y"]))


@pytest.mark.parametrize("word", ["all", "any", "none", "one"])
def test_groups_hand_on_the_products(word: str) -> None:
    """What is decided, what is missing and what was seen depend on them, at every level."""
    group = {word: [CASES, {word: [CASES]}, {"not": {word: [CASES]}}]}
    condition = read_condition(group)
    boxes = order({"AB-1": "24"})
    seen = condition.trace(boxes, PRODUCTS)
    assert seen["verdict"] is not None
    assert condition.missing(boxes, PRODUCTS) == ()
    assert condition.missing(boxes, {}) == ("SKU AB-1 has no product row",)
    assert seen[word][0]["saw"] == Decimal(2)
    assert seen[word][0]["verdict"] is True
    assert seen[word][1][word][0]["verdict"] is True


def test_a_list_of_values_counts_as_a_level() -> None:
    """A condition at the deepest level may hold a value there, but no list."""

    def nested(test: dict[str, Any], levels: int) -> dict[str, Any]:
        return test if levels == 0 else {"not": nested(test, levels - 1)}

    def is_taken(test: dict[str, Any], levels: int) -> bool:
        try:
            read_condition(nested(test, levels))
        except InvalidValueError:
            return False
        return True

    one, many = check("carrier", "eq", "UPS"), check("carrier", "in", ["UPS"])
    deepest = max(levels for levels in range(MAX_DEPTH + 1) if is_taken(one, levels))
    assert is_taken(many, deepest - 1)
    assert not is_taken(many, deepest)


def test_a_refusal_lists_what_may_be_said_instead() -> None:
    """Separated by commas, in the order of the documentation."""
    with pytest.raises(InvalidValueError, match="word alone: all, any, none, one, not"):
        read_condition({"all": [CASES], "any": [CASES]})
    with pytest.raises(InvalidValueError, match=r"use one of .*, carrier, "):
        read_condition(check("size", "eq", "L"))


def test_evidence_says_each_thing_once() -> None:
    """Also of the fields that it holds for every order and a condition reads as well."""
    storage = MemoryStorage()
    fill(storage)
    when = {"all": [check("reference_number", "missing", True), check("status", "missing", True)]}
    rates = read_rates([{"service_id": 1, "price": FLAT, "when": when}])
    billing = compose(storage)
    billing.rate_book.put(ACME, JANUARY.start, rates)
    report = billing.generator.generate(ACME, JANUARY)
    for page in billing.archive.open(report.id).section("evidence"):
        assert loads(b"[" + page + b"]")  # Refuses a key that comes twice.


@pytest.mark.parametrize("sign", [1, -1])
def test_an_amount_that_is_too_large_is_named(sign: int) -> None:
    """The order and the service that it is of, wherever that stands among the others."""
    storage = MemoryStorage()
    fill(storage)
    charges = (Charge(1, Decimal(5)), Charge(2, sign * Decimal(10) ** 13), Charge(3, Decimal(7)))
    with storage.transaction(Access.everything()) as tx:
        tx.services.save(Service(3, "Storage"))
        tx.orders.save(
            [Order(customer_id=ACME, order_id=9, order_date=NOON.date(), charges=charges)]
        )
    with pytest.raises(AmountTooLargeError, match="Order 9, service 2 exceeds"):
        compose(storage).generator.generate(ACME, BillingPeriod(NOON.date(), NOON.date()))

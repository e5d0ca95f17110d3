"""The contract engine: prices, conditions and costs are what the oracle says of every order."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from billing.domain.catalog import normalise_sku
from billing.domain.conditions import read_condition, verdict_on
from billing.domain.costs import cost_order
from billing.domain.derived_prices import Markup, Percentage
from billing.domain.explanation import explain_order
from billing.domain.money import to_millionths
from billing.domain.orders import Order
from billing.domain.rate_reading import read_price_model
from tests.properties import oracle
from tests.properties.applications import order_of, pricing_of
from tests.properties.oracle_conditions import VERDICTS, truth
from tests.properties.oracle_quantities import rounded
from tests.properties.strategies import CURRENCIES, Row, contracts, prices, products, rows
from tests.properties.strategies_of_conditions import deep_conditions
from tests.properties.strategies_of_values import decimals

RAW = 10**12
MILLION = 10**6
amounts_of_things = st.integers(1, 50 * MILLION) | st.integers(1, 10**15)


@given(prices(), amounts_of_things)
def test_integer_pricing_is_exact(data: Row, quantity: int) -> None:
    """Every model gives what fractions give, and its steps add up to it."""
    model = read_price_model(data)
    assert not isinstance(model, Percentage | Markup)
    price = model.compile()(quantity)
    try:
        expected = oracle.exact_price(data, Fraction(quantity, MILLION))
    except oracle.UnknownCostError:
        assert price is None
        return
    if data["model"] != "flat":  # Of a flat price the quantity is always 1.
        assert price is not None
        assert Fraction(price, RAW) == expected
    assert sum(step.raw for step in model.steps(quantity)) == price


@given(decimals(6, 0, 1_000_000), st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, 4))
def test_derived_pricing_is_exact(percent: str, minor: int, places: int) -> None:
    """A percentage and a markup of minor units, in currencies of any decimals."""
    amount, part = Fraction(minor, 10**places), Fraction(percent) / 100
    percentage = read_price_model({"model": "percentage", "percent": percent, "of": [1]})
    assert isinstance(percentage, Percentage)
    assert Fraction(percentage.raw(minor, places), RAW) == amount * part
    markup = read_price_model({"model": "markup", "percent": percent})
    assert isinstance(markup, Markup)
    assert Fraction(markup.raw(minor, places), RAW) == amount * (1 + part)


def traced(condition: Any, trace: Any, order: Order, sizes: Any) -> None:
    """Hold every part of a trace to the verdict of that part alone, compiled."""
    decided = verdict_on(read_condition(condition), order, sizes)
    assert trace["verdict"] is decided
    if "field" in condition:
        assert {name: trace[name] for name in ("field", "op", "value")} == condition
        return
    ((word, members),) = condition.items()
    parts = [(members, trace[word])] if word == "not" else zip(members, trace[word], strict=True)
    for member, part in parts:
        traced(member, part, order, sizes)


@given(deep_conditions, rows("USD"), products())
def test_conditions_decide_as_the_oracle_does(data: Any, row: Row, sizes: dict[str, int]) -> None:
    """However nested; the trace says the same of every part, and what is unknown says why."""
    condition, order = read_condition(data), order_of(row, "USD")
    known = {normalise_sku(sku): units for sku, units in sizes.items()}
    verdict = verdict_on(condition, order, known)
    assert verdict is VERDICTS[truth(data, row, sizes)]
    assert bool(condition.missing(order, known)) is (verdict is None)
    assert condition.as_json() == data
    traced(data, condition.trace(order, known), order, known)


def flat(service_id: int) -> Row:
    """Return a flat rate."""
    return {"service_id": service_id, "price": {"model": "flat", "amount": "5"}}


PERCENTAGE_FIRST = {
    "currency": "USD",
    "products": {},
    "rates": [
        {"service_id": 2, "price": {"model": "percentage", "percent": "10", "of": [1]}},
        flat(2),
        flat(1),
    ],
    "row": {"status": None, "charges": []},
}


@settings(max_examples=200)
@example(PERCENTAGE_FIRST)  # Worked out last, it still stands where the card has it.
@given(contracts())
def test_costs_are_what_the_oracle_says(contract: Row) -> None:
    """Lines with their order, quantity and rate, and the services that are withheld."""
    row, currency = contract["row"], contract["currency"]
    sizes = contract["products"]
    cost = cost_order(order_of(row, currency), pricing_of(contract["rates"], currency, sizes))
    expected = oracle.bill(row, contract["rates"], currency, sizes)
    if row["status"] in {"Cancelled", "canceled"}:
        assert cost == (0, (), ())
        return
    unit = 10 ** CURRENCIES[currency]
    assert [
        oracle.Line(
            line.service_id,
            Fraction(line.amount, unit),
            None if line.quantity is None else Fraction(line.quantity, MILLION),
            line.rate_index,
        )
        for line in cost.service_costs
    ] == expected.lines
    assert {problem.service_id for problem in cost.problems} == expected.withheld
    assert Fraction(cost.amount, unit) == sum(line.amount for line in expected.lines)


@given(contracts(), st.lists(rows("USD"), max_size=12))
def test_what_other_orders_cost_changes_nothing(contract: Row, others: list[Row]) -> None:
    """An order priced among others costs, and misses, what it does alone under the same card."""
    sizes, rates = contract["products"], contract["rates"]
    shared = pricing_of(rates, "USD", sizes)
    for row in others:
        order = order_of(row, "USD")
        alone = cost_order(order, pricing_of(rates, "USD", sizes))
        assert cost_order(order, shared) == cost_order(order, shared) == alone


@given(contracts())
def test_explanations_add_up_to_their_lines(contract: Row) -> None:
    """The lines are those that bill; each one's steps, bound and rounding make its amount."""
    row, currency = contract["row"], contract["currency"]
    order = order_of(row, currency)
    pricing = pricing_of(contract["rates"], currency, contract["products"])
    cost, explained = cost_order(order, pricing), explain_order(order, pricing)
    places = CURRENCIES[currency]
    assert [(c.service_id, int(c.amount.scaleb(places))) for c in explained.service_costs] == [
        (line.service_id, line.amount) for line in cost.service_costs
    ]
    assert explained.problems == cost.problems
    for line, shown in zip(cost.service_costs, explained.service_costs, strict=True):
        if line.rate_index is not None:
            add_up(shown.explanation, contract["rates"][line.rate_index], shown.amount, places)
            assert shown.explanation["rate"]["index"] == line.rate_index
    charged = {line.rate_index for line in cost.service_costs}
    silent = [rate["rate"]["index"] for rate in explained.not_charged]
    assert silent == [place for place in range(len(contract["rates"])) if place not in charged]
    for place in {*silent, *charged} - {None}:
        conditions_hold(contract, place, [*explained.service_costs, *explained.not_charged], order)


def add_up(explanation: Row, rate: Row, amount: Decimal, places: int) -> None:
    """Hold an explanation to its amount: steps, then minimum or maximum, then one rounding."""
    exact = sum((Fraction(step["amount"]) for step in explanation["steps"]), Fraction(0))
    if rate["price"]["model"] == "percentage":
        base = sum((Fraction(part["amount"]) for part in explanation["of"]), Fraction(0))
        assert exact == base * Fraction(rate["price"]["percent"]) / 100
    elif rate["price"]["model"] != "markup":
        assert exact == oracle.exact_price(rate["price"], Fraction(explanation["quantity"]))
    if explanation["minimum_applied"] is not None:
        assert Fraction(rate["minimum"]) == explanation["minimum_applied"] > exact
        exact = Fraction(rate["minimum"])
    if explanation["maximum_applied"] is not None:
        assert Fraction(rate["maximum"]) == explanation["maximum_applied"] < exact
        exact = Fraction(rate["maximum"])
    assert Fraction(explanation["before_rounding"]) == exact
    assert rounded(exact, places) == Fraction(amount) == Fraction(explanation["amount"])


def conditions_hold(contract: Row, place: int, shown: list[Any], order: Order) -> None:
    """Hold the shown condition of a rate to what it decides, compiled."""
    data = contract["rates"][place].get("when")
    known = {normalise_sku(sku): units for sku, units in contract["products"].items()}
    for entry in shown:
        explanation = entry if isinstance(entry, dict) else entry.explanation
        if explanation.get("rate", {}).get("index") == place:
            if data is None:
                assert explanation["condition"] is None
            else:
                traced(data, explanation["condition"], order, known)


@given(st.lists(st.tuples(st.sampled_from(["AB-1", "a b1", "C"]), st.integers(0, 10**9 - 1))))
def test_quantities_of_an_sku_add_up_over_the_lines(pairs: list[tuple[str, int]]) -> None:
    """Whatever the lines: full cases times their size and what is loose are all units."""
    items = [{"sku": sku, "quantity": format(Decimal(n).scaleb(-6), "f")} for sku, n in pairs]
    order = order_of({"items": items, "charges": []}, "USD")
    assert order.items is not None
    assert order.items.units == sum(n for _, n in pairs)
    by_sku = {sku: to_millionths(quantity) for sku, quantity in order.items.by_sku.items()}
    ab1 = sum(n for sku, n in pairs if sku != "C")
    c = sum(n for sku, n in pairs if sku == "C")
    assert by_sku == {key: total for key, total in {"ab1": ab1, "c": c}.items() if total}

"""Measures, prices and costs: what one order comes to."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from billing.domain.costs import OrderCost, compile_card, cost_order
from billing.domain.errors import AmountTooLargeError, InvalidValueError
from billing.domain.orders import Charge, Item, ItemLines, Order
from billing.domain.rate_reading import read_rates
from billing.domain.rates import RateCard, card_in_force

NOON = datetime(2023, 1, 1, 12, tzinfo=UTC)


def card(*rates: dict[str, Any], card_id: int = 7, day: date = date(2023, 1, 1)) -> RateCard:
    """Return a card of these rates."""
    return RateCard(card_id, 1, day, NOON, read_rates(list(rates)))


def unit(service_id: int, measure: str, price: str) -> dict[str, Any]:
    """Return a unit rate."""
    return {
        "service_id": service_id,
        "price": {"model": "unit", "measure": measure, "unit_price": price},
    }


def flat(service_id: int, amount: str) -> dict[str, Any]:
    """Return a flat rate."""
    return {"service_id": service_id, "price": {"model": "flat", "amount": amount}}


def order(*items: tuple[str, str], **fields: Any) -> Order:
    """Return an order with these item lines, or without any list of items."""
    lines = ItemLines.of(Item(sku, Decimal(quantity)) for sku, quantity in items) if items else None
    return Order(customer_id=1, order_id=1, **{"items": lines, **fields})


def lines(cost: OrderCost) -> list[tuple[int, int]]:
    """Return service and amount of each line."""
    return [(line.service_id, line.amount) for line in cost.service_costs]


@pytest.mark.parametrize(
    ("measure", "quantity"),
    [
        ("order", 1),
        ("lines", 4),
        ("units", Decimal("33.5")),
        ("skus", 2),
        ("packages", 2),
        ("weight_lb", Decimal("12.5")),
        ("volume_cuft", Decimal("0.75")),
    ],
)
def test_measures_count_what_they_say(measure: str, quantity: Decimal | int) -> None:
    """A line of quantity 0 counts as a line, not as an SKU; SKUs compare without case, spaces
    and hyphens.
    """
    counted = order(
        ("AB-1", "30"),
        ("ab 1", "3"),
        ("CD-2", "0.5"),
        ("EF-3", "0"),
        packages=Decimal(2),
        weight_lb=Decimal("12.5"),
        volume_cuft=Decimal("0.75"),
    )
    cost = cost_order(counted, compile_card(card(unit(1, measure, "1.00")), 2))
    assert lines(cost) == [(1, int(quantity * 100))]
    assert cost.service_costs[0].quantity == int(quantity * 1_000_000)
    assert cost.problems == ()


def test_totals_stand_in_where_items_are_missing() -> None:
    """`lines` and `units` come from line_items and total_item_qty when there is no item list."""
    summed = order(line_items=Decimal(3), total_item_qty=Decimal("7.5"))
    pricing = compile_card(card(unit(1, "lines", "1"), unit(2, "units", "1")), 2)
    assert lines(cost_order(summed, pricing)) == [(1, 300), (2, 750)]


def test_an_empty_item_list_is_known() -> None:
    """No items is a quantity of 0, which costs nothing and needs no attention."""
    empty = order(items=ItemLines("[]"), total_item_qty=Decimal(5))
    assert cost_order(empty, compile_card(card(unit(1, "units", "1")), 2)) == (0, (), ())


@pytest.mark.parametrize(
    ("measure", "problem"),
    [
        ("lines", "items and line_items are missing"),
        ("units", "items and total_item_qty are missing"),
        ("skus", "items are missing"),
        ("packages", "packages is missing"),
        ("weight_lb", "weight_lb is missing"),
        ("volume_cuft", "volume_cuft is missing"),
    ],
)
def test_missing_data_withholds_the_cost_and_says_so(measure: str, problem: str) -> None:
    """A missing quantity is never 0 and never 1; the rest of the order is billed."""
    pricing = compile_card(card(unit(1, measure, "0.10"), flat(2, "2.50")), 2)
    cost = cost_order(order(), pricing)
    assert lines(cost) == [(2, 250)]
    assert cost.problems == ((1, problem),)


def test_each_cost_is_rounded_once_half_up() -> None:
    """0.285 is 0.29 and 2.675 is 2.68, as no float says."""
    pricing = compile_card(card(unit(1, "units", "0.285"), unit(2, "units", "2.675")), 2)
    assert lines(cost_order(order(("A", "1")), pricing)) == [(1, 29), (2, 268)]


def test_costs_come_by_service_charges_before_rates() -> None:
    """Of one service the recorded charges come as given, then the rates as in the card."""
    pricing = compile_card(card(flat(3, "3"), flat(1, "1"), flat(3, "2")), 2)
    charged = order(
        charges=(
            Charge(3, Decimal("9.00")),
            Charge(2, Decimal("-4.20")),
            Charge(3, Decimal("8.00")),
        )
    )
    cost = cost_order(charged, pricing)
    assert lines(cost) == [(1, 100), (2, -420), (3, 900), (3, 800), (3, 300), (3, 200)]
    assert cost.amount == 1880
    assert [line.rate_index for line in cost.service_costs] == [1, None, None, None, 0, 2]


def test_a_cost_of_zero_makes_no_line() -> None:
    """Neither a charge of 0.00, nor a free rate, nor one that rounds to nothing."""
    pricing = compile_card(card(flat(1, "0"), unit(2, "units", "0.004")), 2)
    free = order(("A", "1"), charges=(Charge(3, Decimal("0.00")),))
    assert cost_order(free, pricing) == (0, (), ())


def test_kept_costs_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders that all differ push each other out, and cost the same when they come again."""
    monkeypatch.setattr("billing.domain.costs.COSTS_KEPT", 3)
    pricing = compile_card(card(unit(1, "units", "1")), 2)
    for _ in range(2):
        costs = [cost_order(order(("A", str(n))), pricing).amount for n in range(1, 9)]
        assert costs == [100 * n for n in range(1, 9)]
        assert len(pricing.known) <= 3


def test_a_cost_that_misses_something_is_not_kept() -> None:
    """What is missing may be thousands of SKUs; only what billing repeats is remembered."""
    pricing = compile_card(card(unit(1, "cases", "1")), 2)
    assert cost_order(order(("A", "1")), pricing).problems
    assert pricing.known == {}


def test_without_a_card_charges_alone_are_billed() -> None:
    """No card at all is no problem; none in force on the day is one."""
    charged = order(charges=(Charge(1, Decimal("5.00")),))
    assert cost_order(charged, compile_card(None, 2)).problems == ()
    cost = cost_order(charged, compile_card(None, 2, unpriced="no card"))
    assert (lines(cost), cost.problems) == ([(1, 500)], ((None, "no card"),))


def test_an_amount_past_exactness_is_refused() -> None:
    """A huge order raises instead of being billed imprecisely."""
    pricing = compile_card(card(unit(1, "units", "999999999999")), 2)
    with pytest.raises(AmountTooLargeError, match="Order 1, service 1"):
        cost_order(order(("A", "999999999")), pricing)


def test_pricing_reads_only_what_its_card_needs() -> None:
    """Storage fetches, and evidence keeps, the fields that the card's measures look at."""
    assert compile_card(card(flat(1, "1")), 2).reads == frozenset()
    reads = compile_card(card(unit(1, "units", "1"), unit(2, "weight_lb", "1")), 2).reads
    assert reads == {"items", "total_item_qty", "weight_lb"}


@pytest.mark.parametrize(
    ("rates", "place"),
    [
        ("x", "rates: Not a list"),
        ([1], r"rates\[0\]: Not a JSON object"),
        ([{}], r"rates\[0\]\.service_id: Missing"),
        ([flat(0, "1")], r"rates\[0\]\.service_id: Not a valid id"),
        ([flat(1, "1"), flat(2, "-1")], r"rates\[1\]\.price\.amount: Out of range"),
        ([flat(1, "1.1234567")], r"rates\[0\]\.price\.amount: Has more than 6"),
        ([{"service_id": 1, "price": {"model": "magic"}}], r"rates\[0\]\.price\.model: Unknown"),
        ([{"service_id": 1, "price": 5}], r"rates\[0\]\.price: Not a JSON object"),
        ([unit(1, "smiles", "1")], r"rates\[0\]\.price\.measure: Unknown measure"),
        ([flat(1, "1") | {"wen": {}}], r"rates\[0\]\.wen: Unknown field"),
    ],
)
def test_a_wrong_rate_is_refused_by_its_place(rates: Any, place: str) -> None:
    """Everything is checked when a card is made; the refusal names where."""
    with pytest.raises(InvalidValueError, match=place):
        read_rates(rates)


def test_rates_write_themselves_as_they_were_read() -> None:
    """JSON in, JSON out, prices as their own text."""
    rates = [flat(1, "2.50"), unit(2, "units", "0.035")]
    assert [rate.as_json() for rate in read_rates(rates)] == rates
    assert read_rates([flat(1, "2.5")]) == read_rates([flat(1, "2.50")])


def test_the_card_in_force_is_the_latest_started() -> None:
    """Of two cards for one day the later made prices."""
    cards = [
        card(card_id=1, day=date(2023, 1, 1)),
        card(card_id=2, day=date(2023, 3, 1)),
        card(card_id=3, day=date(2023, 3, 1)),
    ]
    found = [card_in_force(cards, date(2023, month, 1)) for month in (2, 3)]
    assert [c.id for c in found if c] == [1, 3]
    assert card_in_force(cards, date(2022, 12, 31)) is None

"""Order rows: warehouse exports become orders, or say what is wrong with them."""

import sys
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.adapters.memory import MemoryStorage
from billing.domain.bulk_intake import BulkIntake, Cells, IntakeResult, RowsRefusedError
from billing.domain.order_rows import OrderRows
from billing.domain.orders import Charge, Order
from billing.testing.world import ACME, EVERYTHING, WIDGETS, YEN, TickingClock, fill


@pytest.fixture
def storage() -> MemoryStorage:
    """Return the small world."""
    storage = MemoryStorage()
    fill(storage)
    return storage


def store(storage: MemoryStorage, *rows: Any, **options: Any) -> IntakeResult:
    """Take rows in."""
    return BulkIntake(storage, TickingClock()).store(rows, OrderRows(), **options)


def stored(storage: MemoryStorage, order_id: int, customer_id: int = ACME) -> Order:
    """Return an order as it is stored."""
    with storage.snapshot(EVERYTHING) as view:
        return view.orders.find(customer_id, order_id)


def row(order_id: int = 5, **fields: Any) -> dict[str, Any]:
    """Return a row of ACME's."""
    return {"customer_id": ACME, "order_id": order_id, **fields}


def test_all_but_the_key_may_be_missing(storage: MemoryStorage) -> None:
    """A bare key is an order; null and empty text are missing."""
    store(storage, row(5), row(6, carrier=" ", notes=None, items=None, weight_lb=None))
    assert stored(storage, 5) == Order(customer_id=ACME, order_id=5)
    assert stored(storage, 6) == Order(customer_id=ACME, order_id=6)


def test_other_names_of_warehouse_exports_load_as_they_are(storage: MemoryStorage) -> None:
    """transaction_id, close_date, ship_to_zip and sku_quantity are understood."""
    cells = Cells(
        customer_id=str(ACME),
        transaction_id="77",
        close_date="2023-04-01 23:30:00+00",
        ship_to_zip=" 00-001 ",
        sku_quantity='{"AB-1": 30, "CD-2": 0.5}',
        warehouse="B",
        carrier="",
    )
    result = store(storage, cells)
    order = stored(storage, 77)
    assert order.order_date == date(2023, 4, 1)
    assert order.ship_to_postal_code == "00-001"
    assert order.items is not None
    assert order.items.text == '[["AB-1",30],["CD-2",0.5]]'
    assert order.carrier is None
    assert result.ignored_columns == ["warehouse"]


def test_one_thing_under_two_names_is_refused(storage: MemoryStorage) -> None:
    """Which of the two would count is not guessed."""
    with pytest.raises(RowsRefusedError) as refused:
        store(storage, row(5, transaction_id=6))
    assert refused.value.result.errors[0].field == "transaction_id"


@pytest.mark.parametrize(
    ("text", "day", "customer_id"),
    [
        ("2023-04-01", date(2023, 4, 1), YEN),
        ("2023-04-01T23:30:00Z", date(2023, 4, 2), YEN),
        ("2023-04-01T23:30:00.123456+00:00", date(2023, 4, 2), WIDGETS),
        ("2023-04-01T23:30:00-05:00", date(2023, 4, 2), ACME),
        ("2023-04-02 00:30:00+0530", date(2023, 4, 1), ACME),
        ("2016-12-31t23:59:60z", date(2016, 12, 31), ACME),
        (None, None, ACME),
        ("", None, ACME),
    ],
)
def test_an_instant_falls_on_the_customers_day(
    storage: MemoryStorage, text: str | None, day: date | None, customer_id: int
) -> None:
    """The customer's time zone decides on which day an instant is billed."""
    store(storage, {"customer_id": customer_id, "order_id": 5, "order_date": text})
    assert stored(storage, 5, customer_id).order_date == day


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"order_id": "5"}, "order_id"),
        ({"order_id": None}, "order_id"),
        ({"customer_id": 999}, "customer_id"),
        ({"customer_id": [1]}, "customer_id"),
        ({"order_date": "2023-04-01T23:30:00"}, "order_date"),
        ({"order_date": "2023-02-30"}, "order_date"),
        ({"order_date": "2023-04-01T25:00:00Z"}, "order_date"),
        ({"order_date": "0001-01-01T00:00:00+14:00"}, "order_date"),
        ({"order_date": 5}, "order_date"),
        ({"weight_lb": -1}, "weight_lb"),
        ({"packages": "1_0"}, "packages"),
        ({"colour": "red"}, "colour"),
        ({"notes": "x" * 10_001}, "notes"),
        ({"items": {"AB-1": 30}}, "items"),
        ({"items": [{"sku": "A"}]}, "items[0].quantity"),
        ({"items": [{"sku": "A", "quantity": 1}, {"sku": " ", "quantity": 1}]}, "items[1].sku"),
        ({"items": [{"sku": "A", "quantity": 1, "x": 1}]}, "items[0].x"),
        ({"items": [5]}, "items[0]"),
        ({"charges": 5}, "charges"),
        ({"charges": [{"service_id": 1, "amount": "0.001"}]}, "charges[0].amount"),
        ({"charges": [{"service_id": 99, "amount": 1}]}, "charges[0].service_id"),
        ({"charges": [{"service_id": 1, "amount": None}]}, "charges[0].amount"),
    ],
)
def test_a_wrong_field_is_named(storage: MemoryStorage, fields: dict[str, Any], field: str) -> None:
    """The whole call is refused, the row counted, the field named, nothing stored."""
    with pytest.raises(RowsRefusedError, match="1 of 2 rows are invalid") as refused:
        store(storage, row(50), row(51) | fields)
    (error,) = refused.value.result.errors
    assert (error.row, error.field) == (2, field)
    with storage.snapshot(EVERYTHING) as view:
        assert view.orders.count(None, None, None) == 3


def test_charges_have_the_customers_decimals_and_may_be_credits(storage: MemoryStorage) -> None:
    """Yen have no decimals; a negative charge is a credit."""
    charges = [{"service_id": 1, "amount": 500}, {"service_id": 2, "amount": "-20"}]
    store(storage, {"customer_id": YEN, "order_id": 1, "charges": charges})
    assert stored(storage, 1, YEN).charges == (Charge(1, Decimal(500)), Charge(2, Decimal(-20)))
    with pytest.raises(RowsRefusedError):
        store(
            storage,
            {"customer_id": YEN, "order_id": 2, "charges": [{"service_id": 1, "amount": "0.5"}]},
        )


def test_every_problem_of_a_row_is_listed(storage: MemoryStorage) -> None:
    """A sender mends a row once, not field by field."""
    result = store(storage, row(5, weight_lb=-1, carrier=7), row(6), "not a row", skip_invalid=True)
    assert [(error.row, error.field) for error in result.errors] == [
        (1, "weight_lb"),
        (1, "carrier"),
        (3, None),
    ]
    assert (result.received, result.created, result.skipped) == (3, 1, 2)


def test_sending_the_same_again_changes_nothing(storage: MemoryStorage) -> None:
    """Equal rows are unchanged, other rows update, new ones are created."""
    rows = [row(5, items=[{"sku": "A", "quantity": 1}]), row(6, carrier="UPS")]
    assert store(storage, *rows).created == 2
    assert store(storage, *rows).unchanged == 2
    again = store(storage, rows[0], row(6, carrier="DHL"), row(7))
    assert (again.unchanged, again.updated, again.created) == (1, 1, 1)


def test_a_row_replaces_the_whole_order(storage: MemoryStorage) -> None:
    """What a later row leaves out is missing from then on."""
    store(storage, row(5, carrier="UPS", weight_lb=1))
    store(storage, row(5, weight_lb=2))
    assert stored(storage, 5).carrier is None


def test_a_key_given_twice_makes_the_later_row_invalid(storage: MemoryStorage) -> None:
    """Two customers may have the same order id; one customer may not, within a call."""
    result = store(
        storage,
        row(5, carrier="first"),
        {"customer_id": WIDGETS, "order_id": 5},
        row(5, carrier="second"),
        skip_invalid=True,
    )
    assert [(error.row, error.field) for error in result.errors] == [(3, "order_id")]
    assert stored(storage, 5).carrier == "first"


def test_a_quantity_that_cannot_even_be_written_is_refused(storage: MemoryStorage) -> None:
    """One nested as deep as the parser takes, or of more digits than Python writes."""
    deep: list[Any] = []
    for _ in range(sys.getrecursionlimit()):
        deep = [deep]
    for quantity in (deep, 10**5_000):
        items = [{"sku": "A", "quantity": quantity}]
        result = store(storage, row(items=items), row(6), skip_invalid=True)
        assert [(error.row, error.field) for error in result.errors] == [(1, "items[0].quantity")]


def test_only_the_first_hundred_errors_are_listed(storage: MemoryStorage) -> None:
    """All invalid rows are counted all the same."""
    result = store(storage, *[row(-n) for n in range(1, 1_200)], row(5), skip_invalid=True)
    assert (len(result.errors), result.skipped, result.created) == (100, 1_199, 1)


def test_a_dry_run_counts_and_keeps_nothing(storage: MemoryStorage) -> None:
    """The answer is that of a real run, the storage as before."""
    assert store(storage, row(5), dry_run=True).created == 1
    with storage.snapshot(EVERYTHING) as view:
        assert view.orders.count(None, None, None) == 3


def test_a_charge_fixes_the_customers_currency(storage: MemoryStorage) -> None:
    """From the first charge on the currency stays; orders without charges fix nothing."""
    store(storage, {"customer_id": YEN, "order_id": 1})
    assert YEN not in storage._state.currency_fixed
    store(storage, {"customer_id": YEN, "order_id": 1, "charges": [{"service_id": 1, "amount": 5}]})
    assert YEN in storage._state.currency_fixed

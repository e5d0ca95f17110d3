"""Reconciliation: the state of each order, what changed, and what does not count as a change."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.adapters.memory import MemoryStorage
from billing.bootstrap import Billing, compose
from billing.domain.access import Access
from billing.domain.audit import Author
from billing.domain.errors import CustomerNotFoundError
from billing.domain.order_changes import Change
from billing.domain.order_states import OrderState, ReconciledOrder
from billing.domain.orders import Charge, Item, ItemLines, Order
from billing.domain.period import BillingPeriod
from billing.domain.rate_reading import read_rates
from billing.domain.reconciliation import ReconciliationError
from billing.domain.report_lifecycle import Terms
from billing.testing.world import (
    ACME,
    EVERYTHING,
    JANUARY,
    NOON,
    WIDGETS,
    TickingClock,
    fill,
    order,
)

ACCEPT = Terms(accept_exceptions=True, reason="agreed")
BY = Author("anyone")
FEBRUARY = BillingPeriod(date(2023, 2, 1), date(2023, 2, 28))
WHOLE = Order(
    ACME,
    1,
    reference_number="PO-1",
    order_date=date(2023, 1, 15),
    status="shipped",
    carrier="UPS",
    notes="by hand",
    ship_to_city="Łódź",
    weight_lb=Decimal("12.5"),
    items=ItemLines.of([Item("AB-1", Decimal(10))]),
    charges=(Charge(2, Decimal("4.20")),),
)
HEAVY_IN_TOWN = read_rates(
    [
        {
            "service_id": 1,
            "price": {"model": "unit", "measure": "weight_lb", "unit_price": "1"},
            "when": {"not": {"field": "ship_to_city", "op": "eq", "value": "Kraków"}},
        },
        {"service_id": 2, "price": {"model": "unit", "measure": "units", "unit_price": "0.35"}},
    ]
)


@pytest.fixture
def app() -> Billing:
    """Return the application with the small world in it."""
    app = compose(MemoryStorage(), clock=TickingClock())
    fill(app.storage)
    return app


def save(app: Billing, *orders: Order) -> None:
    """Store orders."""
    with app.storage.transaction(EVERYTHING) as tx:
        tx.orders.save(orders)


def final(app: Billing, **wanted: Any) -> int:
    """Bill January of ACME for good."""
    report = app.generator.generate(ACME, JANUARY, **wanted)
    return app.lifecycle.finalize(report.id, author=BY, terms=ACCEPT).id


def reconciled(
    app: Billing, period: BillingPeriod | None = None, customer_id: int | None = ACME
) -> dict[int, ReconciledOrder]:
    """Return the orders by id."""
    taken: list[ReconciledOrder] = []
    app.reconciliation.run(taken.append, period=period, customer_id=customer_id)
    assert len({order.order_id for order in taken}) == len(taken)
    return {order.order_id: order for order in taken}


def whole_is_final(app: Billing) -> None:
    """Bill WHOLE by a card that reads its weight, city and items."""
    with app.storage.transaction(EVERYTHING) as tx:
        tx.rate_cards.add(ACME, date(2023, 1, 1), HEAVY_IN_TOWN, NOON)
    save(app, WHOLE)
    final(app)


def test_an_order_goes_through_its_states(app: Billing) -> None:
    """Untouched, in a draft, billed, and open again when the report is void."""
    assert reconciled(app)[1].state is OrderState.UNTOUCHED
    first = app.generator.generate(ACME, JANUARY)
    second = app.generator.generate(ACME, JANUARY)
    drafted = reconciled(app)[1]
    assert (drafted.state, drafted.reports) == (OrderState.DRAFT, (first.id, second.id))
    assert drafted.amount == Decimal("6.00")
    app.lifecycle.finalize(first.id, author=BY)
    billed = reconciled(app)[1]
    assert (billed.state, billed.reports, billed.amount) == (
        OrderState.BILLED,
        (first.id,),
        Decimal("6.00"),
    )
    app.lifecycle.void(first.id, author=BY, reason="wrong")
    assert reconciled(app)[1].reports == (second.id,)
    app.lifecycle.void(second.id, author=BY, reason="wrong")
    assert reconciled(app)[1] == ReconciledOrder(ACME, 1, date(2023, 1, 15), OrderState.UNTOUCHED)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"order_date": None}, [("order_date", "2023-01-15", None)]),
        ({"order_date": date(2023, 2, 1)}, [("order_date", "2023-01-15", "2023-02-01")]),
        ({"reference_number": None}, [("reference_number", "PO-1", None)]),
        ({"status": "Cancelled"}, [("status", "shipped", "Cancelled")]),
        ({"charges": ()}, [("charges", "service 2: 4.20", None)]),
        (
            {"charges": (Charge(1, Decimal("-1.00")), Charge(2, Decimal("4.20")))},
            [("charges", "service 2: 4.20", "service 1: -1.00, service 2: 4.20")],
        ),
        ({"weight_lb": Decimal(13)}, [("weight_lb", "12.5", "13")]),
        ({"weight_lb": None}, [("weight_lb", "12.5", None)]),
        ({"items": None}, [("items", "10 of AB-1", None)]),
        (
            {"items": ItemLines.of([Item("AB-1", Decimal("0.5")), Item("x y", Decimal(2))])},
            [("items", "10 of AB-1", "0.5 of AB-1, 2 of x y")],
        ),
        ({"ship_to_city": "Gdynia"}, [("ship_to_city", "Łódź", "Gdynia")]),
        (
            {"status": "open", "weight_lb": Decimal(1)},
            [("status", "shipped", "open"), ("weight_lb", "12.5", "1")],
        ),
    ],
)
def test_what_changed_since_it_was_billed(
    app: Billing, changes: dict[str, Any], expected: list[tuple[str, str | None, str | None]]
) -> None:
    """Field by field, as text; it keeps the report and the amount."""
    whole_is_final(app)
    save(app, WHOLE._replace(**changes))
    found = reconciled(app)[1]
    assert found.state is OrderState.CHANGED
    assert [tuple(change) for change in found.changes] == expected
    assert (found.reports, found.amount) == ((1,), Decimal("20.20"))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"carrier": "DHL"},
        {"notes": "other"},
        {"weight_lb": Decimal("12.500000")},
        {"charges": (Charge(2, Decimal("4.2")),)},
    ],
)
def test_what_the_bill_did_not_read_is_no_change(app: Billing, changes: dict[str, Any]) -> None:
    """Evidence does not keep it, and the amount does not depend on it; nor do ways to write."""
    whole_is_final(app)
    save(app, WHOLE._replace(**changes))
    assert reconciled(app)[1].state is OrderState.BILLED


def test_a_purge_is_no_change(app: Billing) -> None:
    """Not even of a field that the pricing read."""
    whole_is_final(app)
    assert app.purge.run(date(2023, 2, 1)).orders == 1
    assert reconciled(app)[1].state is OrderState.BILLED


def test_data_that_came_after_an_accepted_exception_is_a_change(app: Billing) -> None:
    """A weight was missing when it was billed; its exception is still said."""
    whole_is_final(app)
    save(app, order(ACME, 2, day=3)._replace(weight_lb=Decimal(1)))
    found = reconciled(app)[2]
    assert found.state is OrderState.CHANGED
    assert found.changes == (Change("weight_lb", None, "1"),)
    assert found.exception is not None


def test_exceptions_say_why(app: Billing) -> None:
    """Of a final report, why it was accepted; of a draft, what the newest one says."""
    lost = Order(ACME, 3, order_date=date(2023, 1, 4))
    save(app, lost)
    app.generator.generate(ACME, JANUARY)
    in_draft = reconciled(app)[3]
    assert (in_draft.state, in_draft.reports) == (OrderState.EXCEPTION, (1,))
    assert in_draft.exception is not None
    assert in_draft.exception.problems == ("items and total_item_qty are missing",)
    assert (in_draft.amount, in_draft.accepted) == (Decimal("2.50"), None)
    app.lifecycle.finalize(1, author=BY, terms=ACCEPT)
    accepted = reconciled(app)[3]
    assert (accepted.state, accepted.reports) == (OrderState.EXCEPTION, (1,))
    assert (accepted.amount, accepted.accepted) == (Decimal("2.50"), "agreed")


def test_the_newest_draft_decides(app: Billing) -> None:
    """An exception that was mended since is in a draft, and in both drafts."""
    save(app, Order(ACME, 3, order_date=date(2023, 1, 4)))
    app.generator.generate(ACME, JANUARY)
    save(app, order(ACME, 3, day=4))
    app.generator.generate(ACME, JANUARY)
    found = reconciled(app)[3]
    assert (found.state, found.reports) == (OrderState.DRAFT, (1, 2))
    assert found.amount == Decimal("6.00")


def test_a_partial_draft_holds_nothing(app: Billing) -> None:
    """It can never become final."""
    app.generator.generate(ACME, JANUARY, services=[1])
    assert reconciled(app)[1].state is OrderState.UNTOUCHED


def test_cancelled_and_undated_orders(app: Billing) -> None:
    """Cancelled comes first; a draft that holds them all the same is named."""
    save(app, order(ACME, 3), order(ACME, 4))
    app.generator.generate(ACME, JANUARY)
    save(
        app,
        order(ACME, 3)._replace(status="canceled", order_date=None),
        order(ACME, 4)._replace(order_date=None),
        order(ACME, 5)._replace(status="CANCELLED"),
    )
    found = reconciled(app, FEBRUARY)
    assert {key: (o.state, o.reports) for key, o in found.items()} == {
        3: (OrderState.CANCELLED, (1,)),
        4: (OrderState.UNDATED, (1,)),
    }
    assert reconciled(app)[5] == ReconciledOrder(ACME, 5, date(2023, 1, 15), OrderState.CANCELLED)


def test_an_order_that_was_cancelled_when_its_period_was_billed(app: Billing) -> None:
    """The report does not claim it: restored, it is untouched and late."""
    save(app, order(ACME, 3)._replace(status="cancelled"))
    final(app)
    assert reconciled(app)[3].state is OrderState.CANCELLED
    assert not reconciled(app)[3].is_late
    save(app, order(ACME, 3))
    found = reconciled(app)[3]
    assert (found.state, found.is_late, found.reports) == (OrderState.UNTOUCHED, True, ())


def test_late_orders_show_up(app: Billing) -> None:
    """Until a report of just the unbilled ones is final; one outside the period is not late."""
    final(app)
    save(app, order(ACME, 8, day=31), order(ACME, 9)._replace(order_date=date(2023, 2, 1)))
    found = reconciled(app)
    assert [o.order_id for o in found.values() if o.is_late] == [8]
    app.generator.generate(ACME, JANUARY, only_unbilled=True)
    drafted = reconciled(app)[8]
    assert (drafted.state, drafted.is_late, drafted.reports) == (OrderState.DRAFT, True, (2,))
    app.lifecycle.finalize(2, author=BY)
    assert reconciled(app)[8] == ReconciledOrder(
        ACME, 8, date(2023, 1, 31), OrderState.BILLED, (2,), Decimal("6.00")
    )
    assert not reconciled(app)[9].is_late


def test_orders_are_of_the_period_that_they_are_dated_in_now(app: Billing) -> None:
    """One that moved after it was billed is a change of the month it moved to."""
    final(app)
    save(app, order(ACME, 1)._replace(order_date=date(2023, 2, 5)))
    assert sorted(reconciled(app, JANUARY)) == [2]
    (moved,) = reconciled(app, FEBRUARY).values()
    assert (moved.order_id, moved.state, moved.reports) == (1, OrderState.CHANGED, (1,))


def test_sums_are_by_customer(app: Billing) -> None:
    """Counts and amounts, in the customer's currency; customers without orders are left out."""
    final(app)
    save(app, order(ACME, 8), order(ACME, 9)._replace(order_date=None))
    app.generator.generate(WIDGETS, JANUARY)
    acme, widgets = app.reconciliation.run(lambda _: None, period=JANUARY)
    assert (acme.customer.id, dict(acme.orders), acme.late) == (
        ACME,
        {OrderState.BILLED: 2, OrderState.UNTOUCHED: 1, OrderState.UNDATED: 1},
        1,
    )
    assert (acme.billed_amount, acme.draft_amount) == (Decimal("12.00"), Decimal("0.00"))
    assert acme.amount(OrderState.BILLED) == Decimal("12.00")
    assert (widgets.customer.currency, dict(widgets.orders)) == ("EUR", {OrderState.DRAFT: 1})
    assert (widgets.billed_amount, widgets.draft_amount) == (Decimal(0), Decimal("2.50"))


def test_nobody_reconciles_anothers_orders(app: Billing) -> None:
    """With an access, other customers do not exist."""
    taken: list[ReconciledOrder] = []
    only = Access.only([WIDGETS])
    app.reconciliation.run(taken.append, access=only)
    assert {order.customer_id for order in taken} == {WIDGETS}
    with pytest.raises(CustomerNotFoundError):
        app.reconciliation.run(taken.append, customer_id=ACME, access=only)


def released(app: Billing) -> None:
    """Free an order of the final report behind its back."""
    with app.storage.transaction(EVERYTHING) as tx:
        tx.claims.release(1)


def claimed_by_none(app: Billing) -> None:
    """Let a report that is not there claim an order."""
    with app.storage.transaction(EVERYTHING) as tx:
        tx.orders.save([order(ACME, 3)])
        tx.claims.add(ACME, 99, [3])


@pytest.mark.parametrize("damage", [released, claimed_by_none])
def test_what_does_not_add_up_is_said(app: Billing, damage: Callable[[Billing], None]) -> None:
    """Claims that contradict the reports are never reported as if all were well."""
    final(app)
    damage(app)
    app.generator.generate(ACME, JANUARY)
    if damage is released:  # Billed in the evidence of report 1, free, and in no other report.
        with app.storage.transaction(EVERYTHING) as tx:
            tx.claims.add(ACME, 1, [1])
    with pytest.raises(ReconciliationError, match="Customer 123 has"):
        reconciled(app)

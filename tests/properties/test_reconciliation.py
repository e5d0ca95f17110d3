"""Reconciliation: whatever happened, every order is in exactly one state, and sums add up."""

from contextlib import suppress
from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.bootstrap import Billing
from billing.domain.errors import BillingError
from billing.domain.order_changes import ALWAYS_KEPT
from billing.domain.order_rows import OrderRows
from billing.domain.order_states import OrderState, ReconciledOrder
from billing.domain.orders import PERSONAL_FIELDS, Order
from billing.domain.period import BillingPeriod
from billing.domain.report import ReportHeadline, ReportStatus
from billing.domain.report_query import Slice
from billing.testing.world import EVERYTHING
from tests.properties.applications import FIRST, LAST, WHOLE, World, application
from tests.properties.strategies import worlds
from tests.properties.test_lifecycle_invariants import Step, days, numbers, reports_of, steps

Orders = dict[int, Order]


def _replace(order_id: int, day: int | None, quantity: int) -> Step:
    row = {
        "customer_id": 1,
        "order_id": order_id,
        "order_date": None if day is None else f"2023-01-{day:02}",
        "total_item_qty": quantity,
        "line_items": 1,
    }
    return lambda app: app.intake.store([row], OrderRows())


def _store_again(order_id: int) -> Step:
    """Store an order as it is: what is written again did not change."""

    def again(app: Billing) -> None:
        with app.storage.transaction(EVERYTHING) as tx:
            tx.orders.save(list(tx.orders.known(1, [order_id], Order._fields).values()))

    return again


def _bill_the_rest(first: int, last: int) -> Step:
    period = BillingPeriod(date(2023, 1, min(first, last)), date(2023, 1, max(first, last)))
    return lambda app: app.generator.generate(1, period, only_unbilled=True)


def _purge(day: int) -> Step:
    return lambda app: app.purge.run(date(2023, 1, day))


ids = st.integers(1, 12)
more_steps = st.one_of(
    steps,
    steps,
    st.builds(_replace, ids, st.none() | days, numbers),
    st.builds(_store_again, ids),
    st.builds(_bill_the_rest, days, days),
    st.builds(_purge, days),
)


@settings(max_examples=80)
@given(worlds(), st.lists(more_steps, min_size=4, max_size=25), days, days)
def test_every_order_is_in_one_state_and_sums_add_up(
    world: World, tried: list[Step], first: int, last: int
) -> None:
    """Over all orders and over a period: the orders are those that came in, each once; states
    are what claims and documents say; amounts are what final reports bill.
    """
    app = application(world)
    billed_as: dict[int, Orders] = {}
    with suppress(BillingError):
        app.generator.generate(1, WHOLE)
    for step in tried:
        for report in reports_of(app):
            billed_as.setdefault(report.id, orders_of(app))
        with suppress(BillingError):
            step(app)
    for report in reports_of(app):
        billed_as.setdefault(report.id, orders_of(app))

    present = orders_of(app)
    found = reconciled(app, None)
    assert sorted(found) == sorted(present)
    for order_id, order in found.items():
        check_state(app, present[order_id], order, billed_as)
    finals = [r for r in reports_of(app) if r.status is ReportStatus.FINAL]
    assert sum(
        (o.amount or Decimal(0) for o in found.values() if is_claimed(app, o.order_id)), Decimal(0)
    ) == sum((r.total_amount for r in finals), Decimal(0))

    period = BillingPeriod(FIRST.replace(day=min(first, last)), LAST.replace(day=max(first, last)))
    part = reconciled(app, period)
    assert part == {
        order_id: order
        for order_id, order in found.items()
        if order.order_date is None or order.order_date in period
    }


def reconciled(app: Billing, period: BillingPeriod | None) -> dict[int, ReconciledOrder]:
    """Reconcile, and hold the sums to the orders."""
    taken: list[ReconciledOrder] = []
    sums = app.reconciliation.run(taken.append, period=period)
    by_id = {order.order_id: order for order in taken}
    assert len(by_id) == len(taken)
    if not taken:
        assert sums == []
        return by_id
    (of_customer,) = sums
    assert of_customer.orders.total() == len(taken)
    assert of_customer.late == sum(order.is_late for order in taken)
    for state in OrderState:
        mine = [order.amount or Decimal(0) for order in taken if order.state is state]
        assert of_customer.orders[state] == len(mine)
        assert of_customer.amount(state) == sum(mine, Decimal(0))
    whole = sum((order.amount or Decimal(0) for order in taken), Decimal(0))
    assert of_customer.billed_amount + of_customer.draft_amount == whole
    return by_id


def check_state(
    app: Billing, now: Order, order: ReconciledOrder, billed_as: dict[int, Orders]
) -> None:
    """Say which state an order is in from what the archive and the claims say of it."""
    claim = claim_of(app, now.order_id)
    assert order.order_date == now.order_date
    if claim is None:
        check_open(app, now, order)
        return
    then = billed_as[claim][now.order_id]
    assert order.reports == (claim,)
    assert not order.is_late
    if then == now:
        assert order.state is not OrderState.CHANGED
    if any(getattr(then, name) != getattr(now, name) for name in ALWAYS_KEPT):
        assert order.state is OrderState.CHANGED
    for change in order.changes:
        before, after = getattr(then, change.field), getattr(now, change.field)
        assert before != after
        assert after is not None or change.field not in PERSONAL_FIELDS
    if order.state is not OrderState.CHANGED:
        excepted = now.order_id in exceptions_of(app, claim)
        assert order.state is (OrderState.EXCEPTION if excepted else OrderState.BILLED)


def check_open(app: Billing, now: Order, order: ReconciledOrder) -> None:
    """Say which state an order is in that no final report claims."""
    reports = reports_of(app)
    drafts = [
        report.id
        for report in reports
        if report.status is ReportStatus.DRAFT
        and report.services is None
        and now.order_id in held_by(app, report)
    ]
    assert order.reports == tuple(drafts)
    assert order.is_late == (
        not now.is_cancelled
        and now.order_date is not None
        and any(r.status is ReportStatus.FINAL and now.order_date in r.period for r in reports)
    )
    if now.is_cancelled:
        assert order.state is OrderState.CANCELLED
    elif now.order_date is None:
        assert order.state is OrderState.UNDATED
    elif not drafts:
        assert order.state is OrderState.UNTOUCHED
    else:
        excepted = now.order_id in exceptions_of(app, drafts[-1])
        assert order.state is (OrderState.EXCEPTION if excepted else OrderState.DRAFT)


def held_by(app: Billing, report: ReportHeadline) -> set[int]:
    """Return the orders that a report is about, as its document shows them."""
    document = app.archive.open(report.id)
    return {order.order_id for order in document.orders()} | set(exceptions_of(app, report.id))


def exceptions_of(app: Billing, report_id: int) -> set[int]:
    """Return the orders that a report does not, or not fully, bill."""
    exceptions = app.archive.open(report_id).exceptions()
    return {exception.order_id for exception in exceptions if exception.reason != "cancelled"}


def orders_of(app: Billing) -> Orders:
    """Return the orders as they are."""
    with app.storage.snapshot(EVERYTHING) as view:
        return {order.order_id: order for order in view.orders.page(1, None, None, Slice())}


def claim_of(app: Billing, order_id: int) -> int | None:
    """Return the report that claims an order."""
    with app.storage.snapshot(EVERYTHING) as view:
        return view.claims.known(1, [order_id]).get(order_id)


def is_claimed(app: Billing, order_id: int) -> bool:
    """Tell whether a final report claims an order."""
    return claim_of(app, order_id) is not None

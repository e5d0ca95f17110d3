"""Lifecycle invariants: whatever is tried in whatever order, no order is billed twice."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.bootstrap import Billing
from billing.domain.audit import Author
from billing.domain.errors import BillingError
from billing.domain.order_rows import OrderRows
from billing.domain.period import BillingPeriod
from billing.domain.report import ReportHeadline, ReportStatus
from billing.domain.report_lifecycle import Terms
from billing.domain.report_query import ReportOrder, ReportQuery
from billing.testing.world import EVERYTHING
from tests.properties.applications import FIRST, LAST, WHOLE, World, application
from tests.properties.strategies import worlds

AUTHOR = Author("anyone")
Step = Callable[[Billing], object]

days = st.integers(FIRST.day, LAST.day)
numbers = st.integers(1, 8)


def _generate(first: int, last: int, services: list[int] | None) -> Step:
    period = BillingPeriod(date(2023, 1, min(first, last)), date(2023, 1, max(first, last)))
    return lambda app: app.generator.generate(1, period, services=services)


def _finalize(number: int, supersedes: int | None, accept: bool) -> Step:
    def finalize(app: Billing) -> object:
        old = supersedes and _pick(app, supersedes)
        terms = Terms(accept_exceptions=accept, reason="agreed", supersedes=old)
        return app.lifecycle.finalize(_pick(app, number), author=AUTHOR, terms=terms)

    return finalize


def _void(number: int) -> Step:
    return lambda app: app.lifecycle.void(_pick(app, number), author=AUTHOR, reason="wrong")


def _pick(app: Billing, number: int) -> int:
    """Return the id of one of the reports there are."""
    return 1 + number % max(app.archive.count(ReportQuery()), 1)


def _change(order_id: int, row: dict[str, Any]) -> Step:
    changed = {"customer_id": 1, "order_id": order_id, **row}
    return lambda app: app.intake.store([changed], OrderRows())


changes = st.fixed_dictionaries(
    {"order_date": days.map(lambda day: f"2023-01-{day:02d}")},
    optional={"status": st.sampled_from(["cancelled", "open"]), "total_item_qty": numbers},
)
steps = st.one_of(
    st.builds(_generate, days, days, st.none() | st.lists(numbers, max_size=2)),
    st.builds(_finalize, numbers, st.none() | numbers, st.booleans()),
    st.builds(_finalize, numbers, st.none(), st.just(True)),
    st.builds(_void, numbers),
    st.builds(_change, st.integers(1, 12), changes),
)


@settings(max_examples=60)
@given(worlds(), st.lists(steps, min_size=4, max_size=25))
def test_an_order_is_billed_by_one_final_report(world: World, tried: list[Step]) -> None:
    """After each step final reports hold exactly their orders, no two the same, others none;
    what was refused changed nothing; and every report proves itself in the end.
    """
    app = application(world)
    with suppress(BillingError):
        for _ in range(2):
            app.generator.generate(1, WHOLE)
    for step in tried:
        before = state_of(app)
        try:
            step(app)
        except BillingError:
            assert state_of(app) == before
        check_claims(app)
    assert [v for v in app.verification.verify_all() if v.difference is not None] == []


def reports_of(app: Billing) -> list[ReportHeadline]:
    """Return all reports by id."""
    return list(app.archive.find(ReportQuery(order_by=ReportOrder("id"))))


def state_of(app: Billing) -> Any:
    """Return what a step may change of reports: their headlines, claims and histories."""
    reports = reports_of(app)
    with app.storage.snapshot(EVERYTHING) as view:
        claims = view.claims.known(1, range(1, 100_000))
    return reports, claims, [len(app.lifecycle.history(report.id)) for report in reports]


def check_claims(app: Billing) -> None:
    """Compare the claims with what the final reports say themselves."""
    expected: dict[int, int] = {}
    for report in reports_of(app):
        if report.status is ReportStatus.FINAL:
            document = app.archive.open(report.id)
            mine = {order.order_id for order in document.orders()}
            mine |= {e.order_id for e in document.exceptions() if e.reason != "cancelled"}
            assert mine.isdisjoint(expected)
            expected |= dict.fromkeys(mine, report.id)
    with app.storage.snapshot(EVERYTHING) as view:
        assert view.claims.known(1, range(1, 100_000)) == expected

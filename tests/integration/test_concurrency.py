"""Writers at once: every call tells the truth of what it did, and nothing is made twice."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import TypeVar

import pytest

from billing.adapters.sql.storage import SqlStorage
from billing.bootstrap import Billing, compose
from billing.domain.audit import Author
from billing.domain.bulk_intake import IntakeResult
from billing.domain.catalog import Customer, Service
from billing.domain.errors import OrdersClaimedError, ReportConflictError, ReportMoveError
from billing.domain.order_rows import OrderRows
from billing.domain.report_lifecycle import Terms
from billing.domain.repositories import Outcome
from billing.testing.world import ACME, EVERYTHING, JANUARY, RATES, fill, order

WRITERS = 8

T = TypeVar("T")


@pytest.fixture(params=["sqlite", "postgresql"])
def app(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_url: Callable[[], str]
) -> Iterator[Billing]:
    """Return an application over each database, with the small world in it."""
    url = f"sqlite:///{tmp_path}/billing.db" if request.param == "sqlite" else postgres_url()
    storage = SqlStorage.open(url)
    storage.upgrade()
    fill(storage)
    yield compose(storage)
    storage.close()


def at_once(work: Callable[[int], T]) -> list[T]:
    """Run the work in several threads and return what each got."""
    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(work, range(WRITERS)))


def test_a_customer_is_made_once(app: Billing) -> None:
    """Of several upserts of one new id exactly one is told that it made it; none fails."""

    def save(_: int) -> Outcome:
        with app.storage.transaction(EVERYTHING) as tx:
            tx.customers.known([4000])
            return tx.customers.save(Customer(4000, "Race"))

    assert Counter(at_once(save)) == {Outcome.CREATED: 1, Outcome.UNCHANGED: WRITERS - 1}


def test_a_service_is_made_once(app: Billing) -> None:
    """The same for services, with other names: one makes it, the others change it."""

    def save(number: int) -> Outcome:
        with app.storage.transaction(EVERYTHING) as tx:
            return tx.services.save(Service(4000, f"Race {number}"))

    assert Counter(at_once(save)) == {Outcome.CREATED: 1, Outcome.UPDATED: WRITERS - 1}


def test_an_equal_card_is_added_once(app: Billing) -> None:
    """Whoever comes second finds the card in force and adds nothing."""

    def put(_: int) -> bool:
        return app.rate_book.put(ACME, date(2024, 1, 1), RATES[:1])[1]

    assert sorted(at_once(put)) == [False] * (WRITERS - 1) + [True]
    assert len(app.rate_book.cards(ACME)) == 2


def test_counts_of_equal_calls_add_up(app: Billing) -> None:
    """Each order is created once, whoever is told so; for the others it is unchanged."""
    rows = [{"customer_id": ACME, "order_id": 5000 + number} for number in range(99)]

    def store(_: int) -> IntakeResult:
        return app.intake.store(rows, OrderRows())

    results = at_once(store)
    assert sum(result.created for result in results) == 99
    assert sum(result.updated for result in results) == 0
    assert sum(result.unchanged for result in results) == 99 * (WRITERS - 1)


def outcome(move: Callable[[], object]) -> str:
    """Make a move and return how it ended."""
    try:
        move()
    except ReportConflictError as refused:
        return type(refused).__name__
    return "done"


def finalize(app: Billing, report_id: int, supersedes: int | None = None) -> str:
    """Finalize a report and return how it ended."""
    author, terms = Author("racer"), Terms(supersedes=supersedes)
    return outcome(lambda: app.lifecycle.finalize(report_id, author=author, terms=terms))


def drafts(app: Billing, count: int) -> list[int]:
    """File so many drafts over the same 3,000 orders, whose ids and dates go opposite ways."""
    many = [order(ACME, number, day=31 - number // 100) for number in range(1, 3_001)]
    with app.storage.transaction(EVERYTHING) as tx:
        tx.orders.save(many)
    return [app.generator.generate(ACME, JANUARY).id for _ in range(count)]


def check_claims(app: Billing, report_ids: list[int]) -> list[int]:
    """Check that final reports hold their orders and no other any; return the final ones."""
    with app.storage.snapshot(EVERYTHING) as view:
        reports = [view.reports.find(report_id) for report_id in report_ids]
        for report in reports:
            held = report.order_count if report.status == "final" else 0
            assert view.claims.count(report.id) == held
    return [report.id for report in reports if report.status == "final"]


def test_overlapping_reports_become_final_once(app: Billing) -> None:
    """Of several finalized at once exactly one wins; the others are told who holds the orders."""
    reports = drafts(app, WRITERS)
    ends = at_once(lambda number: finalize(app, reports[number]))
    assert Counter(ends) == {"done": 1, OrdersClaimedError.__name__: WRITERS - 1}
    assert check_claims(app, reports) == [reports[ends.index("done")]]


def test_a_report_is_finalized_once(app: Billing) -> None:
    """Whoever asks for the same at once is answered; it happened once."""
    (report,) = drafts(app, 1)
    assert at_once(lambda _: finalize(app, report)) == ["done"] * WRITERS
    assert len(app.lifecycle.history(report)) == 1
    assert check_claims(app, [report]) == [report]


def test_a_report_is_superseded_once(app: Billing) -> None:
    """Of several that supersede one final report at once exactly one takes its orders."""
    old, *reports = drafts(app, WRITERS + 1)
    assert finalize(app, old) == "done"
    ends = at_once(lambda number: finalize(app, reports[number], old))
    assert Counter(ends) == {"done": 1, ReportMoveError.__name__: WRITERS - 1}
    assert check_claims(app, [old, *reports]) == [reports[ends.index("done")]]


def test_reports_that_supersede_each_other_do_not_deadlock(app: Billing) -> None:
    """One of the two is final in the end, and the other is void."""
    reports = drafts(app, 2)

    def supersede_the_next(number: int) -> str:
        mine, other = reports[number % 2], reports[1 - number % 2]
        return finalize(app, mine, other)

    ends = at_once(supersede_the_next)
    (final,) = check_claims(app, reports)
    assert Counter(ends) == {"done": WRITERS // 2, ReportMoveError.__name__: WRITERS // 2}
    assert ends[reports.index(final)] == "done"


def test_voiding_and_finalizing_at_once_leave_no_claim_behind(app: Billing) -> None:
    """Whichever comes first: in the end it is void, once, and holds nothing."""
    (report,) = drafts(app, 1)

    def move(number: int) -> str:
        if number % 2:
            return finalize(app, report)
        author = Author("racer")
        return outcome(lambda: app.lifecycle.void(report, author=author, reason="race"))

    ends = at_once(move)
    assert ends[::2].count("done") == 1
    assert check_claims(app, [report]) == []
    voided = [e for e in app.lifecycle.history(report) if e.action == "report.voided"]
    assert len(voided) == 1

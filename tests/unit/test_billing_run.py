"""Billing runs: started once, billed customer by customer, and never twice."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from billing.adapters.memory import MemoryStorage
from billing.bootstrap import Billing, compose
from billing.domain.access import Access
from billing.domain.audit import Author
from billing.domain.billing_run import (
    MAX_TRIES,
    ItemKey,
    ItemState,
    Run,
    RunClashError,
    RunNotFoundError,
    RunState,
    RunStateError,
    Tally,
)
from billing.domain.catalog import Customer
from billing.domain.errors import (
    AmountTooLargeError,
    CustomerNotFoundError,
    InvalidValueError,
    StorageUnavailableError,
)
from billing.domain.orders import Order
from billing.domain.period import BillingPeriod
from billing.domain.ports import Repositories
from billing.domain.report import ReportStatus
from billing.domain.report_lifecycle import Terms
from billing.domain.report_query import ReportQuery, Slice
from billing.domain.run_control import GIVEN_UP, NothingToBillError
from billing.domain.run_request import RunOptions, RunRequest
from billing.domain.run_worker import UNEXPECTED
from billing.testing.world import (
    ACME,
    EVERYTHING,
    JANUARY,
    NOON,
    RATES,
    WIDGETS,
    YEN,
    TickingClock,
    fill,
    order,
)

REQUEST = RunRequest(period=JANUARY)


class Noted:
    """A queue that notes its hints, and breaks when it is told to."""

    def __init__(self) -> None:
        self.hints: list[ItemKey] = []
        self.broken = False

    def hint(self, items: Sequence[ItemKey], /) -> None:
        if self.broken:
            raise ConnectionError
        self.hints += items


@pytest.fixture
def queue() -> Noted:
    """Note the hints."""
    return Noted()


@pytest.fixture
def billing(queue: Noted) -> Billing:
    """Compose the application over the small world."""
    storage = MemoryStorage()
    fill(storage)
    return compose(storage, clock=TickingClock(), queue=queue)


def work(billing: Billing) -> list[int]:
    """Work until nothing waits; the customers worked on, in their order."""
    worked = []
    while (key := billing.run_worker.work()) is not None:
        worked.append(key.customer_id)
    return worked


def errors(billing: Billing, run: Run) -> dict[int, str | None]:
    """Return why items failed, by customer."""
    return {item.customer_id: item.error for item in billing.runs.items(run.id) if item.error}


def reports(billing: Billing) -> list[int]:
    """Return the customers of all reports."""
    return [report.customer_id for report in billing.archive.find(ReportQuery())]


def test_a_run_takes_the_customers_with_orders_in_the_period(
    billing: Billing, queue: Noted
) -> None:
    """Largest first; each gets one report, and the run adds up."""
    run = billing.runs.start(REQUEST)
    assert (run.state, run.total) == (RunState.QUEUED, 2)
    assert queue.hints == [ItemKey(run.id, ACME), ItemKey(run.id, WIDGETS)]
    assert work(billing) == [ACME, WIDGETS]
    run = billing.runs.find(run.id)
    assert run.state is RunState.DONE
    assert run.totals == {"USD": Decimal("12.00"), "EUR": Decimal("2.50")}
    assert run.started_at is not None
    assert run.finished_at is not None
    assert sorted(reports(billing)) == [ACME, WIDGETS]


def test_named_customers_are_billed_with_or_without_orders(billing: Billing) -> None:
    """As generate does; one that does not exist refuses the whole run."""
    run = billing.runs.start(RunRequest(period=JANUARY, customers=(YEN, WIDGETS, YEN)))
    assert work(billing) == [WIDGETS, YEN]
    assert billing.runs.find(run.id).state is RunState.DONE
    with pytest.raises(CustomerNotFoundError, match="999"):
        billing.runs.start(RunRequest(period=JANUARY, customers=(ACME, 999)))
    with pytest.raises(CustomerNotFoundError, match=str(ACME)):
        billing.runs.start(
            RunRequest(period=JANUARY, customers=(ACME,)), access=Access.only([WIDGETS])
        )


def test_an_access_narrows_a_run(billing: Billing) -> None:
    """Without named customers it takes those that exist for the caller."""
    mine = Access.only([WIDGETS])
    run = billing.runs.start(RunRequest(period=JANUARY, within=(WIDGETS,)), access=mine)
    assert work(billing) == [WIDGETS]
    assert billing.runs.find(run.id, access=mine).total == 1
    with pytest.raises(RunNotFoundError):
        billing.runs.find(run.id, access=Access.only([ACME]))


def test_a_run_of_nobody_is_refused(billing: Billing) -> None:
    """A month without orders is more likely a mistake than a bill."""
    empty = BillingPeriod(date(1999, 1, 1), date(1999, 1, 31))
    with pytest.raises(NothingToBillError):
        billing.runs.start(RunRequest(period=empty))


def test_what_a_run_cannot_do_is_refused(billing: Billing) -> None:
    """Never ignored: a report that is not final looks like one that is."""
    options = RunOptions(services=(1,), finalize=True)
    with pytest.raises(InvalidValueError, match="finalize"):
        billing.runs.start(RunRequest(period=JANUARY, options=options))


def test_a_run_of_what_is_unbilled_leaves_out_the_rest(billing: Billing) -> None:
    """What a final report claims is not billed again, and the others are, once and for all."""
    first = billing.generator.generate(ACME, JANUARY)
    terms = Terms(accept_exceptions=True, reason="agreed")
    billing.lifecycle.finalize(first.id, author=Author("alice"), terms=terms)
    run = billing.runs.start(
        RunRequest(period=JANUARY, customers=(ACME,), options=RunOptions(only_unbilled=True))
    )
    work(billing)
    (item,) = billing.runs.items(run.id)
    assert item.report_id is not None
    late = billing.archive.read(item.report_id)
    assert (late.orders, late.headline.order_count) == ((), 0)


def test_a_run_of_what_is_unbilled_takes_whom_it_concerns(billing: Billing) -> None:
    """Without named customers: nobody whose orders are all billed or cancelled."""
    options = RunOptions(only_unbilled=True)
    billed = billing.generator.generate(ACME, JANUARY)
    terms = Terms(accept_exceptions=True, reason="agreed")
    billing.lifecycle.finalize(billed.id, author=Author("alice"), terms=terms)
    run = billing.runs.start(RunRequest(period=JANUARY, options=options))
    assert [item.customer_id for item in billing.runs.items(run.id)] == [WIDGETS]
    empty = BillingPeriod(date(1999, 1, 1), date(1999, 1, 31))
    with pytest.raises(NothingToBillError, match="unbilled orders"):
        billing.runs.start(RunRequest(period=empty, options=options))


def test_the_same_request_is_the_same_run_while_it_lives(billing: Billing) -> None:
    """After it a new one begins; one that overlaps is refused."""
    first = billing.runs.start(REQUEST)
    assert billing.runs.start(REQUEST).id == first.id
    with pytest.raises(RunClashError, match=f"run {first.id}"):
        billing.runs.start(RunRequest(period=JANUARY, customers=(WIDGETS,)))
    work(billing)
    assert billing.runs.start(REQUEST).id != first.id


def test_one_customer_never_stops_the_others(
    billing: Billing, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A refusal is kept in its words, a fault in neutral ones, and the log has the fault."""
    prepare = billing.generator.prepare

    def broken(customer_id: int, *args: object, **options: object) -> object:
        if customer_id == ACME:
            raise AmountTooLargeError("The report")
        if customer_id == WIDGETS:
            raise ZeroDivisionError("secret detail")
        return prepare(customer_id, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(billing.generator, "prepare", broken)
    run = billing.runs.start(RunRequest(period=JANUARY, customers=(ACME, WIDGETS, YEN)))
    assert work(billing) == [ACME, WIDGETS, YEN]
    assert errors(billing, run) == {
        ACME: str(AmountTooLargeError("The report")),
        WIDGETS: UNEXPECTED,
    }
    assert "secret detail" in caplog.text
    run = billing.runs.find(run.id)
    assert (run.state, run.count(ItemState.DONE)) == (RunState.FAILED, 1)
    assert reports(billing) == [YEN]

    monkeypatch.undo()
    assert billing.runs.retry(run.id).state is RunState.QUEUED
    assert work(billing) == [ACME, WIDGETS]
    assert billing.runs.find(run.id).state is RunState.DONE
    assert errors(billing, run) == {}
    assert sorted(reports(billing)) == sorted([ACME, WIDGETS, YEN])


def test_cards_are_pinned_when_the_run_starts(billing: Billing) -> None:
    """A card put while it lives does not count in it; one retried, it does."""
    run = billing.runs.start(REQUEST)
    billing.rate_book.put(ACME, date(2023, 1, 1), RATES[:1])
    work(billing)
    assert billing.runs.find(run.id).totals["USD"] == Decimal("12.00")
    assert billing.generator.generate(ACME, JANUARY).total_amount == Decimal("5.00")


def test_a_customer_without_a_card_stays_without_one(billing: Billing) -> None:
    """Its first card, put after the start, does not count either."""
    with billing.storage.transaction(EVERYTHING) as tx:
        tx.orders.save([order(YEN, 1)])
    run = billing.runs.start(RunRequest(period=JANUARY, customers=(YEN,)))
    billing.rate_book.put(YEN, date(2023, 1, 1), RATES[1:])
    work(billing)
    assert billing.runs.find(run.id).totals == {"JPY": Decimal(0)}


def test_a_retry_pins_anew(billing: Billing, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a mended card helps."""
    run = billing.runs.start(RunRequest(period=JANUARY, customers=(ACME,)))
    with monkeypatch.context() as patch:
        patch.setattr(billing.generator, "prepare", _refuse)
        work(billing)
    billing.rate_book.put(ACME, date(2023, 1, 1), RATES[:1])
    billing.runs.retry(run.id)
    work(billing)
    assert billing.runs.find(run.id).totals == {"USD": Decimal("5.00")}


def test_only_failed_items_are_retried(billing: Billing) -> None:
    """Without one, or in a cancelled run, there is nothing to retry."""
    run = billing.runs.start(REQUEST)
    with pytest.raises(RunStateError, match="no failed items"):
        billing.runs.retry(run.id)
    billing.runs.cancel(run.id)
    with pytest.raises(RunStateError, match="is cancelled"):
        billing.runs.retry(run.id)
    with pytest.raises(RunNotFoundError):
        billing.runs.retry(999)


def test_a_retry_hints_its_own_items(
    billing: Billing, queue: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers elsewhere hear of them like of new ones, whatever waits of other runs."""
    billing.runs.start(RunRequest(period=JANUARY, customers=(YEN,)))
    run = billing.runs.start(RunRequest(period=JANUARY, customers=(ACME,)))
    with monkeypatch.context() as patch:
        patch.setattr(billing.generator, "prepare", _refuse)
        billing.run_worker.work(ItemKey(run.id, ACME))
    billing.runs.start(RunRequest(period=JANUARY, customers=(WIDGETS,)))
    queue.hints.clear()
    billing.runs.retry(run.id)
    assert queue.hints == [ItemKey(run.id, ACME)]


def test_a_cancelled_run_files_nothing_more(
    billing: Billing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the report that is being made: it is rolled back."""
    run = billing.runs.start(REQUEST)
    file = billing.generator.file

    def late(*args: object) -> object:
        filed = file(*args)  # type: ignore[arg-type]
        tx = args[1]
        assert tx.runs.cancel(run.id, NOON)  # type: ignore[attr-defined]
        return filed

    monkeypatch.setattr(billing.generator, "file", late)
    billing.run_worker.work()
    assert reports(billing) == []
    monkeypatch.undo()
    assert billing.runs.cancel(run.id).state is RunState.CANCELLED
    assert billing.runs.cancel(run.id).state is RunState.CANCELLED
    assert work(billing) == []
    assert reports(billing) == []


def test_a_run_that_is_done_cannot_be_cancelled(billing: Billing) -> None:
    """Its reports are filed: they are to be voided one by one."""
    run = billing.runs.start(REQUEST)
    work(billing)
    with pytest.raises(RunStateError, match="is done"):
        billing.runs.cancel(run.id)


def test_a_message_does_what_is_left_to_do(billing: Billing) -> None:
    """Delivered twice or for something gone, it does nothing."""
    run = billing.runs.start(REQUEST)
    key = ItemKey(run.id, WIDGETS)
    assert billing.run_worker.work(key) == key
    assert billing.run_worker.work(key) is None
    assert billing.run_worker.work(ItemKey(999, WIDGETS)) is None
    assert reports(billing) == [WIDGETS]


def test_a_broken_queue_breaks_no_run(billing: Billing, queue: Noted) -> None:
    """The run is started, and a sweep hints again."""
    queue.broken = True
    run = billing.runs.start(REQUEST)
    queue.broken = False
    assert billing.runs.sweep() == 2
    assert queue.hints == [ItemKey(run.id, ACME), ItemKey(run.id, WIDGETS)]


class Flaky(MemoryStorage):
    """Memory whose report transactions fail as often as it is told to."""

    faults = 0

    @contextmanager
    def transaction(self, access: Access, /) -> Iterator[Repositories]:  # type: ignore[override]
        with super().transaction(access) as tx:
            before = tx.reports.count(ReportQuery())
            yield tx
            if self.faults and tx.reports.count(ReportQuery()) != before:
                self.faults -= 1
                raise StorageUnavailableError


def flaky(faults: int) -> Billing:
    """Compose the application over a storage that fails so often."""
    storage = Flaky()
    fill(storage)
    storage.faults = faults
    return compose(storage, clock=TickingClock())


def test_a_passing_fault_is_tried_again() -> None:
    """Each item ends with one report."""
    billing = flaky(MAX_TRIES - 1)
    run = billing.runs.start(REQUEST)
    assert len(work(billing)) == MAX_TRIES - 1 + 2
    assert billing.runs.find(run.id).state is RunState.DONE
    assert sorted(reports(billing)) == [ACME, WIDGETS]


def test_a_lasting_fault_is_given_up() -> None:
    """The item fails with the reason when the next sweep passes, and can be retried."""
    billing = flaky(MAX_TRIES)
    run = billing.runs.start(RunRequest(period=JANUARY, customers=(ACME,)))
    assert work(billing) == [ACME] * MAX_TRIES
    assert billing.runs.find(run.id).state is RunState.RUNNING
    billing.runs.sweep()
    assert billing.runs.find(run.id).state is RunState.FAILED
    assert errors(billing, run) == {ACME: GIVEN_UP}
    billing.runs.retry(run.id)
    assert work(billing) == [ACME]
    assert billing.runs.find(run.id).state is RunState.DONE


def test_a_run_whose_last_worker_died_is_ended_by_the_sweep(billing: Billing) -> None:
    """Killed after its report was stored, and before the run was ended."""
    run = billing.runs.start(RunRequest(period=JANUARY, customers=(ACME,)))
    with billing.storage.transaction(EVERYTHING) as tx:
        item = tx.run_work.take(60, NOON)
        assert item is not None
        tx.run_work.fail(item, "It broke", 1)
    assert billing.runs.find(run.id).state is RunState.RUNNING
    assert billing.runs.sweep() == 0
    assert billing.runs.find(run.id).state is RunState.FAILED


RUN = Run(
    id=7,
    period=JANUARY,
    options=RunOptions(),
    state=RunState.RUNNING,
    created_at=NOON,
    started_at=NOON,
    finished_at=None,
    tallies={},
    totals={},
)


@pytest.mark.parametrize(
    ("done", "running", "queued", "seconds"),
    [
        pytest.param(Tally(), Tally(2, 10), Tally(5, 50), None, id="nothing done"),
        pytest.param(Tally(2, 800, 1000), Tally(), Tally(5, 5), None, id="nobody at work"),
        pytest.param(Tally(2, 800, 1000), Tally(1, 900), Tally(5, 8_500), 10, id="one at work"),
        pytest.param(Tally(2, 800, 1000), Tally(2, 800), Tally(5, 8_500), 5, id="two at work"),
        pytest.param(Tally(1, 0, 1), Tally(1, 0), Tally(), 1, id="rounded up"),
    ],
)
def test_the_time_left_goes_by_orders(
    done: Tally, running: Tally, queued: Tally, seconds: int | None
) -> None:
    """At the pace of those done, shared by the items at work; unknown before there is one."""
    tallies = {ItemState.DONE: done, ItemState.RUNNING: running, ItemState.QUEUED: queued}
    assert replace(RUN, tallies=tallies).eta_seconds == seconds
    assert replace(RUN, tallies=tallies, state=RunState.DONE).eta_seconds is None


def test_a_run_as_json() -> None:
    """The members in their order; totals by currency, exact."""
    run = replace(
        RUN,
        state=RunState.FAILED,
        finished_at=NOON + timedelta(seconds=90),
        tallies={ItemState.DONE: Tally(2, 5, 9), ItemState.FAILED: Tally(1, 1, 1)},
        totals={"USD": Decimal("12.50"), "JPY": Decimal(7)},
    )
    assert list(run.as_json().items()) == [
        ("id", 7),
        ("state", "failed"),
        ("total", 3),
        ("done", 2),
        ("failed", 1),
        ("started_at", "2023-02-01T12:00:00Z"),
        ("finished_at", "2023-02-01T12:01:30Z"),
        ("eta_seconds", None),
        ("totals", {"JPY": Decimal(7), "USD": Decimal("12.50")}),
        ("created_at", "2023-02-01T12:00:00Z"),
        ("start_date", "2023-01-01"),
        ("end_date", "2023-01-31"),
        ("only_unbilled", False),
        ("finalize", False),
    ]
    with pytest.raises(AmountTooLargeError, match="run 7"):
        replace(run, totals={"JPY": Decimal(10**15)}).as_json()


def test_many_named_customers_are_looked_up_in_parts(billing: Billing) -> None:
    """No list is too long for the database."""
    with billing.storage.transaction(EVERYTHING) as tx:
        for number in range(1, 2_101):
            tx.customers.save(Customer(number, f"Customer {number}"))
    named = tuple(range(1, 2_101))
    assert billing.runs.start(RunRequest(period=JANUARY, customers=named)).total == 2_100
    with billing.storage.snapshot(EVERYTHING) as view:
        assert len(list(view.runs.items(1, Slice()))) == 2_100


FINAL = RunOptions(finalize=True)


def test_reports_become_final_in_the_name_of_who_started_the_run(billing: Billing) -> None:
    """In the same transaction: each claims its orders."""
    alice = Author("alice", "request-1")
    run = billing.runs.start(RunRequest(period=JANUARY, options=FINAL, author=alice))
    work(billing)
    assert billing.runs.find(run.id).state is RunState.DONE
    for report in billing.archive.find(ReportQuery()):
        assert report.status is ReportStatus.FINAL
        assert [move.author for move in billing.lifecycle.history(report.id)] == [alice]


def test_a_report_that_cannot_be_final_is_not_filed(billing: Billing) -> None:
    """Its customer fails with the reason, and the others become final."""
    first = billing.generator.generate(ACME, JANUARY)
    billing.lifecycle.finalize(first.id, author=Author("alice"))
    run = billing.runs.start(RunRequest(period=JANUARY, options=FINAL))
    work(billing)
    assert billing.runs.find(run.id).state is RunState.FAILED
    assert errors(billing, run) == {
        ACME: "Final reports already bill orders of this report: 1 (report 1), 2 (report 1)"
    }
    assert sorted(reports(billing)) == [ACME, WIDGETS]
    billing.lifecycle.void(first.id, author=Author("alice"), reason="Wrong")
    billing.runs.retry(run.id)
    work(billing)
    assert billing.runs.find(run.id).state is RunState.DONE


def test_exceptions_keep_a_report_from_becoming_final(billing: Billing) -> None:
    """A run accepts none: somebody has to look at them."""
    with billing.storage.transaction(EVERYTHING) as tx:
        tx.orders.save([Order(customer_id=ACME, order_id=3, order_date=JANUARY.start)])
    run = billing.runs.start(RunRequest(period=JANUARY, options=FINAL))
    work(billing)
    error = errors(billing, run)[ACME]
    assert error is not None
    assert error.startswith("1 order is not, or not fully, billed by this report: ")
    assert reports(billing) == [WIDGETS]


def _refuse(*_: object, **__: object) -> object:
    raise AmountTooLargeError("The report")

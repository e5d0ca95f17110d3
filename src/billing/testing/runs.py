"""StorageContract, part four: billing runs, for those who start and watch them."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from billing.domain.access import Access
from billing.domain.billing_run import (
    ItemKey,
    ItemState,
    Run,
    RunClashError,
    RunItem,
    RunNotFoundError,
    RunState,
    Tally,
)
from billing.domain.ports import Storage
from billing.domain.report_query import Slice
from billing.domain.run_request import RunOptions, RunRequest
from billing.testing.run_world import (
    FEBRUARY,
    ITEMS,
    LATER,
    fail_one,
    finish_one,
    found,
    settle,
    start,
)
from billing.testing.world import (
    ACME,
    EVERYTHING,
    JANUARY,
    NOON,
    RATES,
    WIDGETS,
    YEN,
    fill,
)


class RunsContract:
    """What every Storage does with runs, and whom it shows them to."""

    @pytest.fixture
    def filled(self, storage: Storage) -> Storage:
        """Return the storage with the small world in it."""
        fill(storage)
        return storage

    def test_a_new_run_reads_back(self, filled: Storage) -> None:
        """Its request, its options and its items, in the states that they begin in."""
        options = RunOptions(services=(1, 2))
        run_id = start(filled, RunRequest(period=JANUARY, options=options))
        assert found(filled, run_id) == Run(
            id=run_id,
            period=JANUARY,
            options=options,
            state=RunState.QUEUED,
            created_at=NOON,
            started_at=None,
            finished_at=None,
            tallies={ItemState.QUEUED: Tally(3, 3, 0)},
            totals={},
        )
        with filled.snapshot(EVERYTHING) as view:
            items = list(view.runs.items(run_id, Slice()))
            assert items == [
                RunItem(customer_id, ItemState.QUEUED, None, None)
                for customer_id in (ACME, WIDGETS, YEN)
            ]
            assert list(view.runs.items(run_id, Slice(1, 1))) == items[1:2]
            assert list(view.runs.items(run_id + 1, Slice())) == []
            with pytest.raises(RunNotFoundError):
                view.runs.find(run_id + 1)

    def test_a_run_that_is_billed_adds_up(self, filled: Storage) -> None:
        """Tallies by state with orders and time, totals by currency, and every report named."""
        run_id = start(filled)
        for _ in ITEMS:
            finish_one(filled)
        settle(filled, run_id)
        run = found(filled, run_id)
        assert (run.state, run.started_at, run.finished_at) == (RunState.DONE, NOON, LATER)
        assert run.tallies == {ItemState.DONE: Tally(3, 3, 750)}
        assert run.totals == {"USD": Decimal("12.00"), "EUR": Decimal("2.50"), "JPY": Decimal(0)}
        with filled.snapshot(EVERYTHING) as view:
            for item in view.runs.items(run_id, Slice()):
                assert item.report_id is not None
                assert view.reports.find(item.report_id).customer_id == item.customer_id

    def test_runs_are_listed_newest_first(self, filled: Storage) -> None:
        """Each with its own tallies; a part of the list is that part."""
        runs = [start(filled, RunRequest(period=p)) for p in (JANUARY, FEBRUARY)]
        finish_one(filled, ItemKey(runs[0], ACME))
        with filled.snapshot(EVERYTHING) as view:
            listed = list(view.runs.page(Slice()))
            assert [run.id for run in listed] == runs[::-1]
            assert listed == [view.runs.find(run_id) for run_id in runs[::-1]]
            assert list(view.runs.page(Slice(1, 1))) == listed[1:]
            assert view.runs.count() == 2

    def test_a_run_that_touches_a_hidden_customer_does_not_exist(self, filled: Storage) -> None:
        """Not to find, to list, to count, to look into, to cancel or to retry."""
        whole = start(filled)
        mine = start(filled, RunRequest(period=FEBRUARY), WIDGETS)
        with filled.transaction(Access.only([WIDGETS])) as tx:
            assert [run.id for run in tx.runs.page(Slice())] == [mine]
            assert tx.runs.count() == 1
            assert tx.runs.find(mine).total == 1
            assert [item.customer_id for item in tx.runs.items(mine, Slice())] == [WIDGETS]
            with pytest.raises(RunNotFoundError):
                tx.runs.find(whole)
            assert list(tx.runs.items(whole, Slice())) == []
            assert tx.runs.living(RunRequest(period=JANUARY)) is None
            assert not tx.runs.cancel(whole, NOON)
            assert tx.runs.retry(whole, {}) == 0

    def test_the_same_request_is_found_while_its_run_lives(self, filled: Storage) -> None:
        """Another period, customers, callers or options are another request."""
        request = RunRequest(period=JANUARY)
        run_id = start(filled, request)
        others = [
            RunRequest(period=FEBRUARY),
            RunRequest(period=JANUARY, customers=(ACME,)),
            RunRequest(period=JANUARY, within=(ACME,)),
            RunRequest(period=JANUARY, options=RunOptions(services=(1,))),
            RunRequest(period=JANUARY, options=RunOptions(finalize=True)),
            RunRequest(period=JANUARY, options=RunOptions(only_unbilled=True)),
        ]
        with filled.transaction(EVERYTHING) as tx:
            assert tx.runs.living(request) == run_id
            assert [tx.runs.living(other) for other in others] == [None] * len(others)
            assert tx.runs.cancel(run_id, LATER)
            assert tx.runs.living(request) is None

    def test_a_customer_is_in_one_live_run_for_a_period(self, filled: Storage) -> None:
        """The clash names customer and run, the run only to those who may see it."""
        run_id = start(filled, None, ACME, WIDGETS)
        overlapping = RunRequest(period=JANUARY, customers=(WIDGETS, YEN))
        with pytest.raises(RunClashError, match=f"Customer {WIDGETS} .* by run {run_id}$"):
            start(filled, overlapping, WIDGETS, YEN)
        with (
            pytest.raises(RunClashError, match=r"by another run$"),
            filled.transaction(Access.only([WIDGETS])) as tx,
        ):
            tx.runs.add(overlapping, ITEMS[1:2], NOON)
        start(filled, RunRequest(period=FEBRUARY), WIDGETS)
        start(filled, RunRequest(period=JANUARY, customers=(YEN,)), YEN)
        with filled.transaction(EVERYTHING) as tx:
            assert tx.runs.cancel(run_id, LATER)
        start(filled, RunRequest(period=JANUARY, customers=(WIDGETS,)), WIDGETS)

    def test_cancelling_ends_what_lives(self, filled: Storage) -> None:
        """What is done stays done; a run that has ended cannot be cancelled."""
        run_id = start(filled)
        finish_one(filled)
        with filled.transaction(EVERYTHING) as tx:
            assert tx.run_work.take(60, NOON) is not None
            assert tx.runs.cancel(run_id, LATER)
            assert not tx.runs.cancel(run_id, LATER + timedelta(hours=1))
            assert tx.run_work.take(60, NOON) is None
        run = found(filled, run_id)
        assert (run.state, run.finished_at) == (RunState.CANCELLED, LATER)
        assert run.tallies == {
            ItemState.DONE: Tally(1, 2, 250),
            ItemState.CANCELLED: Tally(2, 1, 0),
        }

    def test_a_retry_queues_the_failed_items_with_new_cards(self, filled: Storage) -> None:
        """The run lives again, its start is kept, and the items count their tries from 0."""
        run_id = start(filled)
        assert fail_one(filled) == ItemKey(run_id, ACME)
        for _ in ITEMS[1:]:
            finish_one(filled)
        settle(filled, run_id)
        assert found(filled, run_id).state is RunState.FAILED
        with filled.transaction(EVERYTHING) as tx:
            assert [i.error for i in tx.runs.items(run_id, Slice())] == ["It broke", None, None]
            card = tx.rate_cards.add(ACME, date(2023, 1, 2), RATES[:1], NOON)
            assert tx.rate_cards.newest()[ACME] == card.id
            assert tx.runs.retry(run_id, tx.rate_cards.newest()) == 1
            assert tx.runs.retry(run_id, tx.rate_cards.newest()) == 0
        run = found(filled, run_id)
        assert (run.state, run.started_at, run.finished_at) == (RunState.QUEUED, NOON, None)
        with filled.transaction(EVERYTHING) as tx:
            item = tx.run_work.take(60, LATER)
        assert item is not None
        assert (item.key, item.attempt) == (ItemKey(run_id, ACME), 2)
        assert item.cards_up_to == card.id
        assert found(filled, run_id).started_at == NOON

    def test_a_cancelled_run_is_not_retried(self, filled: Storage) -> None:
        """Not even the items that failed before it was cancelled."""
        run_id = start(filled)
        fail_one(filled)
        with filled.transaction(EVERYTHING) as tx:
            assert tx.runs.cancel(run_id, LATER)
            assert tx.runs.retry(run_id, {}) == 0
            assert tx.run_work.waiting(9) == []
        run = found(filled, run_id)
        assert (run.state, run.count(ItemState.FAILED)) == (RunState.CANCELLED, 1)

    def test_a_retry_clashes_like_a_start(self, filled: Storage) -> None:
        """A customer that another live run bills by now is left alone."""
        run_id = start(filled, None, ACME)
        fail_one(filled)
        settle(filled, run_id)
        other = start(filled, None, ACME)
        with (
            pytest.raises(RunClashError, match=f"by run {other}$"),
            filled.transaction(EVERYTHING) as tx,
        ):
            tx.runs.retry(run_id, {})
        assert found(filled, run_id).state is RunState.FAILED

    def test_what_a_run_takes_is_counted(self, filled: Storage) -> None:
        """Orders of the period by customer, and each customer's newest card, as far as seen."""
        with filled.snapshot(EVERYTHING) as view:
            assert view.orders.counts_in(JANUARY) == {ACME: 2, WIDGETS: 1}
            assert view.orders.counts_in(FEBRUARY) == {}
            assert view.rate_cards.newest() == {ACME: 1, WIDGETS: 2}
        with filled.snapshot(Access.only([WIDGETS])) as view:
            assert view.orders.counts_in(JANUARY) == {WIDGETS: 1}
            assert view.rate_cards.newest() == {WIDGETS: 2}

    def test_what_is_left_to_bill_is_counted(self, filled: Storage) -> None:
        """Neither orders that a final report claims nor cancelled ones are left."""
        with filled.snapshot(EVERYTHING) as view:
            first, second = view.orders.placed_in(ACME, JANUARY, frozenset())
        with filled.transaction(EVERYTHING) as tx:
            tx.claims.add(ACME, 1, [first.order_id])
        with filled.snapshot(EVERYTHING) as view:
            assert view.orders.counts_in(JANUARY, unbilled=True) == {ACME: 1, WIDGETS: 1}
        with filled.transaction(EVERYTHING) as tx:
            tx.orders.save([second._replace(status="Cancelled")])
            assert tx.orders.counts_in(JANUARY, unbilled=True) == {WIDGETS: 1}

"""StorageContract, part five: the items of billing runs, for those who work on them."""

from collections.abc import Callable

import pytest

from billing.domain.access import Access
from billing.domain.audit import Author
from billing.domain.billing_run import (
    MAX_TRIES,
    ItemKey,
    ItemState,
    RunState,
    StaleAttemptError,
    TakenItem,
)
from billing.domain.ports import Storage
from billing.domain.report_query import ReportQuery, Slice
from billing.domain.run_repository import RunWork
from billing.domain.run_request import UNKNOWN, RunOptions, RunRequest
from billing.testing.run_world import FEBRUARY, LATER, fail_one, finish_one, found, settle, start
from billing.testing.world import ACME, EVERYTHING, JANUARY, NOON, WIDGETS, YEN, fill, generator


def take(storage: Storage, lease_seconds: int = 60, key: ItemKey | None = None) -> TakenItem:
    """Take an item that must be there."""
    with storage.transaction(EVERYTHING) as tx:
        item = tx.run_work.take(lease_seconds, NOON, key=key)
    assert item is not None
    return item


def waiting(storage: Storage) -> list[ItemKey]:
    """Return the items that can be taken."""
    with storage.snapshot(EVERYTHING) as view:
        return view.run_work.waiting(100)


class RunWorkContract:
    """How every Storage hands out the items of runs."""

    @pytest.fixture
    def filled(self, storage: Storage) -> Storage:
        """Return the storage with the small world in it."""
        fill(storage)
        return storage

    def test_the_backlog_counts_what_waits_and_what_is_at_work(self, filled: Storage) -> None:
        """An item whose lease has run out waits again; ended ones count no more."""
        start(filled)
        take(filled)
        take(filled, lease_seconds=0)
        with filled.snapshot(EVERYTHING) as view:
            assert view.run_work.backlog() == (2, 1)
        finish_one(filled)
        with filled.snapshot(EVERYTHING) as view:
            assert sum(view.run_work.backlog()) == 2

    def test_each_item_is_taken_once(self, filled: Storage) -> None:
        """In the order given; the run begins with its first item."""
        run_id = start(filled)
        items = [take(filled) for _ in range(3)]
        assert items == [
            TakenItem(ItemKey(run_id, customer_id), 1, JANUARY, RunOptions(), UNKNOWN, card)
            for customer_id, card in ((ACME, 1), (WIDGETS, 2), (YEN, 0))
        ]
        with filled.transaction(EVERYTHING) as tx:
            assert tx.run_work.take(60, LATER) is None
        run = found(filled, run_id)
        assert (run.state, run.started_at) == (RunState.RUNNING, NOON)

    def test_an_item_knows_who_started_its_run(self, filled: Storage) -> None:
        """And how it is billed: in the author's name."""
        options = RunOptions(services=(1, 2), only_unbilled=True, finalize=True)
        author = Author("alice", "request-1")
        start(filled, RunRequest(period=JANUARY, options=options, author=author))
        item = take(filled)
        assert (item.options, item.author) == (options, author)

    def test_early_items_of_all_runs_come_first(self, filled: Storage) -> None:
        """A run of one never waits for a run of thousands that came before it."""
        first = start(filled)
        second = start(filled, RunRequest(period=FEBRUARY), ACME)
        expected = [(first, ACME), (second, ACME), (first, WIDGETS), (first, YEN)]
        assert waiting(filled) == [ItemKey(*key) for key in expected]
        with filled.snapshot(EVERYTHING) as view:
            assert view.run_work.waiting(2) == waiting(filled)[:2]
        assert [take(filled).key for _ in expected] == [ItemKey(*key) for key in expected]

    def test_a_named_item_is_taken_if_it_waits(self, filled: Storage) -> None:
        """So that a message delivered twice, or late, does nothing."""
        run_id = start(filled)
        key = ItemKey(run_id, WIDGETS)
        assert take(filled, key=key).key == key
        with filled.transaction(EVERYTHING) as tx:
            assert tx.run_work.take(60, NOON, key=key) is None
            assert tx.run_work.take(60, NOON, key=ItemKey(run_id, 999)) is None
            assert tx.run_work.take(60, NOON, key=ItemKey(999, WIDGETS)) is None

    def test_an_item_whose_lease_ran_out_is_taken_over(self, filled: Storage) -> None:
        """By the next attempt; one whose lease is renewed is not."""
        start(filled, None, ACME)
        first = take(filled, 0)
        assert waiting(filled) == [first.key]
        with filled.transaction(EVERYTHING) as tx:
            assert tx.run_work.renew(first, 60)
        assert waiting(filled) == []
        with filled.transaction(EVERYTHING) as tx:
            assert tx.run_work.renew(first, 0)
        second = take(filled)
        assert (second.key, second.attempt) == (first.key, 2)
        with filled.transaction(EVERYTHING) as tx:
            assert not tx.run_work.renew(first, 60)
            assert tx.run_work.renew(second, 60)

    def test_a_stale_attempt_leaves_nothing(self, filled: Storage) -> None:
        """Its report is rolled back by the last statement; the newer attempt's stays alone."""
        run_id = start(filled, None, ACME)
        stale = take(filled, 0)
        with generator(filled).prepare(ACME, JANUARY) as prepared:
            newer = finish_one(filled)
            with (  # noqa: PT012 the report is filed first
                pytest.raises(StaleAttemptError),
                filled.transaction(EVERYTHING) as tx,
            ):
                report_id = tx.reports.file(prepared, LATER).id
                tx.run_work.finish(stale, report_id, 1)
        assert newer == stale.key
        with filled.snapshot(EVERYTHING) as view:
            reports = list(view.reports.page(ReportQuery(), Slice()))
            items = list(view.runs.items(run_id, Slice()))
        assert [report.id for report in reports] == [item.report_id for item in items]
        assert reports[0].created_at == NOON

    @pytest.mark.parametrize("ended", ["done", "failed", "cancelled", "queued"])
    def test_an_item_that_moved_on_refuses_old_attempts(self, filled: Storage, ended: str) -> None:
        """Whatever became of it: it cannot be finished, failed or put back."""
        run_id = start(filled, None, ACME)
        item = take(filled, 0)
        with filled.transaction(EVERYTHING) as tx:
            if ended == "failed":
                tx.run_work.fail(item, "It broke", 1)
            if ended == "cancelled":
                tx.runs.cancel(run_id, LATER)
            if ended == "queued":
                tx.run_work.put_back(item)
        if ended == "done":
            finish_one(filled)
        moves: list[Callable[[RunWork], None]] = [
            lambda work: work.finish(item, 1, 1),
            lambda work: work.fail(item, "Too late", 1),
            lambda work: work.put_back(item),
        ]
        for move in moves:
            with pytest.raises(StaleAttemptError), filled.transaction(EVERYTHING) as tx:
                move(tx.run_work)
        assert found(filled, run_id).count(ItemState(ended)) == 1

    def test_an_item_is_not_tried_for_ever(self, filled: Storage) -> None:
        """After so many tries it waits no more; it is tired until it is given up."""
        run_id = start(filled, None, ACME)
        for attempt in range(1, MAX_TRIES + 1):
            item = take(filled, 0)
            assert item.attempt == attempt
            if attempt % 2:
                with filled.transaction(EVERYTHING) as tx:
                    tx.run_work.put_back(item)
        assert waiting(filled) == []
        with filled.transaction(EVERYTHING) as tx:
            assert tx.run_work.take(60, NOON) is None
            assert tx.run_work.tired() == [ItemKey(run_id, ACME)]
            assert tx.run_work.give_up("Enough") == 1
            assert tx.run_work.give_up("Enough") == 0
            assert tx.run_work.tired() == []
            assert [item.error for item in tx.runs.items(run_id, Slice())] == ["Enough"]
            assert tx.run_work.unsettled() == [run_id]

    def test_an_item_at_work_is_not_given_up(self, filled: Storage) -> None:
        """Its last try may yet succeed."""
        start(filled, None, ACME)
        for _ in range(MAX_TRIES - 1):
            take(filled, 0)
        item = take(filled)
        with filled.transaction(EVERYTHING) as tx:
            assert tx.run_work.tired() == []
            assert tx.run_work.give_up("Enough") == 0
            assert tx.run_work.renew(item, 60)

    def test_a_run_is_settled_when_nothing_lives(self, filled: Storage) -> None:
        """Once, and not before: failed if one of its items is."""
        run_id = start(filled, None, ACME, WIDGETS)
        fail_one(filled)
        with filled.transaction(EVERYTHING) as tx:
            assert tx.run_work.unsettled() == []
            assert not tx.run_work.settle(run_id, LATER)
        finish_one(filled)
        with filled.transaction(EVERYTHING) as tx:
            assert tx.run_work.unsettled() == [run_id]
        settle(filled, run_id)
        with filled.transaction(EVERYTHING) as tx:
            assert tx.run_work.unsettled() == []
            assert not tx.run_work.settle(run_id, LATER)
        run = found(filled, run_id)
        assert (run.state, run.finished_at) == (RunState.FAILED, LATER)

    def test_nobody_works_for_a_hidden_customer(self, filled: Storage) -> None:
        """With an access, items of runs that touch others are not there."""
        start(filled)
        with filled.transaction(Access.only([ACME])) as tx:
            assert tx.run_work.waiting(10) == []
            assert tx.run_work.unsettled() == []
            assert tx.run_work.take(60, NOON) is None

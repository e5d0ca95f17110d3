"""Run world: runs over the small world, and short ways to bring their items along."""

from datetime import date, timedelta

from billing.domain.billing_run import ItemKey, NewItem, Run
from billing.domain.period import BillingPeriod
from billing.domain.ports import Storage
from billing.domain.run_request import RunRequest
from billing.testing.world import ACME, EVERYTHING, JANUARY, NOON, WIDGETS, YEN, generator

FEBRUARY = BillingPeriod(date(2023, 2, 1), date(2023, 2, 28))
LATER = NOON + timedelta(hours=1)
ITEMS = (NewItem(ACME, 2, 1), NewItem(WIDGETS, 1, 2), NewItem(YEN, 0, 0))


def start(storage: Storage, request: RunRequest | None = None, *customers: int) -> int:
    """Queue a run over these customers, by default over all three, and return its id."""
    items = [item for item in ITEMS if item.customer_id in (customers or (ACME, WIDGETS, YEN))]
    with storage.transaction(EVERYTHING) as tx:
        return tx.runs.add(request or RunRequest(period=JANUARY), items, NOON)


def finish_one(storage: Storage, key: ItemKey | None = None) -> ItemKey:
    """Bill the next item, or the one named."""
    with storage.transaction(EVERYTHING) as tx:
        item = tx.run_work.take(60, NOON, key=key)
    assert item is not None
    with (
        generator(storage).prepare(item.key.customer_id, item.period) as prepared,
        storage.transaction(EVERYTHING) as tx,
    ):
        tx.run_work.finish(item, tx.reports.file(prepared, NOON).id, 250)
    return item.key


def fail_one(storage: Storage, error: str = "It broke") -> ItemKey:
    """Take the next item and fail it."""
    with storage.transaction(EVERYTHING) as tx:
        item = tx.run_work.take(60, NOON)
        assert item is not None
        tx.run_work.fail(item, error, 100)
    return item.key


def settle(storage: Storage, run_id: int) -> None:
    """End a run that has no live item left."""
    with storage.transaction(EVERYTHING) as tx:
        assert tx.run_work.settle(run_id, LATER)


def found(storage: Storage, run_id: int) -> Run:
    """Return a run."""
    with storage.snapshot(EVERYTHING) as view:
        return view.runs.find(run_id)

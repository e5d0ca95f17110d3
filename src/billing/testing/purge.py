"""StorageContract, part of the purge: orders lose their personal fields, and nothing else."""

from dataclasses import dataclass
from datetime import date

import pytest

from billing.domain.access import Access
from billing.domain.order_repository import OrderPlace
from billing.domain.orders import PERSONAL_FIELDS, Order
from billing.domain.ports import Storage
from billing.domain.report_query import Slice
from billing.testing.world import ACME, EVERYTHING, WHOLE_ORDER, WIDGETS, fill

BEFORE = date(2023, 1, 20)
START = OrderPlace(date.min, 0)


@dataclass(frozen=True)
class Purging:
    """A storage with orders to purge: those dated before BEFORE, and those to be left alone."""

    storage: Storage
    old: list[Order]
    others: list[Order]


class PurgeContract:
    """What every Storage does when orders are purged."""

    @pytest.fixture
    def purging(self, storage: Storage) -> Purging:
        """Return the storage with a few orders, their ids against the order of their dates."""
        fill(storage)
        days = [date(1, 1, 1), date(2023, 1, 3), date(2023, 1, 3), date(2023, 1, 19)]
        old = [
            WHOLE_ORDER._replace(order_id=900 - number, order_date=day)
            for number, day in enumerate(days)
        ]
        others = [
            WHOLE_ORDER._replace(order_id=700, order_date=BEFORE),
            WHOLE_ORDER._replace(order_id=701, order_date=date.max),
            WHOLE_ORDER._replace(order_id=702, order_date=None),
            WHOLE_ORDER._replace(customer_id=WIDGETS, order_id=900, order_date=days[1]),
        ]
        with storage.transaction(EVERYTHING) as tx:
            tx.orders.save([*old, *others])
        return Purging(storage, old, others)

    def test_old_orders_lose_their_personal_fields(self, purging: Purging) -> None:
        """Every other field, and every other order, stays as it was; twice is once."""
        storage = purging.storage
        with storage.transaction(EVERYTHING) as tx:
            assert tx.orders.count_personal(ACME, BEFORE) == 4
            assert tx.orders.purge(ACME, BEFORE, START, 100) == (4, None)
            assert tx.orders.purge(ACME, BEFORE, START, 100) == (0, None)
            assert tx.orders.count_personal(ACME, BEFORE) == 0
            assert tx.orders.count_personal(WIDGETS, BEFORE) == 1
        with storage.snapshot(EVERYTHING) as view:
            kept = {
                (o.customer_id, o.order_id): o for o in view.orders.page(None, None, None, Slice())
            }
            for order in purging.others:
                assert kept[order.customer_id, order.order_id] == order
            for order in purging.old:
                purged = kept[ACME, order.order_id]
                for name in Order._fields:
                    expected = None if name in PERSONAL_FIELDS else getattr(order, name)
                    assert getattr(purged, name) == expected, name

    def test_orders_are_purged_in_parts(self, purging: Purging) -> None:
        """By date, then by id; an order without such fields counts as looked at, not as changed."""
        places = [OrderPlace(date(2023, 1, 3), 2), OrderPlace(date(2023, 1, 3), 899)]
        with purging.storage.transaction(EVERYTHING) as tx:
            assert tx.orders.purge(ACME, BEFORE, START, 2) == (1, places[0])
            assert tx.orders.purge(ACME, BEFORE, places[0], 2) == (2, places[1])
            changed, last = tx.orders.purge(ACME, BEFORE, places[1], 2)
            assert changed == 1
            assert last == OrderPlace(date(2023, 1, 19), 897)
            assert tx.orders.purge(ACME, BEFORE, last, 2) == (0, None)
            assert tx.orders.count_personal(ACME, BEFORE) == 0

    def test_nobody_purges_anothers_orders(self, purging: Purging) -> None:
        """With an access, the orders of other customers do not exist."""
        with purging.storage.transaction(Access.only([WIDGETS])) as tx:
            assert tx.orders.count_personal(ACME, BEFORE) == 0
            assert tx.orders.purge(ACME, BEFORE, START, 100) == (0, None)
        with purging.storage.snapshot(EVERYTHING) as view:
            assert view.orders.count_personal(ACME, BEFORE) == 4

    def test_a_purge_rolls_back_with_its_transaction(self, purging: Purging) -> None:
        """What was not committed was not purged."""
        with pytest.raises(RuntimeError), purging.storage.transaction(EVERYTHING) as tx:  # noqa: PT012
            tx.orders.purge(ACME, BEFORE, START, 100)
            raise RuntimeError
        with purging.storage.snapshot(EVERYTHING) as view:
            assert view.orders.count_personal(ACME, BEFORE) == 4

"""StorageContract, part of completeness: the orders that no final report claims."""

from dataclasses import dataclass
from datetime import date

import pytest

from billing.domain.access import Access
from billing.domain.orders import Order
from billing.domain.period import BillingPeriod
from billing.domain.ports import Repositories, Storage
from billing.domain.report_query import Slice
from billing.testing.world import ACME, EVERYTHING, JANUARY, WHOLE_ORDER, WIDGETS, fill, order

EVER = BillingPeriod(date.min, date.max)


@dataclass(frozen=True)
class Claiming:
    """A storage where reports 1 and 3 of ACME and 2 of WIDGETS hold some of the orders."""

    storage: Storage
    whole: Order


class CompletenessContract:
    """What every Storage tells of orders that are claimed and orders that are not."""

    @pytest.fixture
    def claiming(self, storage: Storage) -> Claiming:
        """Return the storage with orders of every kind, claimed and not."""
        fill(storage)
        february = order(ACME, 10)._replace(order_date=date(2023, 2, 1))
        undated = [order(ACME, number)._replace(order_date=None) for number in (8, 7, 9)]
        cancelled = [
            order(ACME, number, day=number)._replace(status=status)
            for number, status in ((20, "Cancelled"), (21, "CANCELED"), (22, "cancel"))
        ]
        with storage.transaction(EVERYTHING) as tx:
            tx.orders.save([february, *undated, *cancelled, WHOLE_ORDER])
            tx.claims.add(ACME, 1, [1, 10])
            tx.claims.add(ACME, 3, [7])
            tx.claims.add(WIDGETS, 2, [1])
        return Claiming(storage, WHOLE_ORDER)

    def test_unbilled_orders_are_listed(self, claiming: Claiming) -> None:
        """By customer and order id, whole, without cancelled ones; with dates only dated ones."""
        largest = claiming.whole.order_id
        with claiming.storage.snapshot(EVERYTHING) as view:
            assert _unbilled(view, ACME, None, None) == [2, 8, 9, 22, largest]
            assert _unbilled(view, ACME, date(2023, 1, 15), None) == [22, largest]
            assert _unbilled(view, ACME, None, date(2023, 1, 15)) == [2, largest]
            assert _unbilled(view, None, None, None) == [2, 8, 9, 22, largest]
            assert _unbilled(view, WIDGETS, None, None) == []
            part = list(view.orders.page(ACME, None, None, Slice(3, 9), unbilled=True))
            assert [found.order_id for found in part] == [22, largest]
            assert part[-1] == claiming.whole

    def test_an_order_that_is_released_is_unbilled_again(self, claiming: Claiming) -> None:
        """Within the transaction that releases it, too."""
        with claiming.storage.transaction(EVERYTHING) as tx:
            tx.claims.release(2)
            assert _unbilled(tx, WIDGETS, None, None) == [1]

    def test_unclaimed_orders_are_streamed(self, claiming: Claiming) -> None:
        """Of a period or undated, cancelled ones too, by date, then by id."""
        largest = claiming.whole.order_id
        with claiming.storage.snapshot(EVERYTHING) as view:
            assert _placed(view, JANUARY, unclaimed=True) == [2, largest, 20, 21, 22]
            assert _placed(view, JANUARY, unclaimed=False) == [2, 1, largest, 20, 21, 22]
            assert _placed(view, EVER, unclaimed=True) == [2, largest, 20, 21, 22]
            assert _placed(view, None, unclaimed=True) == [8, 9]
            assert _placed(view, None, unclaimed=False) == [7, 8, 9]

    def test_orders_are_known_by_their_ids(self, claiming: Claiming) -> None:
        """However many are asked for; those that do not exist are left out."""
        whole = claiming.whole
        with claiming.storage.snapshot(EVERYTHING) as view:
            known = view.orders.known(ACME, [whole.order_id, *range(5_000)], Order._fields)
            assert sorted(known) == [1, 2, 7, 8, 9, 10, 20, 21, 22, whole.order_id]
            assert known[whole.order_id] == whole
            assert view.orders.known(ACME, [], Order._fields) == {}
            (few,) = view.orders.known(ACME, [2, 3], ()).values()
            assert (few.order_id, few.order_date) == (2, date(2023, 1, 3))

    def test_the_holders_of_a_periods_orders_are_known(self, claiming: Claiming) -> None:
        """By id; those of undated orders, which are of no period, are among them always."""
        with claiming.storage.snapshot(EVERYTHING) as view:
            assert view.claims.holders(ACME, JANUARY) == [1, 3]
            assert view.claims.holders(ACME, BillingPeriod(date(2023, 2, 1), date.max)) == [1, 3]
            assert view.claims.holders(ACME, BillingPeriod(date(2024, 1, 1), date.max)) == [3]
            assert view.claims.holders(WIDGETS, JANUARY) == [2]

    def test_nobody_sees_anothers_orders(self, claiming: Claiming) -> None:
        """Neither which there are nor which are billed."""
        with claiming.storage.snapshot(Access.only([WIDGETS])) as view:
            assert _unbilled(view, None, None, None) == []
            assert _unbilled(view, ACME, None, None) == []
            assert _placed(view, JANUARY, unclaimed=True) == []
            assert _placed(view, None, unclaimed=True) == []
            assert view.orders.known(ACME, [1, 2], ()) == {}
            assert view.claims.holders(ACME, JANUARY) == []
        with claiming.storage.snapshot(Access.only([ACME])) as view:
            assert _unbilled(view, None, None, None)[:2] == [2, 8]


def _unbilled(
    view: Repositories, customer_id: int | None, start: date | None, end: date | None
) -> list[int]:
    found = list(view.orders.page(customer_id, start, end, Slice(), unbilled=True))
    assert view.orders.count(customer_id, start, end, unbilled=True) == len(found)
    return [order.order_id for order in found]


def _placed(view: Repositories, period: BillingPeriod | None, *, unclaimed: bool) -> list[int]:
    placed = view.orders.placed_in(ACME, period, (), unclaimed=unclaimed)
    return [order.order_id for order in placed]

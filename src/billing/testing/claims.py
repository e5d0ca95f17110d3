"""StorageContract, part of the claims: an order is held by one report."""

import pytest

from billing.domain.access import Access
from billing.domain.claims import Claim
from billing.domain.errors import CustomerNotFoundError
from billing.domain.ports import Storage
from billing.testing.world import ACME, EVERYTHING, WIDGETS, fill

LARGEST = 2**63 - 1


class ClaimsContract:
    """What every Storage does with claims, and whom it shows them to."""

    @pytest.fixture
    def claimed(self, storage: Storage) -> Storage:
        """Return the storage with the small world, and claims of reports 1 and 2 in it."""
        fill(storage)
        with storage.transaction(EVERYTHING) as tx:
            assert tx.claims.add(ACME, 1, [LARGEST, 1, 2]) == []
            assert tx.claims.add(WIDGETS, 2, [1]) == []
        return storage

    def test_an_order_is_held_by_one_report(self, claimed: Storage) -> None:
        """What another report holds comes back, by order id, and stays; the rest is claimed."""
        with claimed.transaction(EVERYTHING) as tx:
            assert tx.claims.add(ACME, 3, [LARGEST, 5, 1]) == [Claim(1, 1), Claim(LARGEST, 1)]
        with claimed.snapshot(EVERYTHING) as view:
            held = view.claims.known(ACME, [1, 2, 3, 5, LARGEST])
            assert held == {1: 1, 2: 1, 5: 3, LARGEST: 1}
            assert view.claims.known(WIDGETS, [1, 2]) == {1: 2}
            assert [view.claims.count(report_id) for report_id in (1, 2, 3, 4)] == [3, 1, 1, 0]

    def test_claiming_again_changes_nothing(self, claimed: Storage) -> None:
        """A report is never in its own way."""
        with claimed.transaction(EVERYTHING) as tx:
            assert tx.claims.add(ACME, 1, [1, 3]) == []
            assert tx.claims.add(ACME, 1, []) == []
            assert tx.claims.known(ACME, [1, 2, 3, LARGEST]) == {1: 1, 2: 1, 3: 1, LARGEST: 1}

    def test_released_orders_are_free(self, claimed: Storage) -> None:
        """All orders of the one report, and of no other."""
        with claimed.transaction(EVERYTHING) as tx:
            assert tx.claims.release(1) == 3
            assert tx.claims.release(1) == 0
            assert tx.claims.known(ACME, [1, 2, LARGEST]) == {}
            assert tx.claims.count(2) == 1
            assert tx.claims.add(ACME, 4, [1, 2]) == []

    def test_many_orders_are_claimed_in_one_call(self, claimed: Storage) -> None:
        """More than a statement takes parameters."""
        many = [*range(100_000, 0, -1)]
        with claimed.transaction(EVERYTHING) as tx:
            assert tx.claims.add(ACME, 4, many) == [Claim(1, 1), Claim(2, 1)]
            assert tx.claims.count(4) == len(many) - 2
            assert len(tx.claims.known(ACME, many)) == len(many)

    def test_claims_are_rolled_back(self, claimed: Storage) -> None:
        """Claimed and freed orders are as they were before a failed transaction."""
        with pytest.raises(RuntimeError), claimed.transaction(EVERYTHING) as tx:  # noqa: PT012
            tx.claims.release(1)
            tx.claims.add(ACME, 9, [1, 7])
            raise RuntimeError
        with claimed.snapshot(EVERYTHING) as view:
            assert view.claims.known(ACME, [1, 2, 7, LARGEST]) == {1: 1, 2: 1, LARGEST: 1}

    def test_nobody_touches_the_claims_of_another_customer(self, claimed: Storage) -> None:
        """They are neither seen nor freed, and none are made."""
        with claimed.transaction(Access.only([WIDGETS])) as tx:
            assert tx.claims.known(ACME, [1, 2]) == {}
            assert tx.claims.count(1) == 0
            assert tx.claims.release(1) == 0
            with pytest.raises(CustomerNotFoundError):
                tx.claims.add(ACME, 9, [3])
        with claimed.snapshot(EVERYTHING) as view:
            assert view.claims.count(1) == 3

"""StorageContract, part of the idempotency keys: kept with what was done, or not at all."""

from datetime import timedelta

import pytest

from billing.domain.idempotency import KEPT, EarlierRequest, KeyedRequest
from billing.domain.ports import Storage
from billing.testing.world import ACME, EVERYTHING, JANUARY, NOON, fill, generator

REQUEST = KeyedRequest("alice", "POST /reports/", 'a "key"', "0" * 64)


class IdempotencyContract:
    """What every Storage does with idempotency keys."""

    @pytest.fixture
    def keyed(self, storage: Storage) -> tuple[Storage, int]:
        """Return the storage with a report that REQUEST made at noon, and the report's id."""
        fill(storage)
        return storage, _done(storage)

    def test_a_key_leads_to_what_it_did(self, keyed: tuple[Storage, int]) -> None:
        """Both a reader and whoever comes to do it again find the report and the body."""
        storage, report_id = keyed
        earlier = EarlierRequest("0" * 64, report_id)
        again = REQUEST._replace(body_sha256="1" * 64)
        with storage.snapshot(EVERYTHING) as view:
            assert view.idempotency_keys.find(again, NOON) == earlier
        with storage.transaction(EVERYTHING) as tx:
            assert tx.idempotency_keys.take(again, NOON) == earlier

    @pytest.mark.parametrize(
        "changed",
        [{"principal": "bob"}, {"operation": "PUT /reports/"}, {"key": 'A "KEY"'}],
        ids=["principal", "operation", "key"],
    )
    def test_keys_are_told_apart(self, keyed: tuple[Storage, int], changed: dict[str, str]) -> None:
        """Another user, call or key, if only by case, is another request."""
        storage, report_id = keyed
        other = REQUEST._replace(**changed)
        with storage.snapshot(EVERYTHING) as view:
            assert view.idempotency_keys.find(other, NOON) is None
        other_id = _done(storage, other)
        with storage.snapshot(EVERYTHING) as view:
            for request, expected in ((REQUEST, report_id), (other, other_id)):
                found = view.idempotency_keys.find(request, NOON)
                assert found == EarlierRequest("0" * 64, expected)

    def test_a_failed_transaction_leaves_its_key_free(self, storage: Storage) -> None:
        """What was not done is not remembered."""
        fill(storage)
        with pytest.raises(RuntimeError), storage.transaction(EVERYTHING) as tx:  # noqa: PT012
            assert tx.idempotency_keys.take(REQUEST, NOON) is None
            raise RuntimeError
        with storage.transaction(EVERYTHING) as tx:
            assert tx.idempotency_keys.find(REQUEST, NOON) is None
        assert _done(storage)

    def test_a_key_is_new_after_its_time(self, keyed: tuple[Storage, int]) -> None:
        """Up to then it is known, also to those who would do it again."""
        storage, first_id = keyed
        last = NOON + KEPT - timedelta(seconds=1)
        with storage.transaction(EVERYTHING) as tx:
            assert tx.idempotency_keys.find(REQUEST, last)
            assert tx.idempotency_keys.take(REQUEST, last)
            assert tx.idempotency_keys.find(REQUEST, NOON + KEPT) is None
        changed = REQUEST._replace(body_sha256="1" * 64)
        with (
            generator(storage).prepare(ACME, JANUARY) as prepared,
            storage.transaction(EVERYTHING) as tx,
        ):
            assert tx.idempotency_keys.take(changed, NOON + KEPT) is None
            second_id = tx.reports.file(prepared, NOON + KEPT).id
            tx.idempotency_keys.settle(changed, second_id)
        with storage.snapshot(EVERYTHING) as view:
            found = view.idempotency_keys.find(REQUEST, NOON + KEPT)
        assert found == EarlierRequest("1" * 64, second_id)
        assert second_id > first_id

    def test_keys_past_their_time_are_forgotten_on_the_way(
        self, keyed: tuple[Storage, int]
    ) -> None:
        """The next request that comes with a key takes them along: there is nothing to sweep."""
        storage, _ = keyed
        with storage.transaction(EVERYTHING) as tx:
            later = NOON + KEPT
            assert tx.idempotency_keys.take(REQUEST._replace(key="other"), later) is None
        with storage.snapshot(EVERYTHING) as view:
            assert view.idempotency_keys.find(REQUEST, NOON) is None


def _done(storage: Storage, request: KeyedRequest = REQUEST) -> int:
    """Do a request at noon, and return its report's id."""
    with (
        generator(storage).prepare(ACME, JANUARY) as prepared,
        storage.transaction(EVERYTHING) as tx,
    ):
        assert tx.idempotency_keys.take(request, NOON) is None
        report_id = tx.reports.file(prepared, NOON).id
        tx.idempotency_keys.settle(request, report_id)
    return report_id

"""StorageContract, part of the audit trail: added, read, never changed."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from billing.domain.access import Access
from billing.domain.audit import AuditAct, AuditEntry, AuditQuery, Author
from billing.domain.catalog import Customer
from billing.domain.errors import CustomerNotFoundError
from billing.domain.order_repository import OrderPlace
from billing.domain.ports import Storage
from billing.domain.report_query import Slice
from billing.testing.world import ACME, EVERYTHING, NOON, WIDGETS, fill

ACT = AuditAct(
    at=NOON,
    author=Author("żółw 東京", "request-1"),
    action="report.voided",
    object_kind="report",
    object_id="7",
    customer_id=ACME,
    hash_before="0" * 64,
    hash_after="f" * 64,
    details={"reason": 'as "agreed" 😀', "orders": [1, 2**63 - 1], "was": None, "sure": True},
)
ACTS = [
    ACT,
    replace(ACT, author=Author("bob"), customer_id=WIDGETS, object_id="8", hash_before=None),
    replace(ACT, action="report.finalized", at=NOON + timedelta(days=1), hash_after=None),
    replace(ACT, action="service.saved", object_kind="service", customer_id=None, details={}),
]


class AuditContract:
    """What every Storage does with the audit trail, and whom it shows it to."""

    @pytest.fixture
    def audited(self, storage: Storage) -> Storage:
        """Return the storage with the small world and four acts in it."""
        fill(storage)
        for act in ACTS:
            with storage.transaction(EVERYTHING) as tx:
                tx.audit.record(act)
        return storage

    def test_an_act_reads_back_as_it_was_recorded(self, audited: Storage) -> None:
        """Nothing of it is lost; the newest comes first, with ids that increase."""
        with audited.snapshot(EVERYTHING) as view:
            entries = list(view.audit.page(AuditQuery(), Slice()))
        acts = [AuditAct(**_fields(e)) for e in entries]
        assert acts == ACTS[::-1]
        assert [e.id for e in entries] == sorted({e.id for e in entries}, reverse=True)

    def test_recording_returns_the_entry(self, audited: Storage) -> None:
        """It is the one that is read then, by itself in its transaction too."""
        with audited.transaction(EVERYTHING) as tx:
            entry = tx.audit.record(ACT)
            assert list(tx.audit.page(AuditQuery(), Slice(0, 1))) == [entry]
        assert isinstance(entry, AuditEntry)

    def test_many_acts_are_recorded_at_once(self, audited: Storage) -> None:
        """In their order, as one by one; none at all is nothing."""
        acts = [replace(ACT, object_id=str(number)) for number in range(1_000)]
        with audited.transaction(EVERYTHING) as tx:
            tx.audit.record_all([])
            tx.audit.record_all(acts)
        with audited.snapshot(EVERYTHING) as view:
            latest = list(view.audit.page(AuditQuery(), Slice(0, 1_001)))
        assert [e.object_id for e in latest[:-1]] == [act.object_id for act in acts[::-1]]
        assert latest[-1].action == "service.saved"
        assert latest[0] == AuditEntry(id=latest[0].id, **_fields(acts[-1]))

    def test_nothing_that_is_done_later_changes_an_entry(self, audited: Storage) -> None:
        """Neither later acts and purges, nor whoever wrote or read it and has its details."""
        details: dict[str, Any] = {"reason": "agreed", "orders": [1]}
        with audited.transaction(EVERYTHING) as tx:
            written = tx.audit.record(replace(ACT, details=details))
        details["reason"] = "forged"
        with audited.snapshot(EVERYTHING) as view:
            before = list(view.audit.page(AuditQuery(), Slice()))
            (read,) = view.audit.page(AuditQuery(), Slice(0, 1))
        for entry in (written, read):
            entry.details["orders"].append(2)
        with audited.transaction(EVERYTHING) as tx:
            tx.customers.save(Customer(ACME, "Renamed", "EUR"))
            tx.orders.purge(ACME, date.max, OrderPlace(date.min, 0), 100)
            tx.tokens.forget_ended(NOON + timedelta(days=36_500))
            tx.claims.release(7)
            tx.audit.record_all([ACT])
        with audited.snapshot(EVERYTHING) as view:
            assert list(view.audit.page(AuditQuery(), Slice(1))) == before
        assert before[0].details == {"reason": "agreed", "orders": [1]}

    def test_entries_are_found_as_the_query_says(self, audited: Storage) -> None:
        """Every filter agrees with AuditQuery's own meaning, and parts with the whole."""
        with audited.snapshot(EVERYTHING) as view:
            everything = list(view.audit.page(AuditQuery(), Slice()))
            for query in (
                AuditQuery(actor="bob"),
                AuditQuery(action="report.voided"),
                AuditQuery(object_kind="report", object_id="7"),
                AuditQuery(customer_id=ACME),
                AuditQuery(customer_id=ACME, action="report.finalized"),
                AuditQuery(since=NOON.date() + timedelta(days=1)),
                AuditQuery(until=NOON.date()),
                AuditQuery(since=date.min, until=date.max),
                AuditQuery(actor="nobody"),
            ):
                expected = list(filter(query.matches, everything))
                assert list(view.audit.page(query, Slice())) == expected, query
                assert list(view.audit.page(query, Slice(1, 1))) == expected[1:2], query
                assert view.audit.count(query) == len(expected), query

    def test_an_entry_is_seen_by_those_who_see_its_customer(self, audited: Storage) -> None:
        """Entries of no customer are for those from whom none is hidden."""
        with audited.snapshot(Access.only([WIDGETS])) as view:
            (mine,) = view.audit.page(AuditQuery(), Slice())
            assert mine.customer_id == WIDGETS
            assert view.audit.count(AuditQuery()) == 1
            assert view.audit.count(AuditQuery(customer_id=ACME)) == 0
            assert view.audit.count(AuditQuery(object_kind="service")) == 0
        with audited.snapshot(Access.only([])) as view:
            assert list(view.audit.page(AuditQuery(), Slice())) == []

    def test_nobody_records_for_another_customer(self, audited: Storage) -> None:
        """It is refused like a customer that is not there."""
        with (
            audited.transaction(Access.only([WIDGETS])) as tx,
            pytest.raises(CustomerNotFoundError),
        ):
            tx.audit.record(ACT)
        with (
            audited.transaction(Access.only([WIDGETS])) as tx,
            pytest.raises(CustomerNotFoundError),
        ):
            tx.audit.record_all([replace(ACT, customer_id=WIDGETS), ACT])

    def test_an_act_that_is_rolled_back_is_not_recorded(self, audited: Storage) -> None:
        """An entry stands exactly if what it tells of does; ids go on increasing."""
        with pytest.raises(RuntimeError), audited.transaction(EVERYTHING) as tx:  # noqa: PT012
            tx.audit.record(ACT)
            raise RuntimeError
        with audited.transaction(EVERYTHING) as tx:
            assert tx.audit.count(AuditQuery()) == len(ACTS)
            (latest,) = tx.audit.page(AuditQuery(), Slice(0, 1))
            assert tx.audit.record(ACT).id > latest.id


def _fields(act: AuditAct) -> dict[str, Any]:
    return {name: getattr(act, name) for name in AuditAct.__dataclass_fields__}

"""Audit records: which acts the use cases record, for whom, and that nothing else is recorded."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from billing.adapters.memory import MemoryStorage
from billing.adapters.memory.orders import MemoryOrders
from billing.bootstrap import Billing, compose
from billing.domain import purge as purge_module
from billing.domain.audit import UNNAMED, AuditEntry, AuditQuery, Author, state_hash
from billing.domain.bulk_intake import RowKind, RowsRefusedError
from billing.domain.catalog_rows import CustomerRows, ServiceRows
from billing.domain.order_rows import OrderRows
from billing.domain.product_rows import ProductRows
from billing.domain.rate_reading import read_rates
from billing.domain.rate_rows import RateRows
from billing.domain.report_query import Slice
from billing.testing.world import ACME, EVERYTHING, WIDGETS, TickingClock, fill, order

BOB = Author("bob", "request-1")
NEW_YEAR = date(2024, 1, 1)
FLAT = [{"service_id": 1, "price": {"model": "flat", "amount": "9.00"}}]


@pytest.fixture
def app() -> Billing:
    """Return the small world; nothing is recorded of how it came about."""
    storage = MemoryStorage()
    fill(storage)
    return compose(storage, clock=TickingClock())


def trail(app: Billing) -> list[AuditEntry]:
    """Return what was recorded, oldest first."""
    with app.storage.snapshot(EVERYTHING) as view:
        return list(view.audit.page(AuditQuery(), Slice()))[::-1]


def store(
    app: Billing, rows: Sequence[object], kind: RowKind[Any], **more: Any
) -> list[AuditEntry]:
    """Take rows in as bob and return what that recorded."""
    before = len(trail(app))
    app.intake.store(rows, kind, author=BOB, **more)
    return trail(app)[before:]


def test_imported_customers_are_recorded_each(app: Billing) -> None:
    """New ones, and changed ones with the names of the fields that are others now."""
    rows = [
        {"id": 9, "name": "New"},
        {"id": ACME, "name": "ACME Ltd", "time_zone": "Europe/Warsaw"},
        {"id": WIDGETS, "name": "Widgets Inc"},
    ]
    created, updated = store(app, rows, CustomerRows())
    assert (created.action, created.object_kind, created.object_id) == (
        "customer.created",
        "customer",
        "9",
    )
    assert (created.customer_id, created.author, created.hash_before) == (9, BOB, None)
    assert (updated.action, updated.customer_id) == ("customer.updated", ACME)
    assert updated.details == {"changed": ["name", "time_zone"]}
    state = {"id": ACME, "name": "ACME Corp", "currency": "USD", "time_zone": "UTC"}
    assert updated.hash_before == state_hash(state)
    changed = {**state, "name": "ACME Ltd", "time_zone": "Europe/Warsaw"}
    assert updated.hash_after == state_hash(changed)
    assert store(app, rows, CustomerRows()) == []


def test_imported_services_are_recorded_each(app: Billing) -> None:
    """They are no customer's."""
    rows = [{"id": 1, "name": "Pick"}, {"id": 7, "name": "New"}]
    updated, created = store(app, rows, ServiceRows())
    assert (updated.action, updated.object_id, updated.customer_id) == (
        "service.updated",
        "1",
        None,
    )
    assert updated.details == {"changed": ["name"]}
    assert (created.action, created.object_id) == ("service.created", "7")
    assert store(app, rows, ServiceRows()) == []


def test_imported_products_are_counted_for_each_customer(app: Billing) -> None:
    """One entry a call and customer, over all of its batches."""
    rows = [
        {"customer_id": customer, "sku": f"S{n}", "units_per_case": 2}
        for n in range(400)
        for customer in (WIDGETS, ACME)
    ]
    entries = store(app, rows, ProductRows())
    assert [(e.action, e.object_id, e.customer_id) for e in entries] == [
        ("products.stored", str(customer), customer) for customer in (ACME, WIDGETS)
    ]
    assert entries[0].details == {"created": 400, "updated": 0}
    rows[1]["units_per_case"] = 3
    (entry,) = store(
        app, [*rows, {"customer_id": ACME, "sku": "T", "units_per_case": 1}], ProductRows()
    )
    assert (entry.customer_id, entry.details) == (ACME, {"created": 1, "updated": 1})
    assert entry.hash_after != entries[0].hash_after
    assert store(app, rows, ProductRows()) == []


def test_a_card_is_recorded_with_the_one_it_replaces(app: Billing) -> None:
    """By its id and both hashes; the card that is in force already records nothing."""
    rates = read_rates(FLAT)
    card, _ = app.rate_book.put(ACME, NEW_YEAR, rates, author=BOB)
    app.rate_book.put(ACME, NEW_YEAR, rates, author=BOB)
    (entry,) = trail(app)
    assert (entry.action, entry.object_kind, entry.object_id, entry.customer_id) == (
        "rate_card.created",
        "rate_card",
        str(card.id),
        ACME,
    )
    assert entry.details == {"effective_from": "2024-01-01", "replaces": 1}
    assert entry.hash_after == state_hash(
        {"effective_from": "2024-01-01", "rates": [rate.as_json() for rate in rates]}
    )
    assert entry.at == card.created_at
    app.rate_book.put(ACME, date(2025, 1, 1), (), author=BOB)
    assert trail(app)[-1].hash_before == entry.hash_after
    app.rate_book.put(WIDGETS, date(2020, 1, 1), (), author=BOB)
    first = trail(app)[-1]
    assert (first.hash_before, first.details["replaces"]) == (None, None)


def test_imported_cards_are_recorded_each(app: Billing) -> None:
    """As if they had been put one by one."""
    cards = [
        {"customer_id": customer, "effective_from": "2024-01-01", "rates": FLAT}
        for customer in (ACME, WIDGETS)
    ]
    entries = store(app, cards, RateRows(app.clock))
    assert [(e.action, e.customer_id, e.author) for e in entries] == [
        ("rate_card.created", ACME, BOB),
        ("rate_card.created", WIDGETS, BOB),
    ]
    assert store(app, cards, RateRows(app.clock)) == []


def test_orders_are_not_recorded(app: Billing) -> None:
    """They are what the warehouse says, and come by the million."""
    assert store(app, [{"customer_id": ACME, "order_id": 50}], OrderRows()) == []


def test_what_is_not_stored_is_not_recorded(app: Billing) -> None:
    """A dry run, a refused call and the bad rows of another leave nothing."""
    rows = [{"id": 9, "name": "New"}, {"id": 0, "name": "Bad"}]
    assert store(app, rows[:1], CustomerRows(), dry_run=True) == []
    with pytest.raises(RowsRefusedError):
        app.intake.store(rows, CustomerRows())
    assert trail(app) == []
    assert len(store(app, rows, CustomerRows(), skip_invalid=True)) == 1


def test_who_names_no_author_is_recorded_as_unnamed(app: Billing) -> None:
    """A program that embeds the library need not say who acts."""
    app.rate_book.put(ACME, NEW_YEAR, ())
    app.intake.store([{"id": 9, "name": "New"}], CustomerRows())
    assert {entry.author for entry in trail(app)} == {UNNAMED}


def test_a_purge_is_recorded_for_each_customer(
    app: Billing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the first of its orders, so that none is purged without; no names are in it."""
    monkeypatch.setattr(purge_module, "ORDERS_A_TRANSACTION", 2)
    with app.storage.transaction(EVERYTHING) as tx:
        tx.orders.save([order(ACME, n)._replace(ship_to_name="A. Person") for n in range(10, 15)])
    before = date(2023, 2, 1)
    app.purge.run(before, author=BOB, dry_run=True)
    assert trail(app) == []
    assert app.purge.run(before, author=BOB).orders == 5
    app.purge.run(before, author=BOB)
    (entry,) = trail(app)
    assert (entry.action, entry.object_kind, entry.object_id, entry.customer_id) == (
        "orders.purged",
        "orders",
        str(ACME),
        ACME,
    )
    assert entry.details == {"before": "2023-02-01", "orders": 5}


def test_an_interrupted_purge_is_recorded(app: Billing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its entry stands with the orders that were purged; the rest is in that of the next run."""
    monkeypatch.setattr(purge_module, "ORDERS_A_TRANSACTION", 4)
    with app.storage.transaction(EVERYTHING) as tx:
        tx.orders.save([order(ACME, n)._replace(notes="ring twice") for n in range(10, 17)])
    purge, calls = MemoryOrders.purge, []

    def interrupted(*args: Any) -> Any:
        calls.append(args)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return purge(*args)

    with monkeypatch.context() as patched:
        patched.setattr(MemoryOrders, "purge", interrupted)
        with pytest.raises(KeyboardInterrupt):
            app.purge.run(date(2023, 2, 1), author=BOB)
    assert [entry.details["orders"] for entry in trail(app)] == [7]
    left = app.purge.run(date(2023, 2, 1), author=BOB).orders
    assert 0 < left < 7
    assert [entry.details["orders"] for entry in trail(app)] == [7, left]


def test_entries_hold_small_json(app: Billing) -> None:
    """Each is shown as JSON text, its names in a fixed order."""
    app.rate_book.put(ACME, NEW_YEAR, read_rates(FLAT), author=BOB)
    (entry,) = trail(app)
    shown = json.loads(json.dumps(entry.as_json()))
    assert list(shown)[:5] == ["id", "at", "actor", "request_id", "action"]
    assert (shown["actor"], shown["request_id"]) == ("bob", "request-1")

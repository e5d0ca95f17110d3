"""The audit trail over HTTP: what calls record, and who may read what of it."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from billing.domain.audit import state_hash
from tests.integration.http.worlds import (
    API,
    CARD,
    FORBIDDEN,
    Caller,
    generate,
    put,
    settle,
    value,
)

AUDIT = API + "audit/"
REQUEST = {"X-Request-ID": "r-1"}


def entries(client: FlaskClient, query: str = "") -> list[dict[str, Any]]:
    """Return what the trail tells the caller, newest first."""
    response = client.get(AUDIT + query)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = value(response)
    return found


def actions(client: FlaskClient, query: str = "") -> list[str]:
    """Return what was done, newest first."""
    return [entry["action"] for entry in entries(client, query)]


def test_a_change_of_a_customer_is_recorded(client: FlaskClient, caller: Caller) -> None:
    """Who, when, in which request, and the state before and after; unchanged is no act."""
    put(client, "customers/1/", {"name": "Acme"})
    bob = caller(subject="bob")
    for _ in range(2):
        bob.put(API + "customers/1/", json={"name": "Acme Ltd"}, headers=REQUEST)
    updated, created = entries(client)
    state = {"id": 1, "name": "Acme", "currency": "USD", "time_zone": "UTC"}
    assert updated == {
        "id": updated["id"],
        "at": "2023-02-01T12:00:00Z",
        "actor": "bob",
        "request_id": "r-1",
        "action": "customer.updated",
        "object_kind": "customer",
        "object_id": "1",
        "customer_id": 1,
        "hash_before": state_hash(state),
        "hash_after": state_hash({**state, "name": "Acme Ltd"}),
        "details": {"changed": ["name"]},
    }
    assert (created["action"], created["hash_before"]) == ("customer.created", None)
    assert created["hash_after"] == updated["hash_before"]
    assert created["id"] < updated["id"]


def test_what_is_put_and_stored_is_recorded(client: FlaskClient) -> None:
    """Services, cards and products; orders are not; repeating all of it adds nothing."""
    product = {"customer_id": 1, "sku": "AB-1", "units_per_case": 12}
    for _ in range(2):
        settle_again(client)
        assert client.post(API + "products/", json=[product]).status_code == 200
    assert actions(client) == [
        "products.stored",
        "rate_card.created",
        *["service.created"] * 3,
        *["customer.created"] * 2,
    ]
    (card,) = entries(client, "?object_kind=rate_card")
    assert card["details"] == {"effective_from": "2023-01-01", "replaces": None}
    assert entries(client, "?object_kind=rate_card&object_id=1") == [card]


def settle_again(client: FlaskClient) -> None:
    """Put the small world, whether it is there or not."""
    if value(client.get(API + "customers/")) == []:
        settle(client)
    else:
        put(client, "customers/1/", {"name": "Acme"})
        put(client, "services/1/", {"name": "Picking"})
        put(client, "customers/1/rates/", CARD)


def test_the_moves_of_reports_are_in_it(client: FlaskClient) -> None:
    """With what was accepted and why."""
    settle(client)
    generate(client)
    terms = {"accept_exceptions": True, "reason": "agreed"}
    assert client.post(API + "reports/1/finalize/", json=terms).status_code == 200
    assert client.post(API + "reports/1/void/", json={"reason": "wrong"}).status_code == 200
    voided, finalized = entries(client, "?object_kind=report&object_id=1")
    assert finalized["details"]["accepted_exceptions"] == 1
    assert (finalized["details"]["reason"], voided["details"]["reason"]) == ("agreed", "wrong")
    assert finalized["hash_after"] == voided["hash_before"]


def test_a_refused_call_is_not_recorded(client: FlaskClient) -> None:
    """Nothing was done."""
    settle(client)
    before = len(entries(client))
    assert (
        client.put(API + "customers/1/", json={"name": "A", "currency": "EUR"}).status_code == 409
    )
    assert client.put(API + "customers/9/rates/", json=CARD).status_code == 404
    bad = {"customer_id": 9, "sku": "A", "units_per_case": 1}
    assert client.post(API + "products/", json=[bad]).status_code == 400
    assert len(entries(client)) == before


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?customer_id=2", ["customer.created"]),
        ("?actor=bob", ["service.created"]),
        ("?actor=nobody", []),
        ("?action=rate_card.created", ["rate_card.created"]),
        ("?object_kind=service&object_id=2", ["service.created"]),
        ("?created_after=2023-02-01&created_before=2023-02-01&object_id=4", ["service.created"]),
        ("?created_after=2023-02-02", []),
        ("?created_before=2023-01-31", []),
        ("?customer_id=9223372036854775807", []),
    ],
)
def test_entries_are_filtered(
    client: FlaskClient, caller: Caller, query: str, expected: list[str]
) -> None:
    """By whole values, all filters together."""
    settle(client)
    put(caller(subject="bob"), "services/4/", {"name": "Fourth"})
    assert actions(client, query) == expected


def test_the_trail_is_paged(client: FlaskClient) -> None:
    """As every list is: newest first, with where the page lies."""
    settle(client)
    everything = entries(client)
    page = client.get(AUDIT + "?page=2&page_size=2&created_before=2023-02-01")
    assert value(page) == everything[2:4]
    assert f'"total": {len(everything)}' in page.headers["X-Pagination"]
    assert "/api/v2/audit/?page_size=2&created_before=2023-02-01&page=3>" in page.headers["Link"]
    assert entries(client, "?page=9223372036854775807&page_size=1000") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?customer_id=x", "customer_id"),
        ("?customer_id=0", "customer_id"),
        ("?actor=", "actor"),
        ("?action=%00", "action"),
        ("?object_id=%20", "object_id"),
        ("?object_kind=" + "x" * 256, "object_kind"),
        ("?created_after=yesterday", "created_after"),
        ("?created_before=2023-02-30", "created_before"),
        ("?since=2023-02-01", "since"),
        ("?page_size=1001", "page_size"),
    ],
)
def test_the_filters_are_strict(client: FlaskClient, query: str, field: str) -> None:
    """400 that names the parameter."""
    response = client.get(AUDIT + query)
    assert response.status_code == 400
    assert field in response.text


def test_reading_it_takes_its_own_scope(caller: Caller) -> None:
    """No other scope shows it, and it shows nothing else."""
    other = caller(scopes=["reports:read", "reports:write", "catalog:write"])
    assert (other.get(AUDIT).status_code, other.get(AUDIT).text) == (403, FORBIDDEN)
    auditor = caller(scopes=["audit:read"])
    assert auditor.get(AUDIT).status_code == 200
    assert auditor.get(API + "customers/").status_code == 403


def test_an_entry_is_for_those_who_see_its_customer(client: FlaskClient, caller: Caller) -> None:
    """Those of services and tokens only for whom no customer is hidden."""
    settle(client)
    mine = caller(customers=[2])
    put(mine, "customers/2/", {"name": "Mine"})
    assert actions(mine) == ["customer.updated", "customer.created"]
    assert actions(mine, "?customer_id=1") == []
    assert actions(mine, "?object_kind=service") == []
    assert mine.get(AUDIT + "?page=1").headers["X-Pagination"].startswith('{"total": 2,')
    assert actions(caller(customers=[])) == []

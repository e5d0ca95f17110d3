"""Products: how SKUs are packed, taken in in bulk, known by customer and normalised SKU, listed."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.integration.http.worlds import API, FORBIDDEN, Caller, put, value

PRODUCTS = API + "products/"
NDJSON = "application/x-ndjson"
CSV = "text/csv"
AB = {"customer_id": 1, "sku": "AB-1", "units_per_case": 12}
CD = {"customer_id": 1, "sku": "CD-2", "units_per_case": 5}
OTHER = {"customer_id": 2, "sku": "ab 1", "units_per_case": 6}
COUNTS = {
    "received": 0,
    "created": 0,
    "updated": 0,
    "unchanged": 0,
    "skipped": 0,
    "errors": [],
    "ignored_columns": [],
}
MISSING = "Missing data for required field."


@pytest.fixture
def world(client: FlaskClient) -> FlaskClient:
    """Put two customers, and no products."""
    put(client, "customers/1/", {"name": "Acme"})
    put(client, "customers/2/", {"name": "Bolt"})
    return client


def refused(response: TestResponse) -> list[dict[str, Any]]:
    """Return the rows that a refusal lists."""
    assert response.status_code == 400, response.text
    assert response.json is not None
    details: list[dict[str, Any]] = response.json["details"]
    return details


def test_the_answer_counts_what_happened(world: FlaskClient) -> None:
    """As for orders; a row replaces the product, the same row again changes nothing."""
    first = world.post(PRODUCTS, json=[AB, CD])
    assert first.status_code == 200
    assert first.text == (
        '{"received":2,"created":2,"updated":0,"unchanged":0,"skipped":0'
        ',"errors":[],"ignored_columns":[]}'
    )
    again = world.post(PRODUCTS, json=[CD, AB | {"units_per_case": 24}])
    assert again.json == {**COUNTS, "received": 2, "unchanged": 1, "updated": 1}
    assert world.get(PRODUCTS).json == [AB | {"units_per_case": 24}, CD]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('[{"customer_id": 1, "sku": "AB-1", "units_per_case": 12}]', "application/json"),
        ('{"customer_id": 1, "sku": "AB-1", "units_per_case": 12}\n', NDJSON),
        ("customer_id,sku,units_per_case\n1, AB-1 ,12\n", CSV),
    ],
)
def test_the_three_formats_say_the_same(world: FlaskClient, body: str, content_type: str) -> None:
    """What one stored, another finds unchanged."""
    stored = world.post(PRODUCTS, data=body, content_type=content_type)
    assert stored.json == {**COUNTS, "received": 1, "created": 1}
    assert world.post(PRODUCTS, json=[AB]).json == {**COUNTS, "received": 1, "unchanged": 1}


def test_unknown_columns_of_a_csv_are_ignored_and_named(world: FlaskClient) -> None:
    """A warehouse's export has more columns; an unknown JSON key is a mistake."""
    body = "customer_id,sku,colour,units_per_case\n1,AB-1,red,12\n"
    stored = world.post(PRODUCTS, data=body, content_type=CSV)
    assert stored.json == {**COUNTS, "received": 1, "created": 1, "ignored_columns": ["colour"]}
    assert refused(world.post(PRODUCTS, json=[AB | {"colour": "red"}])) == [
        {"row": 1, "field": "colour", "error": "Unknown field."}
    ]


def test_an_sku_belongs_to_its_customer(world: FlaskClient) -> None:
    """Two customers may pack the same SKU in two ways."""
    assert world.post(PRODUCTS, json=[AB, OTHER]).json == {**COUNTS, "received": 2, "created": 2}
    assert world.get(PRODUCTS).json == [AB, OTHER]


@pytest.mark.parametrize("sku", ["ab-1", "AB1", "A B 1", "ab--1 "])
def test_two_spellings_of_an_sku_collide(world: FlaskClient, sku: str) -> None:
    """They would be one product: the second is refused, stored before or in the same call."""
    twice = world.post(PRODUCTS, json=[AB, AB | {"sku": sku}])
    assert refused(twice) == [
        {
            "row": 2,
            "field": "sku",
            "error": "Given twice in this call; give each object once.",
        }
    ]
    world.post(PRODUCTS, json=[AB])
    assert refused(world.post(PRODUCTS, json=[AB | {"sku": sku}])) == [
        {
            "row": 1,
            "field": "sku",
            "error": "Collides with the product AB-1: SKUs compare without case, spaces and "
            "hyphens.",
        }
    ]
    assert world.get(PRODUCTS).json == [AB]


NOT_WHOLE = "Not a whole number from 1 to 999,999,999."


@pytest.mark.parametrize(
    ("row", "field", "error"),
    [
        ({**AB, "customer_id": 9}, "customer_id", "Customer with ID 9 not found"),
        ({**AB, "customer_id": "1"}, "customer_id", None),
        ({**AB, "customer_id": True}, "customer_id", None),
        ({**AB, "customer_id": None}, "customer_id", MISSING),
        ({**AB, "sku": None}, "sku", MISSING),
        ({**AB, "sku": " "}, "sku", "Missing data for required field."),
        ({**AB, "sku": " - - "}, "sku", "Nothing is left of it without spaces and hyphens."),
        ({**AB, "sku": 5}, "sku", "Not a valid string."),
        ({**AB, "sku": ["AB-1"]}, "sku", "Not a valid string."),
        ({**AB, "sku": "x" * 256}, "sku", "Longer than 255 characters."),
        ({**AB, "sku": "AB\u202e1"}, "sku", None),
        ({**AB, "units_per_case": 0}, "units_per_case", NOT_WHOLE),
        ({**AB, "units_per_case": -1}, "units_per_case", NOT_WHOLE),
        ({**AB, "units_per_case": 1.5}, "units_per_case", NOT_WHOLE),
        ({**AB, "units_per_case": True}, "units_per_case", NOT_WHOLE),
        ({**AB, "units_per_case": "12"}, "units_per_case", NOT_WHOLE),
        ({**AB, "units_per_case": 10**9}, "units_per_case", NOT_WHOLE),
        ({**AB, "units_per_case": [12]}, "units_per_case", NOT_WHOLE),
        ({**AB, "units_per_case": None}, "units_per_case", MISSING),
        ("AB-1", None, "Not a JSON object."),
    ],
)
def test_a_bad_row_refuses_the_call(
    world: FlaskClient, row: object, field: str | None, error: str | None
) -> None:
    """Nothing is stored; its number, field and what is wrong are told."""
    (problem,) = refused(world.post(PRODUCTS, json=[CD, row]))
    assert (problem["row"], problem["field"]) == (2, field)
    assert error is None or problem["error"] == error
    assert world.get(PRODUCTS).json == []


def test_bad_rows_can_be_skipped(world: FlaskClient) -> None:
    """The good ones are stored, the bad ones listed."""
    response = world.post(PRODUCTS + "?on_error=skip", json=[AB, CD | {"units_per_case": 0}])
    assert response.json == {
        **COUNTS,
        "received": 2,
        "created": 1,
        "skipped": 1,
        "errors": [{"row": 2, "field": "units_per_case", "error": NOT_WHOLE}],
    }
    assert world.get(PRODUCTS).json == [AB]


@pytest.mark.parametrize(
    ("query", "body", "content_type", "status"),
    [
        ("?on_error=ignore", "[]", "application/json", 400),
        ("?dry_run=1", "[]", "application/json", 400),
        ("", "{}", "application/json", 400),
        ("", "[", "application/json", 400),
        ("", "[]", "text/plain", 415),
    ],
)
def test_a_doubtful_call_is_refused(
    world: FlaskClient, query: str, body: str, content_type: str, status: int
) -> None:
    """As strictly as orders are taken."""
    response = world.post(PRODUCTS + query, data=body, content_type=content_type)
    assert response.status_code == status


def test_the_list_is_bare_filtered_and_paged(world: FlaskClient) -> None:
    """By customer, then by SKU without regard to its spelling; pages tell where they lie."""
    rows = [
        {"customer_id": customer_id, "sku": sku, "units_per_case": 2}
        for customer_id in (1, 2)
        for sku in ("a-3", "B 1", "A 2", "Ł1")
    ]
    assert world.post(PRODUCTS, json=rows).status_code == 200
    everything = value(world.get(PRODUCTS))
    assert [product["sku"] for product in everything] == ["A 2", "a-3", "B 1", "Ł1"] * 2
    assert value(world.get(PRODUCTS + "?customer_id=2")) == everything[4:]
    assert value(world.get(PRODUCTS + "?customer_id=9")) == []
    page = world.get(PRODUCTS + "?customer_id=2&page=2&page_size=3")
    assert value(page) == everything[7:]
    assert page.headers["X-Pagination"].startswith('{"total": 4, "total_pages": 2')
    for query in ("customer_id=x", "customer_id=1&customer_id=1", "sku=AB-1", "page=0"):
        assert world.get(f"{PRODUCTS}?{query}").status_code == 400


@pytest.mark.usefixtures("world")
def test_products_of_hidden_customers_do_not_exist(client: FlaskClient, caller: Caller) -> None:
    """They are in no list, and a row of theirs is invalid, as one of nobody's."""
    client.post(PRODUCTS, json=[AB, OTHER])
    bolt = caller(customers=[2])
    assert bolt.get(PRODUCTS).json == [OTHER]
    assert bolt.get(PRODUCTS + "?customer_id=1").json == []
    (problem,) = refused(bolt.post(PRODUCTS, json=[AB | {"units_per_case": 99}]))
    assert problem["error"] == "Customer with ID 1 not found"
    assert client.get(PRODUCTS).json == [AB, OTHER]


@pytest.mark.usefixtures("world")
def test_storing_and_listing_take_their_scopes(caller: Caller) -> None:
    """403 comes before the media type and the rows."""
    reader = caller(scopes=["reports:read", "reports:write"])
    response = reader.post(PRODUCTS, data="x", content_type="text/plain")
    assert (response.status_code, response.text) == (403, FORBIDDEN)
    writer = caller(scopes=["catalog:write"])
    assert writer.get(PRODUCTS).status_code == 403
    assert writer.post(PRODUCTS, json=[AB]).status_code == 200

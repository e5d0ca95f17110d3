"""Orders: bulk input in three formats, all or nothing, and how orders are shown."""

import json
from dataclasses import replace
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from billing.bootstrap import Billing
from billing.entrypoints.http.app import create_app
from billing.settings import Settings
from tests.integration.http.worlds import (
    API,
    FORBIDDEN,
    NOT_FOUND,
    Caller,
    generate,
    put,
    settle,
    value,
)

ORDERS = API + "orders/"
NDJSON = "application/x-ndjson"
CSV = "text/csv"
COUNTS = {
    "received": 0,
    "created": 0,
    "updated": 0,
    "unchanged": 0,
    "skipped": 0,
    "errors": [],
    "ignored_columns": [],
}
NO_ID = "Not a valid id: give an integer from 1 to 9223372036854775807."


@pytest.fixture
def world(client: FlaskClient) -> FlaskClient:
    """Put two customers and three services, and no orders."""
    put(client, "customers/1/", {"name": "Acme", "time_zone": "America/New_York"})
    put(client, "customers/2/", {"name": "Bolt", "currency": "JPY"})
    for service_id in (1, 2, 3):
        put(client, f"services/{service_id}/", {"name": f"Service {service_id}"})
    return client


def send(client: FlaskClient, body: str | bytes, content_type: str, query: str = "") -> Any:
    """Post a bulk body."""
    return client.post(ORDERS + query, data=body, content_type=content_type)


def row(order_id: int = 1, **fields: object) -> dict[str, object]:
    """Return an order of customer 1."""
    return {"customer_id": 1, "order_id": order_id, **fields}


def stored(client: FlaskClient, order_id: int = 1) -> dict[str, Any]:
    """Return an order of customer 1 as it is shown."""
    response = client.get(f"{API}customers/1/orders/{order_id}/")
    assert response.status_code == 200
    shown: dict[str, Any] = value(response)
    return shown


def refused(response: TestResponse) -> list[dict[str, Any]]:
    """Return the rows that a refusal lists."""
    assert response.status_code == 400, response.text
    assert response.json is not None
    assert list(response.json) == ["error", "details"]
    details: list[dict[str, Any]] = response.json["details"]
    return details


# -------------------------------------------------------------------------------------- counts


def test_the_answer_counts_what_happened(world: FlaskClient) -> None:
    """Sending the same rows again changes nothing; a row replaces the whole order."""
    body = [row(1, carrier="UPS"), row(2)]
    first = world.post(ORDERS, json=body)
    assert first.status_code == 200
    assert first.text == (
        '{"received":2,"created":2,"updated":0,"unchanged":0,"skipped":0'
        ',"errors":[],"ignored_columns":[]}'
    )
    again = world.post(ORDERS, json=body)
    assert again.json == {**COUNTS, "received": 2, "unchanged": 2}
    changed = world.post(ORDERS, json=[row(1, status="shipped"), row(3)])
    assert changed.json == {**COUNTS, "received": 2, "updated": 1, "created": 1}
    assert stored(world)["carrier"] is None


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"[]", "application/json"),
        (b"", NDJSON),
        (b"\n\n", NDJSON),
        (b"customer_id,order_id\n", CSV),
        (b"\xef\xbb\xbfcustomer_id,order_id\r\n", CSV),
    ],
)
def test_no_rows_are_no_error(world: FlaskClient, body: bytes, content_type: str) -> None:
    """There is nothing to do, and that is said."""
    response = send(world, body, content_type)
    assert (response.status_code, response.json) == (200, COUNTS)


def test_an_order_belongs_to_its_customer(world: FlaskClient) -> None:
    """Two customers may both have an order 1."""
    body = [row(1), {"customer_id": 2, "order_id": 1, "carrier": "DHL"}]
    assert world.post(ORDERS, json=body).json == {**COUNTS, "received": 2, "created": 2}
    assert stored(world)["carrier"] is None
    assert value(world.get(API + "customers/2/orders/1/"))["carrier"] == "DHL"


# ------------------------------------------------------------------------------------- formats

FULL = {
    "customer_id": 1,
    "order_id": 9223372036854775807,
    "order_date": "2023-04-01",
    "reference_number": 'PO 7, "7"',
    "status": "shipped",
    "carrier": "UPS",
    "notes": "n" * 10_000,
    "ship_to_name": "Łódź 東京 العربية",
    "ship_to_company": "=1+1",
    "ship_to_city": "City",
    "ship_to_state": "NY",
    "ship_to_postal_code": "01234",
    "ship_to_country": "US",
    "weight_lb": Decimal("0.000001"),
    "volume_cuft": 999_999_999,
    "packages": 2,
    "line_items": 1,
    "total_item_qty": Decimal("2.5"),
    "items": [{"sku": "AB-1", "quantity": Decimal("2.5")}, {"sku": "ab 1", "quantity": 0}],
    "charges": [{"service_id": 3, "amount": Decimal("-0.10")}],
}


def plain(data: object) -> str:
    """Write JSON with exact decimals as strings, which the service reads as decimals."""
    return json.dumps(data, default=str)


def test_every_field_comes_back_equal(world: FlaskClient) -> None:
    """Nothing is rounded, trimmed or renamed; numbers are shown as numbers."""
    response = send(world, plain([FULL]), "application/json")
    assert response.json == {**COUNTS, "received": 1, "created": 1}
    shown = world.get(API + "customers/1/orders/9223372036854775807/")
    assert value(shown) == FULL
    assert list(value(shown)) == list(FULL)
    assert '"charges":[{"service_id":3,"amount":-0.10}]}' in shown.text
    assert world.get(ORDERS).text == f"[{shown.text}]"


def test_the_three_formats_say_the_same(world: FlaskClient) -> None:
    """What JSON stored, NDJSON and CSV find unchanged."""
    assert send(world, plain([FULL]), "application/json").status_code == 200
    same = {**COUNTS, "received": 1, "unchanged": 1}
    assert send(world, plain(FULL) + "\n", NDJSON).json == same
    cells = {
        **FULL,
        "items": plain(FULL["items"]),
        "charges": plain(FULL["charges"]),
    }
    quoted = ('"' + str(cell).replace('"', '""') + '"' for cell in cells.values())
    body = ",".join(cells) + "\r\n" + ",".join(quoted) + "\r\n"
    assert send(world, "\ufeff" + body, "text/csv; charset=utf-8").json == same


def test_a_warehouse_export_loads_as_it_is(world: FlaskClient) -> None:
    """Other names are known, instants are days, unknown columns are ignored and named."""
    body = (
        "transaction_id,customer_id,close_date,ship_to_zip,sku_quantity,warehouse,zone\n"
        '5,1,2023-04-01 02:30:00+00,08901,"{""A-1"": 2, ""B"": ""1.5""}",East,\n'
        '6,1,,,"[{""sku"": ""C"", ""quantity"": 1}]",West,\n'
    )
    assert send(world, body, CSV).json == {
        **COUNTS,
        "received": 2,
        "created": 2,
        "ignored_columns": ["warehouse", "zone"],
    }
    order = stored(world, 5)
    assert order["order_date"] == "2023-03-31"  # In New York it was still March.
    assert order["ship_to_postal_code"] == "08901"
    assert order["items"] == [
        {"sku": "A-1", "quantity": 2},
        {"sku": "B", "quantity": Decimal("1.5")},
    ]
    assert stored(world, 6)["order_date"] is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2023-04-01", "2023-04-01"),
        ("2023-04-01T03:59:59Z", "2023-03-31"),
        ("2023-04-01T04:00:00Z", "2023-04-01"),
        ("2023-04-01T05:59:59.123456+02:00", "2023-03-31"),
        ("2023-04-01 23:30:00+00", "2023-04-01"),
        ("9999-12-31", "9999-12-31"),
        ("0001-01-01", "0001-01-01"),
        (None, None),
        ("", None),
    ],
)
def test_an_instant_is_its_day_in_the_customer_s_time_zone(
    world: FlaskClient, text: str | None, day: str | None
) -> None:
    """It is settled when the order comes in; a plain day is itself."""
    assert world.post(ORDERS, json=[row(order_date=text)]).status_code == 200
    assert stored(world)["order_date"] == day


# ------------------------------------------------------------------------------------ bad rows


def test_a_bad_row_refuses_the_call_and_stores_nothing(world: FlaskClient) -> None:
    """Every problem is listed with its row, its field and a sentence."""
    body = [row(1), row(2, items=[{"sku": "A", "quantity": -1}]), {"customer_id": 1}]
    response = world.post(ORDERS, json=body)
    assert response.status_code == 400
    assert response.json == {
        "error": "2 of 3 rows are invalid",
        "details": [
            {
                "row": 2,
                "field": "items[0].quantity",
                "error": "Out of range: give 0 to 999,999,999.",
            },
            {"row": 3, "field": "order_id", "error": "Missing data for required field."},
        ],
    }
    assert world.get(ORDERS).text == "[]"


def test_skip_stores_the_good_rows_and_lists_the_bad_ones(world: FlaskClient) -> None:
    """A CSV's header is not counted among the rows."""
    body = "customer_id,order_id,weight_lb\n1,1,5\n1,x,5\n1,3,heavy\n"
    response = send(world, body, CSV, "?on_error=skip")
    assert (response.status_code, response.json) == (
        200,
        {
            **COUNTS,
            "received": 3,
            "created": 1,
            "skipped": 2,
            "errors": [
                {"row": 2, "field": "order_id", "error": NO_ID},
                {
                    "row": 3,
                    "field": "weight_lb",
                    "error": "Not a valid number: give a plain decimal such as 12.50.",
                },
            ],
        },
    )
    assert stored(world)["weight_lb"] == 5


def test_one_bad_row_is_said_in_the_singular_and_the_list_ends_at_a_hundred(
    world: FlaskClient,
) -> None:
    """The count tells all of them, the list the first hundred."""
    response = world.post(ORDERS, json=[row(0)])
    assert response.json is not None
    assert response.json["error"] == "1 of 1 rows are invalid"
    many = world.post(ORDERS, json=[row(0) for _ in range(250)])
    assert len(refused(many)) == 100
    assert many.json is not None
    assert many.json["error"] == "250 of 250 rows are invalid"


@pytest.mark.parametrize(
    ("fields", "field", "error"),
    [
        ({"customer_id": 99}, "customer_id", "Customer with ID 99 not found"),
        ({"customer_id": "1"}, "customer_id", NO_ID),
        ({"customer_id": None}, "customer_id", "Missing data for required field."),
        ({"order_id": 2**63}, "order_id", NO_ID),
        ({"order_id": 1.5}, "order_id", NO_ID),
        ({"order_id": True}, "order_id", NO_ID),
        ({"color": "red"}, "color", "Unknown field."),
        ({"status": 5}, "status", "Not a valid string."),
        ({"carrier": "a" * 256}, "carrier", "Longer than 255 characters."),
        ({"notes": "a" * 10_001}, "notes", "Longer than 10,000 characters."),
        ({"ship_to_name": "a\x00"}, "ship_to_name", None),
        ({"ship_to_name": "\ud800"}, "ship_to_name", None),
        ({"ship_to_name": "\u202e"}, "ship_to_name", None),
        ({"order_date": "2023-02-30"}, "order_date", None),
        ({"order_date": "2023-04-01T10:00:00"}, "order_date", None),
        ({"order_date": 20230401}, "order_date", None),
        ({"weight_lb": "1_000"}, "weight_lb", None),
        ({"weight_lb": " 5 "}, "weight_lb", None),
        ({"weight_lb": "٥"}, "weight_lb", None),
        ({"weight_lb": True}, "weight_lb", None),
        ({"weight_lb": "0.0000001"}, "weight_lb", "Has more than 6 decimals."),
        ({"weight_lb": 1_000_000_000}, "weight_lb", None),
        ({"weight_lb": -1}, "weight_lb", None),
        ({"items": {}}, "items", "Not a list of {sku, quantity}."),
        ({"items": [{"sku": "A"}]}, "items[0].quantity", "Missing data for required field."),
        ({"items": [{"sku": " ", "quantity": 1}]}, "items[0].sku", "Missing: give a text."),
        ({"charges": [{"service_id": 9, "amount": 1}]}, "charges[0].service_id",
         "Service with ID 9 not found"),
        ({"charges": [{"service_id": 1, "amount": "1.005"}]}, "charges[0].amount",
         "Has more than 2 decimals."),
        ({"charges": [{"service_id": 1, "amount": "1e400"}]}, "charges[0].amount", None),
        ({"charges": [{"service_id": 1, "amount": True}]}, "charges[0].amount", None),
        ({"charges": [{"service_id": 1, "amount": "10000000000000"}]}, "charges[0].amount", None),
        ({"customer_id": 2, "charges": [{"service_id": 1, "amount": "0.5"}]},
         "charges[0].amount", "Must have no decimals."),
        ({"sku_quantity": {}, "items": []}, "sku_quantity", None),
    ],
)  # fmt: skip
def test_a_doubtful_value_makes_its_row_invalid(
    world: FlaskClient, fields: dict[str, object], field: str, error: str | None
) -> None:
    """Nothing is converted, cut or guessed; the field is named by its path."""
    problems = refused(world.post(ORDERS, json=[row(7), {**row(), **fields}]))
    assert [problem["row"] for problem in problems] == [2]
    assert problems[0]["field"] == field
    assert error is None or problems[0]["error"] == error
    assert world.get(ORDERS).text == "[]"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0.1", "0.10"),
        ("0.10", "0.10"),
        ("1e2", "100.00"),
        ("-3", "-3.00"),
        ('"0.10"', "0.10"),
        ("9999999999999.99", "9999999999999.99"),
        ("0.285", None),
        ("1.005", None),
        ("NaN", None),
        ("Infinity", None),
        ("1e400", None),
        ("10000000000000.00", None),
        ("1" + "0" * 100, None),
    ],
)
def test_an_amount_is_read_as_the_decimal_it_is(
    world: FlaskClient, text: str, shown: str | None
) -> None:
    """Exactly as written, or refused: never through a binary float."""
    body = f'[{{"customer_id":1,"order_id":1,"charges":[{{"service_id":1,"amount":{text}}}]}}]'
    response = send(world, body, "application/json")
    if shown is None:
        assert refused(response)[0]["row"] == 1
    else:
        assert response.status_code == 200
        assert f'"amount":{shown}}}' in world.get(API + "customers/1/orders/1/").text


def test_the_same_key_twice_makes_the_later_row_invalid(world: FlaskClient) -> None:
    """Which one was meant is not for the service to guess."""
    problems = refused(world.post(ORDERS, json=[row(1), row(2), row(1, carrier="UPS")]))
    assert [(problem["row"], problem["field"]) for problem in problems] == [(3, "order_id")]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"{}", "application/json"),
        (b"null", "application/json"),
        (b'"x"', "application/json"),
        (b"[{]", "application/json"),
        (b'[{"customer_id":1,"order_id":1}', "application/json"),
        (b'[{"customer_id":1,"order_id":1}] x', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"\xff\xfe[\x00]\x00", "application/json"),
        (b"", CSV),
        (b"\xff\xfea\x00", CSV),
        (b'customer_id,order_id\n1,"2', CSV),
        (b"customer_id,customer_id\n1,2\n", CSV),
        (b"customer_id;order_id\n1;2\n", CSV),
        (b'customer_id,order_id\n1,"2"x\n', CSV),
    ],
)
@pytest.mark.parametrize("query", ["", "?on_error=skip"])
def test_a_body_without_readable_rows_is_refused(
    world: FlaskClient, body: bytes, content_type: str, query: str
) -> None:
    """Where rows cannot be told apart none is taken, skipping or not."""
    response = send(world, body, content_type, query)
    assert response.status_code == 400
    assert response.json is not None
    assert response.json["error"]
    assert world.get(ORDERS).text == "[]"


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b"1",
        b"null",
        b"\xff",
        b'{"customer_id":1,"order_id":1,"order_id":1}',
        b'{"customer_id":1,"order_id":1,"weight_lb":NaN}',
        b'{"customer_id":1,"order_id":1,"items":' + b"[" * 40 + b"]" * 40 + b"}",
    ],
)
def test_an_unreadable_line_spoils_its_own_row_only(world: FlaskClient, line: bytes) -> None:
    """The lines around it are rows of their own."""
    body = b'{"customer_id":1,"order_id":5}\n' + line + b'\n{"customer_id":1,"order_id":6}\n'
    response = send(world, body, NDJSON, "?on_error=skip")
    assert response.status_code == 200
    assert response.json["skipped"] == 1
    assert response.json["errors"][0]["row"] == 2
    assert [order["order_id"] for order in value(world.get(ORDERS))] == [5, 6]


# ---------------------------------------------------------------------------------------- calls


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/xml", "text/json", None],
)
def test_bulk_bodies_are_of_three_types(world: FlaskClient, content_type: str | None) -> None:
    """Others are unsupported; parameters of a type do not matter."""
    response = world.post(ORDERS, data=b"[]", content_type=content_type)
    assert response.status_code == 415
    assert response.json is not None
    assert list(response.json) == ["detail"]
    assert send(world, b"[]", "application/json; charset=utf-8").status_code == 200


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("?on_error=abort", "on_error: Use skip, or leave it out."),
        ("?on_error=", "on_error: Use skip, or leave it out."),
        ("?on_error=SKIP", "on_error: Use skip, or leave it out."),
        ("?on_error=skip&on_error=skip", "on_error: Given more than once."),
        ("?dry_run=1", "dry_run: Unknown field."),
    ],
)
def test_on_error_is_skip_or_nothing(world: FlaskClient, query: str, error: str) -> None:
    """A misspelt wish is not taken for its absence."""
    response = world.post(ORDERS + query, json=[row()])
    assert (response.status_code, response.json) == (400, {"error": error})
    assert world.get(ORDERS).text == "[]"


def test_a_body_over_the_limit_is_cut_and_nothing_is_stored(
    world: FlaskClient, settings: Settings, billing: Billing
) -> None:
    """Declared or not, a body is read up to the limit only."""
    small = create_app(replace(settings, max_body_mb=1), billing).test_client()
    small.environ_base.update(world.environ_base)
    body = b'{"customer_id":1,"order_id":1}\n' * 40_000
    assert send(small, body, NDJSON).status_code == 413
    undeclared = small.post(
        ORDERS,
        input_stream=BytesIO(body),
        content_type=NDJSON,
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert undeclared.status_code == 413
    assert undeclared.json is not None
    assert list(undeclared.json) == ["detail"]
    assert world.get(ORDERS).text == "[]"


def test_many_rows_are_one_call(world: FlaskClient) -> None:
    """Batches are nobody's business but the storage's; the last bad row undoes them all."""
    lines = [json.dumps(row(number)) for number in range(1, 2501)]
    response = send(world, "\n".join([*lines, json.dumps(row(0))]), NDJSON)
    assert refused(response)[0]["row"] == 2501
    assert world.get(ORDERS).text == "[]"
    good = send(world, "\n".join(lines), NDJSON)
    assert good.json == {**COUNTS, "received": 2500, "created": 2500}
    listed = value(world.get(ORDERS))
    assert [order["order_id"] for order in listed] == list(range(1, 2501))


# --------------------------------------------------------------------------------------- reading


def test_orders_are_listed_by_customer_and_id_and_filtered(client: FlaskClient) -> None:
    """Dates include both ends; with one of them an order without a date is not asked for."""
    settle(client)

    def keys(query: str) -> list[tuple[int, int]]:
        listed = value(client.get(f"{ORDERS}?{query}"))
        return [(order["customer_id"], order["order_id"]) for order in listed]

    everything = [(1, 10001), (1, 10002), (1, 10003), (1, 10004), (2, 10001)]
    assert keys("") == everything
    assert keys("customer_id=1") == everything[:4]
    assert keys("customer_id=99") == []
    assert keys("start_date=2023-01-06") == [(1, 10003), (2, 10001)]
    assert keys("end_date=2023-01-05") == [(1, 10001), (1, 10002)]
    assert keys("start_date=2023-01-05&end_date=2023-01-05&customer_id=1") == everything[:2]
    assert keys("start_date=2024-01-01&end_date=2023-01-01") == []
    assert keys("page_size=2&page=2") == [(1, 10003), (1, 10004)]
    assert keys("page_size=1&page=2&start_date=2023-01-06") == [(2, 10001)]


@pytest.mark.parametrize(
    "path",
    [
        "customers/1/orders/99/",
        "customers/99/orders/10001/",
        "customers/1/orders/0/",
        "customers/1/orders/x/",
        "customers/1/orders/9223372036854775808/",
        "customers/9223372036854775808/orders/1/",
    ],
)
def test_an_order_that_is_not_there_is_not_found(client: FlaskClient, path: str) -> None:
    """Missing or impossible, it is the same."""
    settle(client)
    response = client.get(API + path)
    assert (response.status_code, response.text) == (404, NOT_FOUND)


def test_a_charge_alone_is_billed_as_it_is(world: FlaskClient) -> None:
    """A fee that belongs to no order is an order with charges only; so is a credit."""
    charges = [{"service_id": 2, "amount": "10.00"}, {"service_id": 1, "amount": "-2.50"}]
    world.post(ORDERS, json=[row(order_date="2023-01-31", charges=charges)])
    report = value(generate(world))
    assert report["total_amount"] == Decimal("7.50")
    assert [(cost["service_id"], cost["amount"]) for cost in report["orders"][0]["service_costs"]] \
        == [(1, Decimal("-2.50")), (2, Decimal("10.00"))]  # fmt: skip


# ---------------------------------------------------------------------------------------- access


def test_a_customer_that_the_token_does_not_name_makes_its_row_invalid(
    client: FlaskClient, caller: Caller
) -> None:
    """The words are those for a customer that does not exist; the own rows may be stored."""
    settle(client)
    bolt = caller(customers=[2])
    body = [{"customer_id": 2, "order_id": 50}, {"customer_id": 1, "order_id": 50}]
    problems = refused(bolt.post(ORDERS, json=body))
    assert problems == [{"row": 2, "field": "customer_id", "error": "Customer with ID 1 not found"}]
    skipped = bolt.post(ORDERS + "?on_error=skip", json=body)
    assert skipped.json is not None
    assert (skipped.json["created"], skipped.json["skipped"]) == (1, 1)
    assert client.get(API + "customers/1/orders/50/").status_code == 404


def test_storing_orders_takes_its_scope(world: FlaskClient, caller: Caller) -> None:
    """A token that may read and bill stores none, and is told so before its body is read."""
    response = caller(scopes=["reports:read", "reports:write"]).post(ORDERS, data=b"x")
    assert (response.status_code, response.text) == (403, FORBIDDEN)
    assert world.get(ORDERS).text == "[]"

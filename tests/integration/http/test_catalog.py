"""Customers and services: upserts by the caller's own ids, and who may make them."""

import pytest
from flask.testing import FlaskClient

from tests.integration.http.worlds import API, FORBIDDEN, NOT_FOUND, Caller, put, settle

NO_ID = "Not a valid id: give an integer from 1 to 9223372036854775807."


def test_a_put_makes_a_customer_and_then_changes_it(client: FlaskClient) -> None:
    """201 the first time, 200 afterwards, also when nothing changes."""
    first = client.put(API + "customers/7/", json={"name": "Acme"})
    assert (first.status_code, first.text) == (
        201,
        '{"id":7,"name":"Acme","currency":"USD","time_zone":"UTC"}',
    )
    body = {"id": 7, "name": "Acme Ltd", "currency": "EUR", "time_zone": "Europe/Warsaw"}
    second = client.put(API + "customers/7/", json=body)
    assert (second.status_code, second.text) == (
        200,
        '{"id":7,"name":"Acme Ltd","currency":"EUR","time_zone":"Europe/Warsaw"}',
    )
    assert client.put(API + "customers/7/", json=body).status_code == 200
    assert client.get(API + "customers/7/").data == second.data
    assert client.get(API + "customers/7").data == second.data
    assert client.get(API + "customers/").text == f"[{second.text}]"


@pytest.mark.parametrize("missing", [{}, {"currency": None, "time_zone": None}, {"currency": ""}])
def test_what_is_left_out_of_a_customer_keeps_its_value(
    client: FlaskClient, missing: dict[str, object]
) -> None:
    """Currency and time zone are only changed when they are given."""
    put(client, "customers/7/", {"name": "A", "currency": "KWD", "time_zone": "Asia/Kuwait"})
    response = put(client, "customers/7/", {"name": "B", **missing})
    assert response.text == '{"id":7,"name":"B","currency":"KWD","time_zone":"Asia/Kuwait"}'


def test_a_put_makes_a_service_and_then_changes_it(client: FlaskClient) -> None:
    """A description may be missing; what is left out of a service is gone."""
    first = client.put(API + "services/3/", json={"name": " Picking ", "description": "By hand"})
    assert (first.status_code, first.text) == (
        201,
        '{"id":3,"name":"Picking","description":"By hand"}',
    )
    second = client.put(API + "services/3/", json={"id": 3, "name": "Picking"})
    assert (second.status_code, second.text) == (
        200,
        '{"id":3,"name":"Picking","description":null}',
    )
    assert client.get(API + "services/3/").data == second.data
    assert client.get(API + "services/").text == f"[{second.text}]"


def test_lists_come_by_id(client: FlaskClient) -> None:
    """By number, not in the order in which they were made."""
    for number in (10, 9, 9223372036854775807, 1):
        put(client, f"customers/{number}/", {"name": "x"})
        put(client, f"services/{number}/", {"name": "x"})
    for path in ("customers/", "services/"):
        listed = client.get(API + path).json
        assert listed is not None
        assert [entry["id"] for entry in listed] == [1, 9, 10, 9223372036854775807]


@pytest.mark.parametrize(
    "name", ["Łódź", "東京", "العربية", "🚚📦", "a" * 255, "A\u200dB", "'; DROP TABLE customers"]
)
@pytest.mark.parametrize("kind", ["customers", "services"])
def test_any_script_comes_back_equal(client: FlaskClient, kind: str, name: str) -> None:
    """Names are kept character by character."""
    put(client, f"{kind}/1/", {"name": name})
    stored = client.get(f"{API}{kind}/1/").json
    assert stored is not None
    assert stored["name"] == name


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "name: Missing data for required field."),
        ({"name": None}, "name: Missing data for required field."),
        ({"name": ""}, "name: Missing: give a text."),
        ({"name": " \t "}, "name: Missing: give a text."),
        ({"name": 5}, "name: Not a valid string."),
        ({"name": ["A"]}, "name: Not a valid string."),
        ({"name": "a" * 256}, "name: Longer than 255 characters."),
        ({"name": "a\x00b"}, None),
        ({"name": "a\nb"}, None),
        ({"name": "a\x85b"}, None),
        ({"name": "\ud800"}, None),
        ({"name": "a\u202eb"}, None),
        ({"name": "a\u2066b"}, None),
        ({"name": "A", "id": 2}, "id: Not the id in the path."),
        ({"name": "A", "id": "1"}, f"id: {NO_ID}"),
        ({"name": "A", "id": 1.0}, f"id: {NO_ID}"),
        ({"name": "A", "id": True}, f"id: {NO_ID}"),
        ({"name": "A", "color": "red"}, "color: Unknown field."),
    ],
)
@pytest.mark.parametrize("kind", ["customers", "services"])
def test_a_doubtful_body_is_refused_and_nothing_is_stored(
    client: FlaskClient, kind: str, body: dict[str, object], error: str | None
) -> None:
    """The error names the field; text that could trick a reader is none."""
    response = client.put(f"{API}{kind}/1/", json=body)
    assert response.status_code == 400
    assert response.json is not None
    if error is None:
        assert response.json["error"].startswith("name: Control characters")
    else:
        assert response.json == {"error": error}
    assert client.get(f"{API}{kind}/1/").status_code == 404


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (
            {"name": "A", "currency": "usd"},
            "currency: 'usd' is no ISO 4217 currency code such as USD.",
        ),
        (
            {"name": "A", "currency": "XAU"},
            "currency: 'XAU' is no ISO 4217 currency code such as USD.",
        ),
        ({"name": "A", "currency": 840}, "currency: Not a valid string."),
        (
            {"name": "A", "time_zone": "Mars/Olympus"},
            "time_zone: 'Mars/Olympus' is no IANA time zone such as Europe/Warsaw.",
        ),
        (
            {"name": "A", "time_zone": "../../etc/passwd"},
            "time_zone: '../../etc/passwd' is no IANA time zone such as Europe/Warsaw.",
        ),
    ],
)
def test_a_customer_s_currency_and_time_zone_must_exist(
    client: FlaskClient, body: dict[str, object], error: str
) -> None:
    """ISO 4217 and IANA decide."""
    response = client.put(API + "customers/1/", json=body)
    assert (response.status_code, response.json) == (400, {"error": error})


def test_several_wrong_fields_are_all_named(client: FlaskClient) -> None:
    """Unknown fields first, then as documented."""
    response = client.put(API + "customers/1/", json={"name": 5, "id": "x", "color": 1})
    assert response.json == {
        "error": "color: Unknown field.",
        "details": {
            "color": ["Unknown field."],
            "id": [NO_ID],
            "name": ["Not a valid string."],
        },
    }


def test_the_currency_is_fixed_from_the_first_amount_on(client: FlaskClient) -> None:
    """A card or a charge is in the old currency; other changes go on."""
    settle(client)
    for customer_id, other in ((1, "EUR"), (2, "USD")):  # The one has a card, the other a charge.
        body = {"name": "Other", "currency": other}
        response = client.put(f"{API}customers/{customer_id}/", json=body)
        assert response.status_code == 409
        assert response.json is not None
        assert list(response.json) == ["error"]
        renamed = client.put(f"{API}customers/{customer_id}/", json={"name": "Renamed"})
        assert renamed.status_code == 200


@pytest.mark.parametrize("path", ["customers/5/", "services/5/", "customers/5/rates/"])
def test_what_is_missing_is_not_found(client: FlaskClient, path: str) -> None:
    """One answer for all of them."""
    response = client.get(API + path)
    assert (response.status_code, response.text) == (404, NOT_FOUND)


@pytest.mark.parametrize("number", ["0", "01", "-1", "x", "1.5", "9223372036854775808", "%D9%A1"])
@pytest.mark.parametrize("kind", ["customers", "services"])
def test_an_impossible_id_is_not_found(client: FlaskClient, kind: str, number: str) -> None:
    """Reading and writing alike."""
    for method in (client.get, client.put):
        response = method(f"{API}{kind}/{number}/", json={"name": "A"})
        assert (response.status_code, response.text) == (404, NOT_FOUND)


# -------------------------------------------------------------------------------------- access


def test_a_customer_that_the_token_does_not_name_cannot_be_put(
    client: FlaskClient, caller: Caller
) -> None:
    """Made or not, it does not exist for the caller; its own can be put."""
    settle(client)
    bolt = caller(customers=[2, 5])
    for path in ("customers/1/", "customers/99/"):
        response = bolt.put(API + path, json={"name": "Mine"})
        assert (response.status_code, response.text) == (404, NOT_FOUND)
    assert bolt.put(API + "customers/5/", json={"name": "Mine"}).status_code == 201
    assert bolt.put(API + "customers/2/", json={"name": "Mine"}).status_code == 200
    stored = client.get(API + "customers/1/").json
    assert stored is not None
    assert stored["name"] == "Acme"
    assert client.get(API + "customers/99/").status_code == 404


def test_a_bad_body_is_told_before_a_missing_customer(caller: Caller) -> None:
    """400 comes before 404, so the words do not depend on the customer."""
    response = caller(customers=[2]).put(API + "customers/1/", json={"name": 5})
    assert response.status_code == 400


def test_services_take_a_token_for_every_customer(client: FlaskClient, caller: Caller) -> None:
    """They belong to everyone: reading is free, writing is not, whatever the body says."""
    settle(client)
    bolt = caller(customers=[2])
    assert bolt.get(API + "services/1/").status_code == 200
    for body, content_type in (
        ('{"name": "Mine"}', "application/json"),
        ('{"name": 5}', "application/json"),
        ("{", "application/json"),
        ("name=Mine", "application/x-www-form-urlencoded"),
    ):
        response = bolt.put(API + "services/1/?x=1", data=body, content_type=content_type)
        assert (response.status_code, response.text) == (403, FORBIDDEN)
        assert "WWW-Authenticate" not in response.headers  # No scope is missing.
    assert '"name":"Picking"' in client.get(API + "services/1/").text


@pytest.mark.parametrize("path", ["customers/1/", "services/1/", "customers/1/rates/"])
def test_writing_takes_its_scope(client: FlaskClient, caller: Caller, path: str) -> None:
    """A token that may read and bill still writes no reference data."""
    reader = caller(scopes=["reports:read", "reports:write"])
    response = reader.put(API + path, json={"nonsense": 1})
    assert (response.status_code, response.text) == (403, FORBIDDEN)
    assert client.get(API + path).status_code == 404


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("customers/", "GET, HEAD"),
        ("customers/1/", "GET, HEAD, PUT"),
        ("services/1/", "GET, HEAD, PUT"),
        ("orders/", "GET, HEAD, POST"),
        ("products/", "GET, HEAD, POST"),
        ("customers/1/rates/", "GET, HEAD, PUT"),
        ("customers/1/orders/1/", "GET, HEAD"),
        ("reports/", "GET, HEAD"),
        ("customers/1/rates/test/", "POST"),
        ("reports/1/", "GET, HEAD"),
        ("reports/1/explain/", "GET, HEAD"),
        ("reports/preview/", "POST"),
    ],
)
@pytest.mark.parametrize("method", ["DELETE", "PATCH", "TRACE", "OPTIONS"])
def test_nothing_is_deleted_over_http(
    client: FlaskClient, path: str, allowed: str, method: str
) -> None:
    """Other methods are told which ones there are, as JSON."""
    response = client.open(API + path, method=method)
    assert response.status_code == 405
    assert ", ".join(sorted(response.headers["Allow"].split(", "))) == allowed
    assert response.json is not None
    assert list(response.json) == ["detail"]

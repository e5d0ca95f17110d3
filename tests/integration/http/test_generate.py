"""Generating reports: what is billed, in which format it is answered, and what is refused."""

import json

import pytest
from flask.testing import FlaskClient

from billing.bootstrap import Billing
from billing.domain.report_query import ReportQuery
from tests.integration.http.worlds import (
    API,
    FORBIDDEN,
    JANUARY,
    Caller,
    generate,
    put,
    settle,
    value,
)

GENERATE = API + "reports/generate/"
MISSING = "Missing data for required field."
NO_ID = "Not a valid id: give an integer from 1 to 9223372036854775807."
NO_DATE = "Not a valid date: give an existing day as YYYY-MM-DD."


@pytest.fixture
def world(client: FlaskClient) -> FlaskClient:
    """Put the small world."""
    settle(client)
    return client


def filed(billing: Billing) -> int:
    """Return how many reports there are."""
    return billing.archive.count(ReportQuery())


@pytest.mark.parametrize("output_format", [None, "json", "dict"])
def test_json_and_dict_answer_the_detail(world: FlaskClient, output_format: str | None) -> None:
    """The answer is 201, says where the report is, and is what that place shows."""
    changes = {} if output_format is None else {"output_format": output_format}
    response = generate(world, **changes)
    assert response.status_code == 201
    assert response.headers["Location"] == "/api/v2/reports/1/"
    assert "Content-Disposition" not in response.headers
    assert response.data == world.get(response.headers["Location"]).data
    assert value(response)["id"] == 1


def test_csv_answers_the_file_as_the_download_does(world: FlaskClient) -> None:
    """Bytes, type and file name are those of the download."""
    response = generate(world, output_format="csv")
    download = world.get(API + "reports/1/download/?format=csv")
    assert response.status_code == 201
    assert response.headers["Location"] == "/api/v2/reports/1/"
    for name in ("Content-Type", "Content-Disposition", "Content-Length"):
        assert response.headers[name] == download.headers[name]
    assert response.data == download.data


def test_pdf_answers_the_file_as_the_download_does(world: FlaskClient) -> None:
    """A document that can be sent to the customer, named after the report."""
    response = generate(world, output_format="pdf")
    download = world.get(API + "reports/1/download/?format=pdf")
    assert response.status_code == 201
    assert response.headers["Content-Type"] == "application/pdf"
    disposition = 'attachment; filename="billing_report_1.pdf"'
    assert response.headers["Content-Disposition"] == disposition
    assert response.data.startswith(b"%PDF-")
    assert download.headers["Content-Disposition"] == disposition


def test_one_day_is_a_period(world: FlaskClient) -> None:
    """The first and the last day are both billed, so a day is enough."""
    report = value(generate(world, start_date="2023-01-05", end_date="2023-01-05"))
    assert [order["order_id"] for order in report["orders"]] == [10001, 10002]


def test_all_of_time_is_a_period(world: FlaskClient) -> None:
    """The calendar's ends bill the same orders as a tight period."""
    tight = value(generate(world))
    all_of_time = value(generate(world, start_date="0001-01-01", end_date="9999-12-31"))
    assert all_of_time["orders"] == tight["orders"]
    assert (all_of_time["start_date"], all_of_time["end_date"]) == ("0001-01-01", "9999-12-31")


def test_generating_again_makes_another_report(world: FlaskClient) -> None:
    """Reports are snapshots: equal data gives an equal hash under a new id."""
    first, second = value(generate(world)), value(generate(world))
    assert (first["id"], second["id"]) == (1, 2)
    assert first["content_hash"] == second["content_hash"]


def test_a_report_does_not_change_when_the_world_does(world: FlaskClient) -> None:
    """New names, prices and orders leave every byte of it alone."""
    before = generate(world).data
    put(world, "customers/1/", {"name": "Another"})
    put(world, "services/1/", {"name": "Something else"})
    put(world, "customers/1/rates/", {"effective_from": "2023-01-01", "rates": []})
    order = {"customer_id": 1, "order_id": 10001, "order_date": "2023-01-09"}
    assert world.post(API + "orders/", json=[order]).status_code == 200
    assert world.get(API + "reports/1/").data == before


# ------------------------------------------------------------------------------ partial reports


def test_chosen_services_make_a_partial_report(world: FlaskClient) -> None:
    """Only they are billed, and the report says so; the summary, too."""
    response = generate(world, services=[3, 1, 3])
    report = value(response)
    assert report["services"] == [1, 3]
    assert list(report["service_totals"]) == ["1", "3"]
    assert response.text.endswith(',"services":[1,3]}')
    assert value(world.get(API + "reports/"))[0]["services"] == [1, 3]


@pytest.mark.parametrize("services", [[], None])
def test_no_chosen_services_are_all(world: FlaskClient, services: list[int] | None) -> None:
    """An empty choice is no choice, and such a report is not partial."""
    report = value(generate(world, services=services))
    assert list(report["service_totals"]) == ["1", "2", "3"]
    assert "services" not in report


@pytest.mark.parametrize(
    ("services", "error"),
    [
        ([99], "Service with ID 99 not found"),
        ([1, "2"], f"services[1]: {NO_ID}"),
        ([1, 2.0], f"services[1]: {NO_ID}"),
        ([True], f"services[0]: {NO_ID}"),
        ([None], f"services[0]: {MISSING}"),
        ("1", "services: Not a list of service ids."),
        ({"1": 2}, "services: Not a list of service ids."),
    ],
)
def test_services_are_a_list_of_known_ids(
    world: FlaskClient, billing: Billing, services: object, error: str
) -> None:
    """A service that does not exist, or no id at all, is refused and nothing is stored."""
    response = generate(world, services=services)
    assert (response.status_code, response.json) == (400, {"error": error})
    assert filed(billing) == 0


# ------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        (
            {"start_date": "2023-02-01", "end_date": "2023-01-31"},
            "Start date must be before end date",
        ),
        ({"customer_id": 999}, "Customer with ID 999 not found"),
        ({"output_format": "xyz"}, "Invalid output format: xyz"),
        ({"output_format": "CSV"}, "Invalid output format: CSV"),
        ({"output_format": ""}, "Invalid output format: "),
        ({"output_format": "x" * 300}, "Invalid output format: " + "x" * 50),
        ({"output_format": "../../etc"}, "Invalid output format: ../../etc"),
    ],
)
def test_published_refusals_have_exactly_their_bodies(
    world: FlaskClient, billing: Billing, changes: dict[str, object], error: str
) -> None:
    """One member, one sentence, to the letter; and nothing is stored."""
    response = generate(world, **changes)
    assert (response.status_code, response.json) == (400, {"error": error})
    assert filed(billing) == 0


def test_refusals_come_in_the_promised_order(world: FlaskClient) -> None:
    """Unknown keys, types, format, dates, customer: each is told before those after it."""
    wrong: list[tuple[dict[str, object], str]] = [
        ({"nonsense": 1}, "nonsense: Unknown field."),
        ({"end_date": "never"}, f"end_date: {NO_DATE}"),
        ({"output_format": "xyz"}, "Invalid output format: xyz"),
        ({"start_date": "2024-01-01"}, "Start date must be before end date"),
        ({"customer_id": 999}, "Customer with ID 999 not found"),
    ]
    for place, (_, error) in enumerate(wrong):
        changes = {key: entry[key] for entry, _ in wrong[place:] for key in entry}
        response = generate(world, **changes)
        assert response.status_code == 400
        assert response.json is not None
        assert response.json["error"] == error


def test_missing_fields_are_all_named(client: FlaskClient) -> None:
    """The first is the error, all are the details; a null is as missing as no field."""
    response = client.post(GENERATE, json={"start_date": None})
    assert response.status_code == 400
    assert response.json == {
        "error": f"customer_id: {MISSING}",
        "details": {
            "customer_id": [MISSING],
            "start_date": [MISSING],
            "end_date": [MISSING],
        },
    }


@pytest.mark.parametrize(
    "text",
    [
        '"x"',
        '""',
        '"1"',
        "1.9",
        "1.0",
        "1e0",
        "true",
        "[]",
        "[1]",
        "{}",
        "0",
        "-1",
        "9223372036854775808",
        '"\\u0661"',
    ],
)
def test_a_customer_id_is_an_integer_and_nothing_like_one(world: FlaskClient, text: str) -> None:
    """What some languages would take for an id is refused with the field's name."""
    body = f'{{"customer_id":{text},"start_date":"2023-01-01","end_date":"2023-01-31"}}'
    response = world.post(GENERATE, data=body, content_type="application/json")
    assert (response.status_code, response.json) == (400, {"error": f"customer_id: {NO_ID}"})


@pytest.mark.parametrize(
    "day",
    [
        "2023-02-30",
        "20230101",
        "2023-W01-1",
        "10000-01-01",
        "0000-01-01",
        "2023-01-01T00:00:00Z",
        "２０２３-01-01",
        "2023-1-1",
        " 2023-01-01",
        "",
        1,
        True,
        [],
    ],
)
@pytest.mark.parametrize("field", ["start_date", "end_date"])
def test_a_date_is_an_existing_day_written_plainly(
    world: FlaskClient, field: str, day: object
) -> None:
    """Other spellings of dates are refused with the field's name."""
    response = generate(world, **{field: day})
    assert (response.status_code, response.json) == (400, {"error": f"{field}: {NO_DATE}"})


@pytest.mark.parametrize(
    "text",
    ["\x00", "csv\x07", "\ud800", "\u202ecsv"],
)
def test_a_format_is_text_that_can_be_repeated(world: FlaskClient, text: str) -> None:
    """Control characters, lone surrogates and bidi controls are refused before they are shown."""
    response = generate(world, output_format=text)
    assert response.status_code == 400
    assert response.json == {
        "error": "output_format: Control characters, lone surrogates and bidi controls are not "
        "allowed."
    }


@pytest.mark.parametrize("value_", [1, True, ["csv"], {"csv": 1}])
def test_a_format_is_text(world: FlaskClient, value_: object) -> None:
    """A wrong type is refused as such."""
    response = generate(world, output_format=value_)
    assert (response.status_code, response.json) == (
        400,
        {"error": "output_format: Not a valid string."},
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"1",
        b'{"customer_id":1} trailing',
        b'{"customer_id":1,"customer_id":1}',
        b'{"customer_id":NaN}',
        b'{"customer_id":1e400}',
        b'{"customer_id":' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b"\xff\xfe{\x00}\x00",
        b'{"customer_id":"\xff"}',
        b"\xef\xbb\xbf{}",
    ],
)
def test_a_body_that_is_no_plain_json_object_is_refused(client: FlaskClient, body: bytes) -> None:
    """Malformed, doubtful or oversized JSON is a 400 that says something, never a 500."""
    response = client.post(GENERATE, data=body, content_type="application/json")
    assert response.status_code == 400
    assert response.json is not None
    assert response.json["error"]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None],
)
def test_a_body_of_another_type_is_unsupported(
    client: FlaskClient, content_type: str | None
) -> None:
    """A body must say that it is JSON."""
    response = client.post(GENERATE, data=b"{}", content_type=content_type)
    assert response.status_code == 415
    assert response.json is not None
    assert list(response.json) == ["detail"]


def test_a_compressed_body_is_unsupported(client: FlaskClient) -> None:
    """Nothing is unpacked: what is small on the wire stays small."""
    response = client.post(GENERATE, json={}, headers={"Content-Encoding": "gzip"})
    assert response.status_code == 415


def test_a_query_has_no_place_here(world: FlaskClient) -> None:
    """A parameter that belongs into the body is refused, not ignored."""
    body = {"customer_id": 1, **JANUARY}
    response = world.post(GENERATE + "?output_format=csv", json=body)
    assert (response.status_code, response.json) == (
        400,
        {"error": "output_format: Unknown field."},
    )


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "options"])
def test_generating_is_a_post(client: FlaskClient, method: str) -> None:
    """Other methods are told which one there is."""
    response = getattr(client, method)(GENERATE)
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"
    assert list(response.json) == ["detail"]


# -------------------------------------------------------------------------------------- access


@pytest.mark.usefixtures("world")
def test_another_customer_s_bill_cannot_be_generated(caller: Caller, billing: Billing) -> None:
    """A hidden customer and a missing one get the same words, and nothing is stored."""
    bolt = caller(customers=[2])
    response = generate(bolt)
    assert (response.status_code, response.json) == (
        400,
        {"error": "Customer with ID 1 not found"},
    )
    assert filed(billing) == 0


@pytest.mark.parametrize("scopes", [[], ["reports:read"], ["catalog:write", "audit:read"]])
@pytest.mark.usefixtures("world")
def test_generating_takes_its_scope(caller: Caller, billing: Billing, scopes: list[str]) -> None:
    """A token that may only read makes nothing, whatever the body says."""
    response = generate(caller(scopes=scopes), nonsense=1)
    assert (response.status_code, response.text) == (403, FORBIDDEN)
    assert filed(billing) == 0


@pytest.mark.usefixtures("world")
def test_a_writer_of_reports_need_not_read(caller: Caller) -> None:
    """The answer of generate is part of it: no other scope is asked for."""
    assert generate(caller(scopes=["reports:write"], customers=[1])).status_code == 201


@pytest.mark.parametrize("keys", [("foo", "bar", "a"), ("a", "foo", "bar"), ("bar", "a", "foo")])
def test_the_first_unknown_key_is_named(client: FlaskClient, keys: tuple[str, ...]) -> None:
    """In the order of the body, whatever the process: two workers never disagree."""
    body = {"customer_id": 123, **dict.fromkeys(keys, 1)}
    text = json.dumps(body)  # The client's own `json` would sort the keys.
    response = client.post("/api/v2/reports/generate/", data=text, content_type="application/json")
    assert response.json is not None
    assert response.json["error"] == f"{keys[0]}: Unknown field."
    assert list(response.json["details"])[:3] == list(keys)

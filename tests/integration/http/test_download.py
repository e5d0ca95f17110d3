"""Downloading reports: the bytes of each file and the headers that go with it."""

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import ServiceUnavailable

from billing.bootstrap import Billing
from billing.entrypoints.http.answers import large_answers
from billing.entrypoints.http.app import create_app
from billing.settings import Settings
from tests.integration.http.worlds import API, NOT_FOUND, generate, put, settle

HEADER = "order_id,service_id,service_name,amount\n"


@pytest.fixture
def world(client: FlaskClient) -> FlaskClient:
    """Put the small world and file one report."""
    settle(client)
    generate(client)
    return client


@pytest.mark.parametrize("query", ["", "?format=csv"])
def test_csv_is_the_default_and_has_the_published_form(world: FlaskClient, query: str) -> None:
    """Names are quoted, numbers are not, lines end in a line feed; nothing is summed up."""
    response = world.get(f"{API}reports/1/download/{query}")
    assert response.status_code == 200
    assert response.data == (
        b"order_id,service_id,service_name,amount\n"
        b'10001,1,"Picking",5.00\n'
        b'10001,2,"Packing",10.50\n'
        b'10001,3,"Carrier",4.20\n'
        b'10002,1,"Picking",5.00\n'
    )
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    disposition = 'attachment; filename="billing_report_1.csv"'
    assert response.headers["Content-Disposition"] == disposition
    assert response.content_length == len(response.data)


def test_a_report_without_orders_is_the_header_alone(world: FlaskClient) -> None:
    """An empty bill is still a CSV file."""
    generate(world, start_date="2020-01-01", end_date="2020-01-31")
    assert world.get(API + "reports/2/download/").text == HEADER


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=1+1", '"\'=1+1"'),
        ("+x", '"\'+x"'),
        ("-x", '"\'-x"'),
        ("@x", '"\'@x"'),
        ('Say "hi", bye', '"Say ""hi"", bye"'),
        ("a=1", '"a=1"'),
        ("Łódź 東京 العربية 🚚", '"Łódź 東京 العربية 🚚"'),
    ],
)
def test_a_name_cannot_become_a_formula(client: FlaskClient, name: str, cell: str) -> None:
    """What a spreadsheet would run is made text; quotes are doubled; scripts come back equal."""
    settle(client)
    put(client, "services/3/", {"name": name})
    generate(client, 2)
    assert client.get(API + "reports/1/download/").text == f"{HEADER}10001,3,{cell},-7\n"


def test_the_json_file_is_the_detail_byte_for_byte(world: FlaskClient) -> None:
    """Only the file's name is added."""
    response = world.get(API + "reports/1/download/?format=json")
    assert response.data == world.get(API + "reports/1/").data
    assert response.headers["Content-Type"] == "application/json"
    disposition = 'attachment; filename="billing_report_1.json"'
    assert response.headers["Content-Disposition"] == disposition


def test_the_pdf_file_is_a_pdf(world: FlaskClient) -> None:
    """Its type, its name and its length are declared."""
    response = world.get(API + "reports/1/download/?format=pdf")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/pdf"
    disposition = 'attachment; filename="billing_report_1.pdf"'
    assert response.headers["Content-Disposition"] == disposition
    assert response.data.startswith(b"%PDF-")
    assert response.content_length == len(response.data)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("format=xyz", "Invalid format: xyz"),
        ("format=dict", "Invalid format: dict"),
        ("format=CSV", "Invalid format: CSV"),
        ("format=", "Invalid format: "),
        ("format=" + "x" * 300, "Invalid format: " + "x" * 50),
        ("format=%22%0d%0aX-Evil:1", "format: Control characters are not allowed."),
        ("format=csv&format=pdf", "format: Given more than once."),
        ("format=csv&page=1", "page: Unknown field."),
    ],
)
@pytest.mark.parametrize("report_id", [1, 99])
def test_a_wrong_format_is_told_before_a_missing_report(
    world: FlaskClient, report_id: int, query: str, error: str
) -> None:
    """400 comes before 404, so the words do not depend on the report."""
    response = world.get(f"{API}reports/{report_id}/download/?{query}")
    assert (response.status_code, response.json) == (400, {"error": error})


@pytest.mark.parametrize("name", ["csv", "json", "pdf"])
def test_a_missing_report_has_no_file(client: FlaskClient, name: str) -> None:
    """Every format says the same 404."""
    response = client.get(f"{API}reports/99/download/?format={name}")
    assert (response.status_code, response.text) == (404, NOT_FOUND)


@pytest.mark.parametrize("name", ["../evil", 'a"; filename=b', "x;y"])
def test_a_file_is_named_after_the_report_s_id_alone(client: FlaskClient, name: str) -> None:
    """Nothing that anybody typed gets into a header."""
    settle(client)
    put(client, "customers/2/", {"name": name})
    generate(client, 2)
    response = client.get(API + "reports/1/download/")
    disposition = 'attachment; filename="billing_report_1.csv"'
    assert response.headers["Content-Disposition"] == disposition


# ------------------------------------------------------------------------------- large answers


@pytest.fixture
def large(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """File a report, and call every body large that is not empty; one may be sent at once."""
    app.config["LARGE_ANSWERS_AT_ONCE"] = 1
    settle(client)
    generate(client)
    monkeypatch.setattr("billing.entrypoints.http.answers.IN_ONE_PIECE", 0)
    monkeypatch.setattr("billing.entrypoints.http.edge.IN_ONE_PIECE", 0)
    return client


@pytest.mark.parametrize(("threads", "at_once"), [(1, 1), (2, 1), (3, 1), (4, 2), (8, 6), (64, 62)])
def test_two_threads_are_kept_from_large_answers(
    settings: Settings, billing: Billing, threads: int, at_once: int
) -> None:
    """However many the server has; one large answer is always let through."""
    app = create_app(replace(settings, threads=threads), billing)
    with app.app_context():
        answers = large_answers()
        for _ in range(at_once):
            answers.enter()
        with pytest.raises(ServiceUnavailable):
            answers.enter()


def test_a_large_answer_is_exact_and_gives_its_place_back(large: FlaskClient) -> None:
    """One after the other they all come, as long as they are read to the end."""
    for _ in range(3):
        response = large.get(API + "reports/1/download/")
        assert response.status_code == 200
        assert response.content_length == len(response.data)


def test_a_large_answer_waits_while_others_are_being_sent(large: FlaskClient) -> None:
    """Slow readers cannot take every thread: the next one is told to come back."""
    slow = large.get(API + "reports/1/download/")  # Not read yet: its place is taken.
    refused = large.get(API + "reports/1/download/")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "5"
    assert refused.json == {"error": "Too many large answers are being sent; try again shortly."}
    slow.close()
    assert large.get(API + "reports/1/download/").status_code == 200


def test_a_reader_that_goes_away_gives_its_place_back(large: FlaskClient) -> None:
    """Closing before the end is enough."""
    for _ in range(3):
        response = large.get(API + "reports/1/download/")
        assert response.status_code == 200
        response.close()


def test_head_keeps_no_place(large: FlaskClient) -> None:
    """It has a length and no body, and nothing to wait for."""
    for _ in range(3):
        response = large.head(API + "reports/1/download/")
        assert (response.status_code, response.data) == (200, b"")
        assert (response.content_length or 0) > len(HEADER)
        response.close()


def test_a_report_that_is_filed_is_always_answered(large: FlaskClient) -> None:
    """Generating is not refused when its work is done: a retry would bill twice."""
    slow = large.get(API + "reports/1/download/")
    assert generate(large).status_code == 201
    slow.close()


def test_a_report_whose_answer_would_find_no_room_is_not_filed(
    large: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large report is refused before anything is stored, so that a retry is harmless."""
    monkeypatch.setattr("billing.entrypoints.http.report_files.MANY_ORDERS", 1)
    slow = large.get(API + "reports/1/download/")
    refused = generate(large)
    assert refused.status_code == 503
    assert "Retry-After" in refused.headers
    slow.close()
    assert large.get(API + "reports/2/").status_code == 404
    assert generate(large).status_code == 201

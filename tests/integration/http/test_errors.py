"""Errors: one envelope for every refusal and failure, in the promised order, and never HTML."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from billing.bootstrap import Billing
from billing.domain.bulk_intake import IntakeResult, InvalidRowError, RowError, RowsRefusedError
from billing.domain.errors import BillingError, InvalidValueError
from billing.entrypoints.http.blueprint import Blueprint, check_every_view
from billing.settings import Settings
from tests.integration.http.conftest import Caller
from tests.integration.http.probe import REFUSALS, probe

API = "/api/v2"


@pytest.fixture
def app(app: Flask) -> Flask:
    """Add the probe to the service."""
    app.register_blueprint(probe, url_prefix=API)
    return app


def assert_refusal(response: TestResponse, status: int, body: dict[str, Any]) -> None:
    """Expect a refusal, and nothing but it."""
    assert (response.status_code, response.json) == (status, body)
    assert response.content_type == "application/json"
    assert response.content_length == len(response.data)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/v2/",
        "/nope",
        "/api/v2/reports/no-such/",
        "/api//v2/probe/caller/",
        "/%00",
        "/%ff",
        "/<script>",
        "/static/x",
    ],
)
def test_an_unknown_path_is_not_found(anonymous: FlaskClient, path: str) -> None:
    """Without a token too: what is not there needs no permission."""
    assert_refusal(anonymous.get(path), 404, {"detail": "Not found."})


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "LINK"])
def test_an_unknown_method_is_answered_with_the_known_ones(
    anonymous: FlaskClient, method: str
) -> None:
    """405 with `Allow`; OPTIONS is no exception."""
    response = anonymous.open(f"{API}/probe/caller/", method=method)
    assert_refusal(response, 405, {"detail": f'Method "{method}" not allowed.'})
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize(
    "number",
    [
        *("0", "-1", "+1", "01", "1.0", "1e3", "abc", "١", "１", "1%00", " 1", "1_0", "0x1"),
        *(str(number) for number in (2**63, 2**63 + 10, 9_300_000_000_000_000_000, 10**19)),
        "9" * 5_000,
    ],
)
def test_what_is_no_id_is_no_path(client: FlaskClient, number: str) -> None:
    """Ids in paths are plain ASCII digits up to 2^63 - 1."""
    for method in ("GET", "PUT"):
        response = client.open(f"{API}/probe/id/{number}/", method=method)
        assert_refusal(response, 404, {"detail": "Not found."})


def test_every_id_is_a_path(client: FlaskClient) -> None:
    """From the first to the last one."""
    for number in (1, 10, 10**18, 9 * 10**18, 9_199_999_999_999_999_999, 2**63 - 8, 2**63 - 1):
        assert client.get(f"{API}/probe/id/{number}/").json == {"id": number}


def test_both_spellings_of_a_path_answer(client: FlaskClient) -> None:
    """With and without the slash, without a redirect; HEAD as GET, without the body."""
    for path in (f"{API}/probe/id/7/", f"{API}/probe/id/7"):
        whole, head = client.get(path), client.head(path)
        assert whole.json == {"id": 7}
        assert (head.status_code, head.data) == (200, b"")
        assert head.content_length == whole.content_length
    assert client.post(f"{API}/probe/json", json={"a": 1}).json == {"a": "1"}


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("value", 400, {"error": "rates[2].price: Not good."}),
        (
            "conflict",
            409,
            {
                "error": "Customer 7 already has rate cards or charges in USD; "
                "its currency cannot change"
            },
        ),
        ("away", 503, {"error": "The storage is away"}),
    ],
)
def test_a_refusal_of_the_domain_says_its_sentence(
    client: FlaskClient, kind: str, status: int, body: dict[str, Any]
) -> None:
    """The table of errors gives its status; whoever may try again is told when."""
    response = client.get(f"{API}/probe/refuse/{kind}/")
    assert_refusal(response, status, body)
    assert ("Retry-After" in response.headers) == (status == 503)


def test_refused_rows_are_listed(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by its number, its field and what is wrong."""
    errors = [RowError(17, "items", "Not a list."), RowError(18, None, "Malformed JSON.")]
    refusal = RowsRefusedError(IntakeResult(received=500, skipped=2, errors=errors))
    monkeypatch.setitem(REFUSALS, "rows", refusal)
    details = [
        {"row": 17, "field": "items", "error": "Not a list."},
        {"row": 18, "field": None, "error": "Malformed JSON."},
    ]
    body = {"error": "2 of 500 rows are invalid", "details": details}
    assert_refusal(client.get(f"{API}/probe/refuse/rows/"), 400, body)


def test_several_wrong_fields_are_all_named(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`error` tells the first, `details` every one."""
    problems = [InvalidValueError("Bad.", field="name"), InvalidValueError("Worse.", field="id")]
    monkeypatch.setitem(REFUSALS, "row", InvalidRowError(*problems))
    body = {"error": "name: Bad.", "details": {"name": ["Bad."], "id": ["Worse."]}}
    assert_refusal(client.get(f"{API}/probe/refuse/row/"), 400, body)


def test_a_failure_tells_nothing(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """The client gets a sentence; the text, the path and the trace go to the log."""
    response = client.get(f"{API}/probe/fail/", headers={"X-Request-ID": "abc"})
    assert_refusal(response, 500, {"error": "An internal error occurred."})
    assert "Request abc failed" in caplog.text
    assert "SELECT * FROM secrets" in caplog.text


def test_a_view_may_word_its_failure(client: FlaskClient) -> None:
    """The contract gives some calls a sentence of their own."""
    response = client.get(f"{API}/probe/fail-with-sentence/")
    assert_refusal(response, 500, {"error": "An error occurred while probing."})


def test_a_text_that_cannot_be_encoded_is_still_an_answer(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a refusal repeats, its body is JSON."""
    monkeypatch.setitem(REFUSALS, "odd", InvalidValueError("\ud800 and Łódź\r\n"))
    response = client.get(f"{API}/probe/refuse/odd/")
    assert response.json == {"error": "\ud800 and Łódź\r\n"}


def test_checks_run_in_the_promised_order(app: Flask, billing: Billing, caller: Caller) -> None:
    """Size, route, limit, token, scope, media type, input: the first that fails answers."""
    del billing
    large = {"data": b"x" * 1_048_577, "content_type": "text/plain"}
    path, query = f"{API}/probe/json/", {"query_string": {"x": "1"}}
    reader, writer, nobody = caller(scopes=["reports:read"]), caller(), app.test_client()
    settings = Settings(max_body_mb=1)
    app.extensions["billing"] = (settings, app.extensions["billing"][1])
    text = {"data": b"x", "content_type": "text/plain"}
    json = {"data": b"x", "content_type": "application/json"}
    steps: list[tuple[FlaskClient, str, dict[str, Any], int]] = [
        (nobody, "/nope", large, 413),
        (nobody, "/nope", text, 404),
        (nobody, path, text | query, 401),
        (reader, path, text | query, 403),
        (writer, f"{API}/probe/schema/", text | query, 415),
        (writer, f"{API}/probe/schema/", json | query, 400),
        (writer, f"{API}/probe/schema/", json, 400),
    ]
    answers = [client.post(path, **rest).status_code for client, path, rest, _ in steps]
    assert answers == [status for *_, status in steps]


def test_a_view_that_does_not_say_who_may_call_it_stops_the_start(app: Flask) -> None:
    """Forgetting to declare a scope must not open a route."""
    check_every_view(app)
    forgetful = Blueprint("forgetful", __name__)
    forgetful.route("/forgotten/")(lambda: "")
    app.register_blueprint(forgetful)
    with pytest.raises(RuntimeError, match="forgetful"):
        check_every_view(app)
    with pytest.raises(ValueError, match="reports:reed"):
        forgetful.requires("reports:reed")


def test_every_refusal_of_the_domain_has_an_answer(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A class that the table does not name is a 400 with its sentence."""

    class NewError(BillingError):
        """Somebody adds a refusal."""

    monkeypatch.setitem(REFUSALS, "new", NewError("Not on Sundays"))
    response = client.get(f"{API}/probe/refuse/new/")
    assert_refusal(response, 400, {"error": "Not on Sundays"})
